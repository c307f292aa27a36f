"""What is true of a FIFO that can be closed (repairs/closable_fifo.py)."""

from __future__ import annotations

from collections.abc import Callable

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.invariants.opening import in_calls
from haiku_tuntap.model.drivers.invariants.queue import wants
from haiku_tuntap.model.drivers.repairs.close_race import CLOSE_RACE_REPAIRED
from haiku_tuntap.model.drivers.tunnel_flag_only import TUNNEL_FLAG_ONLY
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK, device_close, device_open, device_read
from haiku_tuntap.model.kernel.system_calls import get_new_fd
from haiku_tuntap.model.language.invariants import (
    Fact,
    Facts,
    about_to,
    inside,
    local_is,
    next_is,
)
from haiku_tuntap.model.status import B_OK, EBUSY


def true_where_close_closes(
    *theorems: str, why: str, but: Driver | None = None, for_progress: bool = False
) -> Callable[[Callable[[Facts], Fact]], Callable[[Facts], Fact]]:
    """Declare a conjunct for each driver whose close closes the queue, but for one."""

    def declare(holds: Callable[[Facts], Fact]) -> Callable[[Facts], Fact]:
        for driver in (TUNNEL_REPAIRED, CLOSE_RACE_REPAIRED, TUNNEL_FLAG_ONLY):
            if driver is not but:
                driver.invariant(*theorems, why=why, for_progress=for_progress)(holds)
        return holds

    return declare


@true_where_close_closes(
    "close", "reopen", why="The last close closes the queue as the first thing."
)
def closed_files_have_closed_queues(state: Facts) -> Fact:
    queue = state.device.send_queue
    closing = state.count(inside(device_close) & wants(queue.lock))
    return state.implies(
        state.every(state.file.open_count.value == 0, in_calls(state) > 0),
        state.some(queue.closed != B_OK, closing > 0),
    )


@true_where_close_closes(
    "close",
    "reopen",
    but=TUNNEL_FLAG_ONLY,  # of which it is not true, and that is what is wrong with it
    why="Who finds the queue closed does not announce itself; close releases all who have.",
)
def closed_queues_let_nobody_wait(state: Facts) -> Fact:
    queue = state.device.send_queue
    releasing = state.count(inside(device_close) & about_to(queue.notify.release))
    return state.implies(state.every(queue.closed != B_OK, queue.waiting > 0), releasing > 0)


@true_where_close_closes(
    "close",
    "reopen",
    but=TUNNEL_REPAIRED,  # in which whoever finds the queue closed does not begin again
    why="The last close closes it when the number is gone; open reopens it before there is one.",
    for_progress=True,
)
def numbers_lead_to_open_queues(state: Facts) -> Fact:
    """So a read that begins again, as its queue was closed, finds no number, or an open queue."""
    device = state.device
    unlocking = about_to(device.send_queue.lock.unlock) | (
        about_to(device.devices.lock.unlock) & ~local_is("status", EBUSY)
    )
    making = inside(get_new_fd) & (
        next_is("allocate(FileDescriptor)") | next_is("store(descriptor.ref_count)")
    )
    reopened = (inside(device_open) & unlocking) | making | next_is("install(files)")
    is_open = state.file.open_count.value > 0
    return state.every(
        state.implies(is_open, state.count(inside(device_close)) == 0),
        state.implies(
            state.some(is_open, state.count(reopened) > 0), device.send_queue.closed == B_OK
        ),
    )


@TUNNEL_REPAIRED.invariant("nonblocking", why="The mode is stored before the file has a number.")
def modes_are_nonblocking(state: Facts) -> Fact:
    """Of a file that is only ever opened with O_NONBLOCK."""
    making = state.count(inside(device_open) & next_is("store(cookie.flags)"))
    blocking = inside(device_read) & local_is("flags", 0)
    return state.every(
        state.implies(making == 0, state.cookie.flags.value == O_NONBLOCK),
        state.count(blocking) == 0,
    )
