"""A token gives the same trace again, or is refused in plain words."""

from __future__ import annotations

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import check_scenario
from haiku_tuntap.properties.loading import InputError, load_driver
from haiku_tuntap.properties.replay import replay
from haiku_tuntap.properties.verdict import Result, Verdict

HEAD = "tunnel/reader-close/no-lost-wakeup"


def refutation(scenario: str, prop: str, checked: list[str] | None = None) -> Result:
    """The refutation of one property, with the monitors of those that are checked."""
    properties = [PROPERTIES[p] for p in checked or PROPERTIES]
    results = check_scenario(DRIVERS["tunnel"], SCENARIOS[scenario], properties)
    return next(r for r in results if r.property == prop)


def token_of(result: Result) -> str:
    assert result.trace is not None
    return result.trace.token


@pytest.fixture(scope="module")
def close_race() -> Result:
    return refutation("reader-close", "no-lost-wakeup")


@pytest.fixture(scope="module")
def fingerprint(close_race: Result) -> str:
    return token_of(close_race).split("/")[3]


def refusal(token: str) -> str:
    with pytest.raises(InputError) as caught:
        replay(token, load_driver)
    return str(caught.value)


# --- the same again ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "prop"),
    [
        ("reader-close", "no-lost-wakeup"),  # its last state is wrong
        ("reused-number", "own-file"),  # its last step is wrong
        ("user-copy-faults", "ownership"),  # has choices
        ("down-twice", "interface-down-returns"),  # has equal threads
    ],
)
def test_a_token_gives_the_same_trace_again(scenario: str, prop: str) -> None:
    first = refutation(scenario, prop)
    again = replay(token_of(first), load_driver)
    assert first.trace is not None
    assert again.trace is not None
    assert again.trace.threads == first.trace.threads
    assert again.trace.steps == first.trace.steps
    assert again.trace.conclusion == first.trace.conclusion
    assert again.trace.token == first.trace.token
    assert (again.driver, again.scenario, again.property) == ("tunnel", scenario, prop)
    assert (again.verdict, again.bounds) == (Verdict.REFUTED, first.bounds)
    assert again.depth == len(first.trace.steps)


def test_a_replayed_trace_does_not_claim_to_be_the_shortest(close_race: Result) -> None:
    trace = replay(token_of(close_race), load_driver).trace
    assert trace is not None
    assert trace.shortest is None


def test_a_token_may_have_blanks_around_it(close_race: Result) -> None:
    token = token_of(close_race)
    assert token_of(replay(f"  {token}\n", load_driver)) == token


def test_a_token_of_one_property_checked_alone_gives_its_trace_again() -> None:
    alone = refutation("reader-close", "no-lost-wakeup", checked=["no-lost-wakeup"])
    assert token_of(replay(token_of(alone), load_driver)) == token_of(alone)


# --- what is no token ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("x", "x: a token is driver/scenario/property/fingerprint/schedule; copy one"),
        ("", ": a token is driver/scenario/property/fingerprint/schedule; copy one"),
        (
            "tunnel/nowhere/no-lost-wakeup/000000/a1",
            "tunnel/nowhere/no-lost-wakeup/000000/a1: there is no scenario nowhere; "
            "see `tuntap list`",
        ),
        (
            "tunnel/reader-close/good-luck/000000/a1",
            "tunnel/reader-close/good-luck/000000/a1: there is no property good-luck; "
            "see `tuntap list`",
        ),
        (
            f"{HEAD}/000000/ab",
            f"{HEAD}/000000/ab: ab is no schedule; copy the whole token",
        ),
        (
            f"{HEAD}/000000/A1",
            f"{HEAD}/000000/A1: A1 is no schedule; copy the whole token",
        ),
        (
            f"{HEAD}/000000/",
            f"{HEAD}/000000/:  is no schedule; copy the whole token",
        ),
    ],
)
def test_what_is_no_token_is_refused(token: str, message: str) -> None:
    assert refusal(token) == message


def test_a_token_of_an_unknown_driver_is_refused() -> None:
    token = "my-driver/reader-close/no-lost-wakeup/000000/a1"
    assert refusal(token).startswith("there is no driver named 'my-driver'; ")


def test_a_token_with_another_fingerprint_is_refused(fingerprint: str) -> None:
    other = "000000" if fingerprint != "000000" else "111111"
    token = f"{HEAD}/{other}/a4b4a1b1"
    assert refusal(token) == (
        f"{token}: the text of tunnel, of the scenario or of the kernel has changed since this "
        "trace was found; run `tuntap check` again"
    )


def test_a_token_is_refused_for_another_driver_with_other_text(fingerprint: str) -> None:
    token = f"tunnel-flag-only/reader-close/no-lost-wakeup/{fingerprint}/a4b4a1b1"
    assert "has changed since this trace was found" in refusal(token)


def test_a_schedule_of_a_thread_that_is_not_there_is_refused(fingerprint: str) -> None:
    token = f"{HEAD}/{fingerprint}/a4c1"
    assert refusal(token) == f"{token}: reader-close has no such thread; copy the whole token"


@pytest.mark.parametrize("schedule", ["a9", "a1!3"])  # it sleeps, and may; there is no choice 3
def test_a_run_that_violates_nothing_is_refused(schedule: str, fingerprint: str) -> None:
    token = f"{HEAD}/{fingerprint}/{schedule}"
    assert refusal(token) == (
        f"{token}: this run does not violate no-lost-wakeup; copy the whole token"
    )


@pytest.mark.parametrize(
    "schedule",
    [
        "a4b4a1",  # the closer is still inside
        "a1",  # the reader has only begun
        "b4",  # the closer has not left
        "a4b4a1b1b1",  # the closer has nothing more to do
        "a4b4a1b9",
    ],
)
def test_a_run_that_does_not_end_where_nothing_moves_is_refused(
    schedule: str, fingerprint: str
) -> None:
    token = f"{HEAD}/{fingerprint}/{schedule}"
    assert refusal(token) == (
        f"{token}: this run does not violate no-lost-wakeup; copy the whole token"
    )
