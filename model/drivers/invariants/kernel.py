"""What is true of the kernel's primitives, whatever driver uses them."""

from __future__ import annotations

from typing import Any

from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language.invariants import Fact, Facts, true_of


@true_of(Mutex, why="An unlock hands the mutex to the first who waits.")
def who_waits_waits_for_an_owner(state: Facts, mutex: Any) -> Fact:
    return state.implies(mutex.waiters > 0, mutex.owner > 0)


@true_of(Semaphore, why="A token that finds somebody asleep is handed over.")
def tokens_find_nobody_asleep(state: Facts, semaphore: Any) -> Fact:
    return state.every(
        semaphore.tokens >= 0,
        state.implies(semaphore.tokens > 0, semaphore.waiters == 0),
    )
