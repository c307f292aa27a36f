"""Signals: pending until taken."""

from __future__ import annotations

from tiny import Log, Tiny

from haiku_tuntap.model.kernel.signals import kill, take_signal
from haiku_tuntap.model.language import Thread, call, final, procedure, record
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK


@record
class Target:
    """Whom a killer is to signal; a thread exists only once its system does."""

    thread: Thread | None = final(default=None)


@procedure()
async def kills(target: Target) -> None:
    """Send the signal."""
    assert target.thread is not None
    await kill(target.thread)


@procedure()
async def takes_twice(log: Log) -> None:
    """Take a signal, and another."""
    for _ in range(2):
        if await take_signal():
            await log.note(B_INTERRUPTED)
        else:
            await log.note(B_OK)


def victim_and_killer() -> tuple[Tiny, Log]:
    log, target = Log(), Target()
    tiny = Tiny({"victim": call(takes_twice, log), "killer": call(kills, target)})
    target.thread = tiny.thread("victim")
    return tiny, log


def test_without_a_signal_there_is_none_to_take() -> None:
    tiny, log = victim_and_killer()
    tiny.run("victim")
    assert log.notes == (B_OK, B_OK)


def test_a_signal_stays_pending_and_is_taken_once() -> None:
    """SIGNAL-2."""
    tiny, log = victim_and_killer()
    tiny.run("killer")
    assert tiny.thread("victim").signalled
    assert not tiny.thread("killer").signalled
    tiny.run("victim")
    assert log.notes == (B_INTERRUPTED, B_OK)
    assert not tiny.thread("victim").signalled
