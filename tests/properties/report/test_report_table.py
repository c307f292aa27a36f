"""The table of results and the summary."""

from __future__ import annotations

import io
from collections.abc import Callable

from attrs import evolve
from rich.console import Console

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.properties.known import classify
from haiku_tuntap.properties.report.table import results_table, summary
from haiku_tuntap.properties.report.words import duration, wrapped
from haiku_tuntap.properties.verdict import Result, Verdict

Make = Callable[..., Result]


def _lines(results: list[Result], *, every: bool = False) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=100)
    console.print(results_table(classify(TUNNEL, results), every=every))
    written = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO
    return [[c.strip() for c in line.split("  ") if c.strip()] for line in written.splitlines()]


def test_what_holds_shares_a_row_and_what_does_not_has_its_own(result: Make) -> None:
    results = [
        result(verdict=Verdict.REFUTED, states=48, depth=9),
        result(property_="ownership"),
        result(property_="packets", vacuous=True),
    ]
    assert _lines(results) == [
        ["scenario", "property", "verdict", "states", "depth", "time"],
        ["reader-close", "no-lost-wakeup", "KNOWN close-race", "48", "9", "0.50 s"],
        ["the other 2", "HOLDS, 1 vacuously", "1,234", "14", "0.50 s"],
    ]


def test_every_property_has_a_row_if_that_is_asked_for(result: Make) -> None:
    results = [result("two-openers", "ownership"), result("two-openers", "packets", vacuous=True)]
    assert [line[:3] for line in _lines(results, every=True)[1:]] == [
        ["two-openers", "ownership", "HOLDS"],
        ["packets", "HOLDS vacuously", "1,234"],
    ]


def test_the_limit_that_was_hit_is_named(result: Make) -> None:
    row = _lines([result(verdict=Verdict.UNDETERMINED, limit="10 states")])[1]
    assert row[2] == "UNDETERMINED: 10 states"


def test_what_one_limit_left_undetermined_shares_a_row(result: Make) -> None:
    more = {"verdict": Verdict.UNDETERMINED, "limit": "10 states"}
    rows = _lines([result(**more), result(property_="ownership", **more)])
    assert [row[:3] for row in rows[1:]] == [["reader-close", "all 2", "UNDETERMINED: 10 states"]]


def test_what_is_declared_and_not_found_stands_out(result: Make) -> None:
    assert _lines([result()])[1][2] == "HOLDS, though declared"


def test_the_summary_of_a_shipped_driver_counts_what_was_found(result: Make) -> None:
    classified = classify(TUNNEL, [result(verdict=Verdict.REFUTED), result("two-openers")])
    assert summary(classified, 12.34).plain == (
        "tunnel: 2 scenarios, 1 property: 1 known defect found, nothing new; 12.3 s"
    )


def test_the_summary_of_a_change_says_what_it_fixes(result: Make) -> None:
    mine = TUNNEL.derive("mine", "")
    results = [
        result("user-copy-faults", "ownership"),
        result(verdict=Verdict.REFUTED),
        result("two-openers", verdict=Verdict.REFUTED),
    ]
    assert summary(classify(mine, results), 1.0).plain == (
        "mine, compared with tunnel: 3 scenarios, 2 properties: 1 defect FIXED (read-leak), "
        "1 known defect left, 1 NEW; 1.00 s"
    )


def test_the_summary_of_an_interrupted_run_says_so(result: Make) -> None:
    stopped = evolve(result("two-openers"), verdict=Verdict.UNDETERMINED, limit="interrupted")
    assert summary(classify(DRIVERS["tunnel"], [stopped]), 1.0, interrupted=True).plain == (
        "tunnel: 1 scenario, 1 property: nothing new, 1 result UNDETERMINED, interrupted; 1.00 s"
    )


def test_durations_have_three_digits_at_most() -> None:
    assert [duration(s) for s in (0.0004, 0.048, 0.5, 9.99, 12.34)] == [
        "0 ms",
        "48 ms",
        "0.50 s",
        "9.99 s",
        "12.3 s",
    ]


def test_a_long_name_is_broken_after_a_dot() -> None:
    assert wrapped("load(interface.device_interface.up_count)", 34) == [
        "load(interface.device_interface.",
        "  up_count)",
    ]
