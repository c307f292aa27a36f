"""What is true while a file is open: readers, pollers, senders, and those who close it.

Pollers register first and look then. *told* says that whoever has looked and found nothing was
told since, or a sender is on the way to tell.

The rest is counting references to the file.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.invariants.queue import announced_in, covered_in, wants
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.descriptors import put_fd
from haiku_tuntap.model.kernel.hooks import device_close, device_select, device_send_data
from haiku_tuntap.model.kernel.net_fifo import fifo_enqueue_buffer
from haiku_tuntap.model.kernel.select import (
    SelectInfo,
)
from haiku_tuntap.model.kernel.select_calls import select_fd
from haiku_tuntap.model.kernel.system_calls import user_close
from haiku_tuntap.model.language.invariants import (
    Fact,
    Facts,
    Place,
    about_to,
    asleep_in,
    has,
    holds,
    inside,
    listed_in,
    local_is,
    meant_by,
    mine,
    on_the_way_to,
    refers_to,
)
from haiku_tuntap.model.status import B_OK


@TUNNEL.invariant("packets", "close", why="Every packet has size 1 here.")
def bytes_are_packets(state: Facts) -> Fact:
    queue = state.device.send_queue
    return queue.current_bytes == queue.buffers


@TUNNEL.invariant(
    "packets",
    "close",
    "reopen",
    why="An announcement raises waiting before; whoever lowers it is about to release a token.",
)
def announced(state: Facts) -> Fact:
    return announced_in(state, state.device.send_queue)


@TUNNEL.invariant(
    "packets",
    "close",
    "reopen",
    why="Who enqueues while somebody is announced releases a token; who finds none takes a packet.",
)
def covered(state: Facts) -> Fact:
    return covered_in(state, state.device.send_queue)


def waits_for_events() -> Place:
    """Pollers that sleep, or will as they have no token, until somebody notifies them."""
    semaphore = mine(SelectInfo).semaphore
    no_token = has(SelectInfo, "semaphore.tokens", lambda tokens: tokens == 0, "is 0")
    return asleep_in(semaphore) | no_token


def unnotified(state: Facts) -> Place:
    """Pollers that are registered, have looked, and do not know of a packet."""
    looking = inside(device_select) & ~about_to(state.device.send_queue.lock.unlock)
    being_told = meant_by("sender", "info") | meant_by("sender", "rest of info")
    registered = listed_in(state.device.select_pool, "readers")
    return registered & ~looking & waits_for_events() & ~being_told


def due(state: Facts) -> Place:
    """Senders that have enqueued a packet and have yet to tell those who poll."""
    queue, pool = state.device.send_queue, state.device.select_pool
    enqueued = inside(fifo_enqueue_buffer) & (
        about_to(queue.notify.release) | (about_to(queue.lock.unlock) & local_is("status", B_OK))
    )
    telling = wants(pool.lock) | (holds(pool.lock) & wants(queue.lock))
    return inside(device_send_data) & (enqueued | telling)


@TUNNEL.invariant(
    "packets",
    "close",
    why="Pollers register before they look, and senders enqueue before they tell.",
)
def told(state: Facts) -> Fact:
    return state.implies(
        state.every(state.device.send_queue.buffers > 0, state.count(unnotified(state)) > 0),
        state.count(due(state)) > 0,
    )


@TUNNEL.invariant(
    "packets",
    "close",
    why="The number, who closes it, and who registers a poll keep the file open.",
)
def open_counts(state: Facts) -> Fact:
    keeping = (inside(user_close) | inside(select_fd)) & refers_to(state.file)
    keeping &= ~inside(put_fd) & ~inside(device_close)
    number = state.choose(state.files.fd3.descriptor != 0, 1, 0)
    return state.file.open_count.value == number + state.count(keeping)


@TUNNEL.invariant("close", why="Only one close finds the number in use.")
def one_closer(state: Facts) -> Fact:
    closing = inside(user_close) & refers_to(state.file) & ~inside(put_fd)
    number = state.choose(state.files.fd3.descriptor != 0, 1, 0)
    return number + state.count(closing) <= 1


@TUNNEL.invariant("close", why="Who empties the number takes its select infos, too.")
def watched_numbers_mean_files(state: Facts) -> Fact:
    slot = state.files.fd3
    return state.implies(slot.descriptor == 0, slot.selectors == 0)


@TUNNEL.invariant(
    "close", why="A poller sleeps only after it was listed; who takes it off the list tells it."
)
def watched(state: Facts) -> Fact:
    semaphore = mine(SelectInfo).semaphore
    waits = waits_for_events() & (asleep_in(semaphore) | on_the_way_to(semaphore.acquire))
    being_told = meant_by("closer", "info") | meant_by("closer", "rest of info")
    return state.count(waits & ~listed_in(state.files.fd3, "selectors") & ~being_told) == 0
