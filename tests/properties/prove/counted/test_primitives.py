"""The kernel's primitives, counted: the local states of who uses them, and the steps."""

from __future__ import annotations

import pytest
from tiny_templates import comparison_of, described, space_of, templates

from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.language import (
    BLOCK,
    Procedure,
    System,
    Thread,
    ThreadSpec,
    call,
    current_thread,
    internal,
    primitive,
    procedure,
    record,
    wake,
)
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK, Status
from haiku_tuntap.properties.prove.counted.proof import system_space
from haiku_tuntap.properties.prove.counted.surroundings import SIGNALLED


@record
class Gate:
    """Where threads wait; `status` is what they are let through with."""

    status: Status = internal(default=B_OK)
    waiters: tuple[Thread, ...] = internal(default=())

    @primitive()
    def wait(self) -> Status:
        """Sleep until it is opened."""
        self.waiters = (*self.waiters, current_thread())
        return BLOCK

    @primitive()
    def change(self) -> None:
        """Let threads through with another status."""
        self.status = B_INTERRUPTED

    @primitive()
    def open_for_one(self) -> None:
        """Let the first through."""
        if self.waiters:
            thread = self.waiters[0]
            self.waiters = self.waiters[1:]
            wake(thread, self.status)

    @primitive()
    def open_for_all(self) -> None:
        """Let all through."""
        for thread in self.waiters:
            wake(thread, self.status)
        self.waiters = ()


@procedure()
async def pass_through(gate: Gate) -> None:
    """Wait at the gate."""
    await gate.wait()


@procedure()
async def change_the_gate(gate: Gate) -> None:
    """Let threads through with another status."""
    await gate.change()


@procedure()
async def let_one_through(gate: Gate) -> None:
    """Open it for one."""
    await gate.open_for_one()


@procedure()
async def let_all_through(gate: Gate) -> None:
    """Open it for all."""
    await gate.open_for_all()


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
async def wait_and_enter(semaphore: Semaphore, mutex: Mutex) -> None:
    """Wait for a token, and then have the mutex for a while."""
    await semaphore.acquire(interruptible=True)
    async with mutex:
        pass


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


def test_that_a_signal_has_come_is_kept_of_a_thread_that_sleeps_on() -> None:
    """No step reads it there, but judges do."""
    semaphore, mutex = Semaphore(tokens=1), Mutex()
    waiter = ThreadSpec("waiter", (call(wait_and_enter, semaphore, mutex),))
    signal = ThreadSpec("signal", (call(kill, waiter.thread),))
    roots = {"semaphore": semaphore, "mutex": mutex}
    space = system_space(System("tiny", roots, (waiter, signal)))
    sleeping = [
        state
        for state in space.states
        if described(space, state).startswith("waiter blocked lock(mutex)")
    ]
    assert sorted(space.look(state, SIGNALLED) or 0 for state in sleeping) == [0, 1]


@pytest.mark.parametrize("made", [let_one_through, let_all_through])
def test_what_threads_are_woken_with_may_be_a_variable(made: Procedure[[Gate], None]) -> None:
    gate = Gate()
    system = templates(
        gate, call(pass_through, gate), call(change_the_gate, gate), call(made, gate)
    )
    comparison = comparison_of(system, a=2, b=1, c=1)
    difference = comparison.compare()
    assert difference.missing == set()
    assert difference.more == set()
    woken = {s.woken for s in comparison.space.states if s.template == 0} - {0}
    assert woken == {int(B_INTERRUPTED)}
