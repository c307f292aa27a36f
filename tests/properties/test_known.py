"""What was found against what is known."""

from __future__ import annotations

import pytest

from haiku_tuntap.model.drivers import DRIVERS, Driver
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.properties.known import classify, shipped_base
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

CLOSE_RACE = ("reader-close", "no-lost-wakeup")
CLOSE_RACE_TOO = ("two-readers-close", "no-lost-wakeup")
UNDECLARED = ("reader-sender", "ownership")


def _result(place: tuple[str, str], verdict: Verdict) -> Result:
    return Result(
        driver="it",
        scenario=place[0],
        property=place[1],
        verdict=verdict,
        states=1,
        depth=1,
        seconds=0.0,
        bounds="",
    )


def test_a_declared_defect_of_a_shipped_driver_is_known() -> None:
    classified = classify(TUNNEL, [_result(CLOSE_RACE, Verdict.REFUTED)])
    (result,) = classified.results
    assert (result.known, result.comparison) == ("close-race", Comparison.KNOWN)
    assert [defect.id for defect in classified.found] == ["close-race"]
    assert classified.exit_code == 0


def test_an_undeclared_refutation_is_new() -> None:
    classified = classify(TUNNEL, [_result(UNDECLARED, Verdict.REFUTED)])
    assert [result.comparison for result in classified.new] == [Comparison.NEW]
    assert classified.exit_code == 1


def test_a_declared_defect_that_a_shipped_driver_does_not_show_is_missing() -> None:
    classified = classify(TUNNEL, [_result(CLOSE_RACE, Verdict.HOLDS)])
    assert classified.missing == classified.results
    assert classified.exit_code == 1


def test_what_was_not_run_is_not_missing() -> None:
    assert classify(TUNNEL, [_result(UNDECLARED, Verdict.HOLDS)]).exit_code == 0


def test_a_change_that_repairs_a_defect_fixes_it() -> None:
    mine = TUNNEL.derive("mine", "")
    classified = classify(mine, [_result(CLOSE_RACE, Verdict.HOLDS)])
    (result,) = classified.results
    assert (result.known, result.comparison) == ("close-race", Comparison.FIXED)
    assert [defect.id for defect in classified.fixed] == ["close-race"]
    assert classified.exit_code == 0


def test_a_change_that_leaves_a_defect_is_no_failure() -> None:
    classified = classify(TUNNEL.derive("mine", ""), [_result(CLOSE_RACE, Verdict.REFUTED)])
    assert [result.comparison for result in classified.results] == [Comparison.KNOWN]
    assert classified.exit_code == 0


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDETERMINED])
def test_a_defect_is_fixed_only_if_it_is_gone_everywhere(verdict: Verdict) -> None:
    results = [_result(CLOSE_RACE, Verdict.HOLDS), _result(CLOSE_RACE_TOO, verdict)]
    classified = classify(TUNNEL.derive("mine", ""), results)
    assert classified.fixed == ()
    assert [defect.id for defect in classified.partly_fixed] == ["close-race"]


def test_a_change_of_a_change_is_compared_with_the_shipped_driver() -> None:
    first = TUNNEL.derive("first", "")
    assert shipped_base(first.derive("second", "")) is TUNNEL
    assert shipped_base(DRIVERS["tunnel-repaired"]) is DRIVERS["tunnel-repaired"]


def test_a_shipped_driver_that_declares_nothing_is_compared_with_the_one_below_it() -> None:
    classified = classify(DRIVERS["tunnel-flag-only"], [_result(CLOSE_RACE, Verdict.REFUTED)])
    assert classified.base is TUNNEL
    assert (classified.new, classified.exit_code) == ((), 0)


def test_everything_refuted_is_new_in_a_driver_that_derives_from_nothing() -> None:
    classified = classify(Driver("alone", ""), [_result(CLOSE_RACE, Verdict.REFUTED)])
    assert classified.exit_code == 1


def test_undetermined_is_not_success() -> None:
    classified = classify(TUNNEL, [_result(CLOSE_RACE, Verdict.UNDETERMINED)])
    assert classified.missing == ()
    assert classified.exit_code == 3


def test_new_outweighs_undetermined() -> None:
    results = [_result(CLOSE_RACE, Verdict.UNDETERMINED), _result(UNDECLARED, Verdict.REFUTED)]
    assert classify(TUNNEL, results).exit_code == 1
