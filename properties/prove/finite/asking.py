"""Asking Z3: within the time there is, telling how far it is, and to be ended by Ctrl-C.

While Z3 thinks, a thread looks at the limits and tells how far we are. If a limit is hit, or
whoever is told wants the run to end, it interrupts Z3. An interrupted solver is not asked again:
what it was given may be half translated, and then it gives wrong answers.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import define, field

from haiku_tuntap.properties.explore.search import Limits, Progress, memory_in_use

LOOK_EVERY = 0.1  # seconds

_INTERRUPTED = "interrupted"  # what Z3 says when Ctrl-C reached it, and not Python


class NoAnswerError(Exception):
    """There is no answer, for the reason that is given."""


@define(eq=False)
class Asking:
    """Questions that share one limit. `depth` is what progress is told with."""

    limits: Limits = field(factory=Limits)
    progress: Callable[[Progress], None] | None = None
    depth: int = 0
    started: float = field(factory=time.perf_counter)
    _ended_by: BaseException | None = None
    _next_look: float = 0.0

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.perf_counter() - self.started

    def check(self, solver: Any, *assumptions: Any) -> bool:
        """Whether the solver's formulas can hold. NoAnswerError if that is not found out."""
        self.look()
        with self._watched(solver):
            answer = solver.check(*assumptions)
        if self._ended_by is not None:
            raise self._ended_by
        if answer == z3.unknown:
            reason = solver.reason_unknown()
            if reason.startswith(_INTERRUPTED):
                raise KeyboardInterrupt
            raise NoAnswerError(f"Z3 gives up ({textwrap.shorten(reason, 60)})")
        return bool(answer == z3.sat)

    @contextmanager
    def _watched(self, solver: Any) -> Iterator[None]:
        """Look at the limits until the block ends; interrupt the solver if one is hit."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(LOOK_EVERY):
                try:
                    self.look()
                except (NoAnswerError, KeyboardInterrupt) as end:
                    self._ended_by = end
                    solver.interrupt()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def look(self) -> None:
        """Tell how far we are, now and then; NoAnswerError if a limit was hit."""
        if self.seconds < self._next_look:
            return
        self._next_look = self.seconds + LOOK_EVERY
        if self.progress is not None:
            self.progress(Progress(0, self.depth, self.seconds))
        limits = self.limits
        if limits.seconds is not None and self.seconds > limits.seconds:
            raise NoAnswerError(f"{limits.seconds:g} s")
        if limits.memory is not None and memory_in_use() > limits.memory:
            raise NoAnswerError(f"{limits.memory / 2**20:,.0f} MiB of memory")
