"""What is true of the rival repair, which deletes the semaphore in close.

While it is deleted nobody can sleep in it, and the accounting of tokens does not matter.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.invariants.opening import in_calls
from haiku_tuntap.model.drivers.invariants.queue import announced_in, covered_in
from haiku_tuntap.model.drivers.tunnel_semaphore import TUNNEL_SEMAPHORE
from haiku_tuntap.model.language.invariants import Fact, Facts, about_to, asleep_in, on_the_way_to


@TUNNEL_SEMAPHORE.invariant(
    "close", "reopen", why="Nobody sleeps in a semaphore that is not there."
)
def deleted_means_awake(state: Facts) -> Fact:
    queue = state.device.send_queue
    return state.every(
        queue.waiting >= 0,
        state.implies(
            queue.notify.deleted != 0,
            state.every(queue.notify.waiters == 0, queue.notify.tokens == 0),
        ),
    )


@TUNNEL_SEMAPHORE.invariant(
    "packets", "close", "reopen", why="As in tunnel, while there is a semaphore."
)
def announced(state: Facts) -> Fact:
    queue = state.device.send_queue
    return state.implies(queue.notify.deleted == 0, announced_in(state, queue))


@TUNNEL_SEMAPHORE.invariant(
    "packets", "close", "reopen", why="As in tunnel, while there is a semaphore to wait for."
)
def covered(state: Facts) -> Fact:
    queue = state.device.send_queue
    waiting = state.count(on_the_way_to(queue.notify.acquire)) + state.count(
        asleep_in(queue.notify)
    )
    return state.implies(
        state.every(queue.notify.deleted == 0, waiting > 0), covered_in(state, queue)
    )


@TUNNEL_SEMAPHORE.invariant("close", "reopen", why="The last close deletes it as the first thing.")
def closed_files_have_no_semaphore(state: Facts) -> Fact:
    notify = state.device.send_queue.notify
    return state.implies(
        state.every(state.file.open_count.value == 0, in_calls(state) > 0),
        state.some(notify.deleted != 0, state.count(about_to(notify.delete)) > 0),
    )
