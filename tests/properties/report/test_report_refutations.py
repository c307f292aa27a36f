"""Which traces are shown, and what stands around them."""

from __future__ import annotations

import io
from collections.abc import Callable

from attrs import evolve
from rich.console import Console

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.properties.known import classify
from haiku_tuntap.properties.report.refutations import print_refutation, refutations
from haiku_tuntap.properties.verdict import Result, Trace, Verdict

Make = Callable[..., Result]


def _refuted(make: Make, trace: Trace, scenario: str, property_: str) -> Result:
    return make(scenario, property_, Verdict.REFUTED, trace=trace)


def test_a_known_defect_is_shown_once_and_new_ones_first(result: Make, trace: Trace) -> None:
    shown = refutations(
        classify(
            TUNNEL,
            [
                _refuted(result, trace, "reader-close", "no-lost-wakeup"),
                _refuted(result, trace, "two-readers-close", "no-lost-wakeup"),
                _refuted(result, trace, "two-openers", "ownership"),
            ],
        )
    )
    assert [r.shown.scenario for r in shown] == ["two-openers", "reader-close"]
    assert [r.scenario for r in shown[1].elsewhere] == ["two-readers-close"]


def test_properties_that_one_run_violates_share_its_trace(result: Make, trace: Trace) -> None:
    other = evolve(trace, conclusion=("It is deadlocked, too.",))
    (shown,) = refutations(
        classify(
            TUNNEL,
            [
                _refuted(result, trace, "two-openers", "no-lost-wakeup"),
                _refuted(result, other, "two-openers", "no-deadlock"),
            ],
        )
    )
    assert [r.property for r in shown.together] == ["no-deadlock"]
    text = _printed(shown)
    assert text.count("release_all") == 1
    assert "It is deadlocked, too." in text


def test_the_heading_names_the_defect_and_the_token_is_in_one_piece(
    result: Make, trace: Trace
) -> None:
    long = evolve(trace, token="tunnel/" + "a1b1" * 50)
    (shown,) = refutations(
        classify(TUNNEL, [_refuted(result, long, "reader-close", "no-lost-wakeup")])
    )
    lines = _printed(shown).splitlines()
    assert lines[1] == "KNOWN close-race: close does not wake a reader that is about to wait"
    assert f"tuntap replay {long.token}" in lines


def _printed(refutation: object) -> str:
    file = io.StringIO()
    print_refutation(Console(file=file, width=100), refutation)  # type: ignore[arg-type]  # it can write
    return file.getvalue()
