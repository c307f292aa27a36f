"""Asking Z3: within the time there is, telling how far it is, and to be ended by Ctrl-C.

A question is asked in slices of a fraction of a second. Z3 keeps what it has learned from one slice
to the next, and in between there is time to look at the clock and at whoever wants to end the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import define, field

from haiku_tuntap.properties.explore.search import Limits, Progress, memory_in_use

SLICE = 250  # milliseconds

# What Z3 says when its time was up, and when Ctrl-C reached it and not Python.
_OUT_OF_TIME = frozenset({"timeout", "canceled", "cancelled"})
_INTERRUPTED = "interrupted"


class NoAnswerError(Exception):
    """There is no answer, for the reason that is given."""


@define(eq=False)
class Asking:
    """Questions that share one limit. `depth` is what progress is told with."""

    limits: Limits = field(factory=Limits)
    progress: Callable[[Progress], None] | None = None
    depth: int = 0
    started: float = field(factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.perf_counter() - self.started

    def check(self, solver: Any, *assumptions: Any) -> bool:
        """Whether the solver's formulas can hold. NoAnswerError if that is not found out."""
        while True:
            solver.set("timeout", self._slice())
            answer = solver.check(*assumptions)
            if answer != z3.unknown:
                return bool(answer == z3.sat)
            reason = solver.reason_unknown()
            if reason.startswith(_INTERRUPTED):
                raise KeyboardInterrupt
            if reason not in _OUT_OF_TIME:
                raise NoAnswerError(f"Z3 gives up ({reason})")

    def look(self) -> None:
        """Tell how far we are; NoAnswerError if a limit was hit."""
        if self.progress is not None:
            self.progress(Progress(0, self.depth, self.seconds))
        limits = self.limits
        if limits.seconds is not None and self.seconds > limits.seconds:
            raise NoAnswerError(f"{limits.seconds:g} s")
        if limits.memory is not None and memory_in_use() > limits.memory:
            raise NoAnswerError(f"{limits.memory / 2**20:,.0f} MiB of memory")

    def _slice(self) -> int:
        self.look()
        if self.limits.seconds is None:
            return SLICE
        left = 1 + int((self.limits.seconds - self.seconds) * 1000)
        return max(1, min(SLICE, left))
