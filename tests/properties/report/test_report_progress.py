"""The live lines."""

from __future__ import annotations

import io

from rich.console import Console

from haiku_tuntap.properties.explore.search import Progress
from haiku_tuntap.properties.report.progress import LiveProgress


def test_what_runs_has_a_line_each() -> None:
    console = Console(file=io.StringIO(), width=100)
    live = LiveProgress(console, 3)
    live.started("reader-sender")
    live.news("reader-close", Progress(states=200_000, depth=12, seconds=0.5))
    live.finished("reader-sender")
    console.print(live.lines())
    first, last = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO
    assert first.split() == ["reader-close", "200,000", "states", "400,000/s", "depth", "12"]
    assert last.startswith("1 of 3 scenarios done")


def test_where_there_is_no_terminal_nothing_is_shown() -> None:
    file = io.StringIO()
    with LiveProgress(Console(file=file), 1) as live:
        live.started("reader-sender")
        live.finished("reader-sender")
    assert file.getvalue() == ""


def test_on_a_terminal_the_lines_vanish_at_the_end() -> None:
    file = io.StringIO()
    with LiveProgress(Console(file=file, force_terminal=True, width=100), 1) as live:
        live.started("reader-sender")
    assert "reader-sender" in file.getvalue()
    assert file.getvalue().endswith("\x1b[2K")
