"""What checking one scenario gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.tunnel import TunnelCookie, tunnel_close
from haiku_tuntap.model.language import LanguageError, procedure
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options, build, check_scenario, search
from haiku_tuntap.properties.explore.search import Limits, Progress
from haiku_tuntap.properties.property import with_monitors
from haiku_tuntap.properties.verdict import Result, Verdict

ALL = list(PROPERTIES.values())
TUNNEL = DRIVERS["tunnel"]


def check(scenario: str, *props: str, reduced: bool = True) -> list[Result]:
    wanted = [PROPERTIES[p] for p in props] or ALL
    return check_scenario(TUNNEL, SCENARIOS[scenario], wanted, Options(reduced=reduced))


def test_there_is_one_result_for_each_property_in_order() -> None:
    assert [r.property for r in check("poll-close")] == list(PROPERTIES)
    wanted = ("packets", "no-deadlock")
    assert tuple(r.property for r in check("poll-close", *wanted)) == wanted


def test_a_result_says_of_what_it_is() -> None:
    (result,) = check("reader-close", "no-deadlock")
    assert (result.driver, result.scenario, result.verdict) == (
        "tunnel",
        "reader-close",
        Verdict.HOLDS,
    )
    assert result.bounds == "1 reader, 1 close; queues of 2"
    assert (result.reason, result.limit, result.trace) == (None, None, None)
    assert (result.known, result.comparison) == (None, None)


@pytest.mark.parametrize("reduced", [True, False])
def test_what_holds_holds_in_all_states(reduced: bool) -> None:
    outcome = search(build(TUNNEL, SCENARIOS["two-openers"], ALL, reduced=reduced), ALL, Limits())
    assert outcome.complete
    for result in check("two-openers", reduced=reduced):
        assert result.verdict is Verdict.HOLDS
        assert (result.states, result.depth) == (outcome.states, outcome.depth)


@pytest.mark.parametrize("reduced", [True, False])
def test_what_is_refuted_says_when_that_was_found(reduced: bool) -> None:
    model = build(TUNNEL, SCENARIOS["reused-number"], ALL, reduced=reduced)
    outcome = search(model, ALL, Limits())
    assert list(outcome.violations) == ["no-lost-wakeup", "own-file"]
    results = {r.property: r for r in check("reused-number", reduced=reduced)}
    for prop, violation in outcome.violations.items():
        result = results[prop]
        assert result.verdict is Verdict.REFUTED
        assert (result.states, result.depth) == (violation.states, violation.depth)
        assert result.states < outcome.states
        assert result.trace is not None


def test_reduced_and_unreduced_differ_in_states_alone() -> None:
    reduced, unreduced = check("two-readers-close"), check("two-readers-close", reduced=False)
    assert [r.verdict for r in reduced] == [r.verdict for r in unreduced]
    assert [r.vacuous for r in reduced] == [r.vacuous for r in unreduced]
    assert all(r.states < u.states for r, u in zip(reduced, unreduced, strict=True))


def test_a_property_that_had_nothing_to_say_holds_vacuously() -> None:
    vacuous = {r.property for r in check("down-while-waiting") if r.vacuous}
    assert vacuous == {
        "nonblocking",
        "exclusive-open",
        "own-file",
        "own-packets",
        "packets",
        "ownership",
        "honest-select",
        "delete-returns",
        "open-device",
        "device-table",
        "given-back",
        "loaded-code",
    }


def test_what_is_checked_together_gives_the_verdicts_of_what_is_checked_alone() -> None:
    together = {r.property: r.verdict for r in check("reused-number")}
    alone = {p: check("reused-number", p)[0].verdict for p in PROPERTIES}
    assert together == alone


def test_monitors_that_several_properties_need_are_there_once() -> None:
    system = with_monitors(SCENARIOS["reader-sender"].build(TUNNEL), [*ALL, *ALL])
    classes = [type(monitor) for monitor in system.monitors]
    assert len(classes) == len(set(classes)) == len({f for p in ALL for f in p.monitors})


def test_progress_is_told_of_the_deciding_search_alone() -> None:
    told: list[Progress] = []
    results = check_scenario(TUNNEL, SCENARIOS["reader-close"], ALL, None, told.append)
    assert told[0].states == 1
    assert max(p.states for p in told) == max(r.states for r in results)


def test_a_search_that_looks_for_one_violation_ends_with_it() -> None:
    model = build(TUNNEL, SCENARIOS["two-readers-close"], ALL, reduced=True)
    outcome = search(model, ALL, Limits(), wanted=["no-lost-wakeup"])
    whole = search(model, ALL, Limits())
    assert outcome.violations.keys() == whole.violations.keys() == {"no-lost-wakeup"}
    assert outcome.depth - outcome.violations["no-lost-wakeup"].depth <= 1
    assert outcome.states < whole.states


def test_a_text_outside_the_language_is_refused_before_anything_is_searched() -> None:
    mine = TUNNEL.derive("mine", "close with a comprehension")

    @mine.replaces(tunnel_close)
    @procedure()
    async def close(cookie: TunnelCookie) -> Status:
        """Not in the language."""
        found = [status for status in (B_OK,)]  # noqa: C416 -- what is refused
        return found[0]

    told: list[Progress] = []
    with pytest.raises(LanguageError) as caught:
        check_scenario(mine, SCENARIOS["reader-close"], ALL, None, told.append)
    assert caught.value.where is not None
    assert Path(caught.value.where.file).name == Path(__file__).name
    assert told == []
