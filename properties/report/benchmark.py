"""The rows of the benchmark, printed as they come."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from haiku_tuntap.properties.explore.benchmark import Measurement

_ROW = "{:<24}{:>12}{:>10}{:>10}{:>13}{:>10}{:>10}{:>9}"


def print_benchmark(console: Console, measurements: Iterable[Measurement]) -> None:
    """One row per scenario: states, states per second and MiB, reduced and unreduced."""
    console.print(_ROW.format("", "reduced", "", "", "unreduced", "", "", ""))
    heads = ("states", "states/s", "MiB")
    console.print(_ROW.format("scenario", *heads, *heads, "factor"), style="bold")
    reduced: Measurement | None = None
    for measured in measurements:
        if measured.reduced:
            reduced = measured
        elif reduced is not None:
            console.print(_row(reduced, measured), soft_wrap=True)


def _row(reduced: Measurement, unreduced: Measurement) -> str:
    at_least = ">" if unreduced.limit else ""
    factor = unreduced.states / reduced.states
    return _ROW.format(
        reduced.scenario,
        f"{'>' if reduced.limit else ''}{reduced.states:,}",
        f"{reduced.rate:,.0f}",
        f"{reduced.memory / 2**20:,.0f}",
        f"{at_least}{unreduced.states:,}",
        f"{unreduced.rate:,.0f}",
        f"{unreduced.memory / 2**20:,.0f}",
        f"{at_least}{factor:,.1f}",
    )
