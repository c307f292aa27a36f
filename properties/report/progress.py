"""The live lines of a running check or proof: one for each scenario or theorem that is worked on.

They are on the standard error, vanish when the check ends, and do not appear at all where the
standard error is not a terminal. No thread draws them: they change when there is news.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from haiku_tuntap.properties.explore.search import Progress
from haiku_tuntap.properties.report.words import duration

DRAW_EVERY = 0.1  # seconds


class LiveLines:
    """Lines that are there while something runs. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._began = time.perf_counter()
        self._drawn = 0.0
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def lines(self) -> Table:
        """The lines as they are now."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show them, unless that was done a moment ago."""
        now = time.perf_counter()
        if self._live is not None and now - self._drawn >= DRAW_EVERY:
            self._drawn = now
            self._live.update(self.lines(), refresh=True)

    def elapsed(self) -> str:
        """The time since the beginning."""
        return duration(time.perf_counter() - self._began)


class LiveProgress(LiveLines):
    """What is searched at the moment; `started` and the like tell it."""

    def __init__(self, console: Console, total: int) -> None:
        super().__init__(console)
        self.total = total
        self.done = 0
        self.running: dict[str, Progress] = {}

    def started(self, scenario: str) -> None:
        """A scenario's search begins."""
        self.news(scenario, Progress(states=0, depth=0, seconds=0.0))

    def news(self, scenario: str, progress: Progress) -> None:
        """A scenario's search goes on."""
        self.running[scenario] = progress
        self.draw()

    def finished(self, scenario: str) -> None:
        """A scenario is done."""
        self.running.pop(scenario, None)
        self.done += 1
        self.draw()

    def lines(self) -> Table:
        """The lines as they are now."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(min_width=24)
        for width in (18, 14, 10):
            table.add_column(min_width=width, justify="right")
        for scenario, progress in self.running.items():
            if not progress.seconds:
                table.add_row(scenario, "compiling", "", "")
                continue
            if not progress.states:  # Z3 counts none
                table.add_row(scenario, "", duration(progress.seconds), f"depth {progress.depth}")
                continue
            speed = progress.states / progress.seconds if progress.seconds else 0.0
            table.add_row(
                scenario,
                f"{progress.states:,} states",
                f"{speed:,.0f}/s",
                f"depth {progress.depth}",
            )
        table.add_row(f"{self.done} of {self.total} scenarios done", "", "", self.elapsed())
        return table


class LiveProofs(LiveLines):
    """What is proved at the moment: for each theorem what is done, how much of it, of how much."""

    def __init__(self, console: Console, total: int) -> None:
        super().__init__(console)
        self.total = total
        self.done = 0
        self.running: dict[str, tuple[str, int, int]] = {}

    def started(self, theorem: str) -> None:
        """A proof begins."""
        self.news(theorem, ("compiling", 0, 1))

    def news(self, theorem: str, stage: tuple[str, int, int]) -> None:
        """A proof goes on."""
        self.running[theorem] = stage
        self.draw()

    def finished(self, theorem: str) -> None:
        """A proof came to its end."""
        self.running.pop(theorem, None)
        self.done += 1
        self.draw()

    def lines(self) -> Table:
        """The lines as they are now."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(min_width=24)
        table.add_column(min_width=24)
        table.add_column(min_width=12, justify="right")
        for theorem, (what, done, of) in self.running.items():
            table.add_row(theorem, what, f"{done} of {of}" if of > 1 else "")
        table.add_row(f"{self.done} of {self.total} proofs tried", "", self.elapsed())
        return table
