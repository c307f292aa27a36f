"""Kernel threads: spawned, resumed, waited for."""

from __future__ import annotations

from tiny import Log, Tiny

from haiku_tuntap.model.kernel.kernel_thread import KernelThread
from haiku_tuntap.model.language import call, procedure
from haiku_tuntap.model.status import B_OK


@procedure()
async def lives(thread: KernelThread, log: Log) -> None:
    """What the kernel thread itself does, in one life."""
    await thread.wait_until_resumed()
    await log.note(B_OK)
    await thread.exit()


@procedure()
async def starts(thread: KernelThread) -> None:
    """Spawn it and let it run."""
    await thread.spawn()
    await thread.resume()


@procedure()
async def waits(thread: KernelThread, log: Log) -> None:
    """Wait until it has ended."""
    await log.note(await thread.wait_for_exit())


def threads() -> tuple[KernelThread, Log, Tiny]:
    thread, log = KernelThread(), Log()
    tiny = Tiny(
        {
            "itself": call(lives, thread, log),
            "starter": call(starts, thread),
            "other starter": call(starts, thread),
            "waiter 1": call(waits, thread, log),
            "waiter 2": call(waits, thread, log),
        }
    )
    return thread, log, tiny


def test_it_sleeps_until_it_is_resumed() -> None:
    thread, log, tiny = threads()
    tiny.run("itself")
    assert tiny.sleeps("itself")
    tiny.step("starter", "starter")
    assert thread.alive
    assert tiny.sleeps("itself")
    tiny.run("starter", "itself")
    assert log.lines() == [("itself", B_OK)]
    assert tiny.is_done("itself")
    assert not thread.alive


def test_it_runs_at_once_if_it_was_resumed_before_it_came_to_wait() -> None:
    _, log, tiny = threads()
    tiny.run("starter", "itself")
    assert log.lines() == [("itself", B_OK)]


def test_everybody_who_waits_for_its_exit_is_woken_by_it() -> None:
    """THREAD-1."""
    _, log, tiny = threads()
    tiny.run("starter", "waiter 1", "waiter 2")
    assert tiny.sleeps("waiter 1")
    assert tiny.sleeps("waiter 2")
    tiny.run("itself", "waiter 1", "waiter 2")
    assert log.lines() == [("itself", B_OK), ("waiter 1", B_OK), ("waiter 2", B_OK)]


def test_who_waits_for_one_that_does_not_exist_does_not_sleep() -> None:
    """THREAD-2."""
    _, log, tiny = threads()
    tiny.run("waiter 1")
    assert log.lines() == [("waiter 1", B_OK)]


def test_to_start_it_while_it_runs_is_reported() -> None:
    """UP-4."""
    _, _, tiny = threads()
    tiny.run("starter", "other starter")
    assert tiny.violations == ["a second reader thread is started while the first runs"]
