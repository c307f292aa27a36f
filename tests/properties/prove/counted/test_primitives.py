"""The kernel's primitives, counted: the local states of who uses them, and the steps."""

from __future__ import annotations

from tiny_templates import comparison_of, described, space_of, templates

from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.language import System, ThreadSpec, call, procedure
from haiku_tuntap.model.status import B_INTERRUPTED


@procedure()
async def enter(mutex: Mutex) -> None:
    """Have the mutex for a while."""
    async with mutex:
        pass


@procedure()
async def enter_twice(mutex: Mutex) -> None:
    """Have the mutex two times."""
    async with mutex:
        pass
    async with mutex:
        pass


@procedure()
async def wait(semaphore: Semaphore) -> None:
    """Wait for a token."""
    await semaphore.acquire(interruptible=True)


@procedure()
async def give(semaphore: Semaphore) -> None:
    """Give a token."""
    await semaphore.release()


@procedure()
async def give_all(semaphore: Semaphore) -> None:
    """Wake all who wait."""
    await semaphore.release_all(B_INTERRUPTED)


def test_the_local_states_of_who_uses_a_mutex_are_these() -> None:
    mutex = Mutex()
    space = space_of(mutex, call(enter, mutex))
    assert {described(space, state) for state in space.states} == {
        "a call begin enter []",
        "a primitive lock(it) []",
        "a blocked lock(it) ['waiters']",
        "a resumed lock(it) with 0 ['owner']",
        "a primitive unlock(it) ['owner']",
        "a done done []",
    }


def test_who_waits_for_a_mutex_gets_it_in_any_order() -> None:
    mutex = Mutex()
    system = templates(mutex, call(enter, mutex), call(enter_twice, mutex))
    difference = comparison_of(system, a=2, b=1).compare()
    assert difference.missing == set()
    assert difference.more == set()


def test_a_release_moves_one_a_release_of_all_moves_all_and_a_signal_whom_it_means() -> None:
    semaphore = Semaphore()
    waiter = ThreadSpec("waiter", (call(wait, semaphore),))
    system = System(
        "tiny",
        {"it": semaphore},
        (
            waiter,
            ThreadSpec("giver", (call(give, semaphore),)),
            ThreadSpec("waker", (call(give_all, semaphore),)),
            ThreadSpec("signal", (call(kill, waiter.thread),)),
        ),
    )
    comparison = comparison_of(system, waiter=3, giver=1, waker=1, signal=1)
    difference = comparison.compare()
    assert difference.missing == set()
    assert difference.more == set()
    woken = {
        described(comparison.space, state)
        for state in comparison.space.states
        if "resumed" in described(comparison.space, state)
    }
    assert woken == {
        "waiter resumed acquire(it) with 0 []",
        f"waiter resumed acquire(it) with {int(B_INTERRUPTED)} []",
    }
