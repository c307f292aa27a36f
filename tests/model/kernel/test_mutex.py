"""The mutex: a FIFO that hands itself over."""

from __future__ import annotations

from tiny import Tiny

from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import call, procedure


@procedure()
async def visits(mutex: Mutex) -> None:
    """Lock and unlock."""
    async with mutex:
        pass


@procedure()
async def unlocks(mutex: Mutex) -> None:
    """Unlock, whoever holds it."""
    await mutex.unlock()


@procedure()
async def locks_twice(mutex: Mutex) -> None:
    """Lock, and lock again."""
    await mutex.lock()
    await mutex.lock()


@procedure()
async def unlocks_early(mutex: Mutex) -> None:
    """Lock, unlock early, lock again."""
    async with mutex as locker:
        await locker.unlock()
        await locker.lock()


def visitors(mutex: Mutex, *names: str) -> Tiny:
    return Tiny({name: call(visits, mutex) for name in names})


def test_the_first_thread_gets_the_mutex_and_is_known_as_its_owner() -> None:
    mutex = Mutex()
    tiny = visitors(mutex, "first")
    tiny.step("first", "first")
    assert mutex.owner is tiny.thread("first")
    tiny.step("first")
    assert mutex.owner is None
    assert tiny.is_done("first")


def test_an_unlock_hands_the_mutex_over_in_the_order_of_arrival() -> None:
    """MUTEX-1."""
    mutex = Mutex()
    tiny = visitors(mutex, "first", "second", "third")
    tiny.step("first", "first", "third", "third", "second", "second")
    assert tiny.sleeps("second")
    assert tiny.sleeps("third")
    assert [t.name for t in mutex.waiters] == ["third", "second"]
    tiny.run("first")
    assert mutex.owner is tiny.thread("third")
    assert [t.name for t in mutex.waiters] == ["second"]
    assert tiny.sleeps("second")
    tiny.run("third")
    assert mutex.owner is tiny.thread("second")
    tiny.run("second")
    assert mutex.owner is None


def test_nobody_overtakes_a_thread_that_was_handed_the_mutex_and_has_not_run() -> None:
    """MUTEX-1."""
    mutex = Mutex()
    tiny = visitors(mutex, "first", "second", "late")
    tiny.step("first", "first", "second", "second")
    tiny.run("first")
    tiny.run("late")
    assert tiny.sleeps("late")
    assert mutex.owner is tiny.thread("second")


def test_a_locker_that_unlocked_early_locks_again_behind_others() -> None:
    """MUTEX-1."""
    mutex = Mutex()
    tiny = Tiny({"early": call(unlocks_early, mutex), "other": call(visits, mutex)})
    tiny.step("early", "early", "other", "other", "early")
    assert mutex.owner is tiny.thread("other")
    tiny.run("early")
    assert tiny.sleeps("early")
    tiny.run("other", "early")
    assert mutex.owner is None
    assert tiny.violations == []


def test_unlocking_what_another_thread_holds_is_reported_and_changes_nothing() -> None:
    """MUTEX-2."""
    mutex = Mutex()
    tiny = Tiny({"owner": call(visits, mutex), "other": call(unlocks, mutex)})
    tiny.step("owner", "owner")
    tiny.run("other")
    assert tiny.violations == ["a thread unlocks a mutex which it does not hold"]
    assert mutex.owner is tiny.thread("owner")


def test_unlocking_what_nobody_holds_is_reported() -> None:
    """MUTEX-2."""
    tiny = Tiny({"other": call(unlocks, Mutex())})
    tiny.run("other")
    assert tiny.violations == ["a thread unlocks a mutex which it does not hold"]


def test_locking_twice_is_reported_and_the_thread_sleeps_for_ever() -> None:
    """MUTEX-2."""
    mutex = Mutex()
    tiny = Tiny({"thread": call(locks_twice, mutex)})
    tiny.run("thread")
    assert tiny.violations == ["a thread locks a mutex which it holds already"]
    assert tiny.sleeps("thread")
    assert mutex.owner is tiny.thread("thread")
