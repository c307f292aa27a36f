"""Tiny systems for looking at one primitive: threads that run step by step, and a log."""

from __future__ import annotations

from collections.abc import Mapping

from haiku_tuntap.model.language import (
    Call,
    System,
    Thread,
    ThreadSpec,
    current_thread,
    internal,
    primitive,
    record,
)
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.language.running import Running
from haiku_tuntap.model.status import Status


@record
class Log:
    """What threads have noted, in order."""

    threads: tuple[Thread, ...] = internal(default=())
    notes: tuple[Status, ...] = internal(default=())

    @primitive()
    def note(self, status: Status) -> None:
        """Note a status."""
        self.threads = (*self.threads, current_thread())
        self.notes = (*self.notes, status)

    def lines(self) -> list[tuple[str, Status]]:
        """All notes, as (name of the thread, status)."""
        return [(t.name, s) for t, s in zip(self.threads, self.notes, strict=True)]


class Tiny:
    """A running system whose threads are known by their names."""

    def __init__(self, calls: Mapping[str, Call], pool: Mapping[type, int] | None = None) -> None:
        threads = tuple(ThreadSpec(name, (made,), pool or {}) for name, made in calls.items())
        self.names = list(calls)
        self.running = Running(System("tiny", {}, threads))

    def thread(self, name: str) -> Thread:
        """The thread itself, as records name it."""
        return self.running.system.threads[self.names.index(name)].thread

    def step(self, *names: str) -> None:
        """Let these threads take one step each, in this order."""
        for name in names:
            self.running.step(self.names.index(name))

    def run(self, *names: str) -> None:
        """Let each of these threads run as far as it can, one after the other."""
        for name in names:
            while self.running.choices(self.names.index(name)):
                self.step(name)

    def sleeps(self, name: str) -> bool:
        return self.running.kind(self.names.index(name)) is LocationKind.BLOCKED

    def is_done(self, name: str) -> bool:
        return self.running.kind(self.names.index(name)) is LocationKind.DONE

    @property
    def violations(self) -> list[str]:
        return [v.text for v in self.running.violations]
