"""The accounting of tokens in a network FIFO, which is what wakes its readers.

A reader goes to sleep in three steps: it announces itself (`waiting` rises), unlocks, and acquires
the semaphore. *announced* says that for each who has begun this there is an entry in `waiting` or a
token, in the semaphore or about to be. *covered* says that while somebody is announced, each packet
has somebody on the way to look for it, or a token. Together: if a reader sleeps and nothing moves,
there is no packet. A `waiting` that a signal has left too high makes both only easier to keep.
"""

from __future__ import annotations

from typing import Any

from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer
from haiku_tuntap.model.language.invariants import (
    Fact,
    Facts,
    Place,
    about_to,
    asleep_in,
    inside,
    on_the_way_to,
    woken_in,
)
from haiku_tuntap.model.status import B_OK


def wants(mutex: Any) -> Place:
    """Threads that are about to get a mutex, wait for it, or were just handed it."""
    wanting = about_to(mutex.lock) | asleep_in(mutex) | woken_in(mutex)
    return wanting.called(f"wanting {mutex}")


def announced_in(state: Facts, queue: Any) -> Fact:
    """Whoever is between the announcement and the end of the wait is promised a token."""
    going = state.count(on_the_way_to(queue.notify.acquire)) + state.count(asleep_in(queue.notify))
    return going <= queue.waiting + queue.notify.tokens + state.count(
        about_to(queue.notify.release)
    )


def covered_in(state: Facts, queue: Any) -> Fact:
    """While somebody is announced, there is a token or a looker for each packet."""
    looking = state.count(inside(fifo_dequeue_buffer) & wants(queue.lock)) + state.count(
        woken_in(queue.notify, B_OK)
    )
    releasing = state.count(about_to(queue.notify.release))
    return state.implies(
        queue.waiting > 0, queue.buffers <= looking + queue.notify.tokens + releasing
    )
