"""What is true of what the monitors of properties remember, whatever the driver.

It belongs to the invariant, too: a rule that a monitor reports as broken is shown never to be.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.invariants.opening import installing
from haiku_tuntap.model.kernel.hooks import device_free, device_read
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer
from haiku_tuntap.model.kernel.system_calls import user_open
from haiku_tuntap.model.language.invariants import (
    Conjunct,
    Fact,
    Facts,
    about_to,
    inside,
    local_is,
)
from haiku_tuntap.model.status import B_OK, EBUSY


def openers_know_the_file(state: Facts) -> Fact:
    """The counts of Openers are those of the file."""
    file, openers = state.file, state.openers
    in_use = state.choose(file.ref_count.value > 0, 1, 0)
    return state.every(
        openers.is_open == state.choose(file.open_count.value > 0, 1, 0),
        openers.not_freed == in_use - installing(state) + state.count(inside(device_free)),
        openers.opening == state.count(inside(user_open)),
    )


def who_is_alone_succeeds(state: Facts) -> Fact:
    """An open that began alone is alone, and finds nobody."""
    openers = state.openers
    refused = inside(user_open) & local_is("status", EBUSY)
    return state.implies(
        openers.alone != 0,
        state.every(openers.opening == 1, openers.not_freed == 0, state.count(refused) == 0),
    )


def ledgers_balance(state: Facts) -> Fact:
    """Each packet that was accepted is queued, in the hands of a read, delivered or discarded."""
    book = state.ledger
    unlocking = inside(fifo_dequeue_buffer) & about_to(state.device.send_queue.lock.unlock)
    in_hands = state.count(inside(device_read) & unlocking & local_is("status", B_OK))
    return state.every(
        book.queued == state.device.send_queue.buffers,
        book.accepted == book.queued + book.delivered + book.discarded + in_hands,
    )


MONITOR_FACTS = (
    Conjunct(
        "ledgers-balance",
        ("reopen",),
        "Whoever takes a packet delivers or discards it.",
        ledgers_balance,
    ),
    Conjunct(
        "openers-know-the-file",
        ("reopen",),
        "The monitor counts what the file counts, each at the same step.",
        openers_know_the_file,
    ),
    Conjunct(
        "who-is-alone-succeeds",
        ("reopen",),
        "Whoever begins an open later ends the solitude of all others.",
        who_is_alone_succeeds,
    ),
)
