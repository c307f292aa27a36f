"""A search that is stopped says so, and is never taken for success."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, World
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options, check_scenario
from haiku_tuntap.properties.explore.search import Limits, Progress
from haiku_tuntap.properties.verdict import Result, Verdict

ALL = list(PROPERTIES.values())
WAKEUP, READY = PROPERTIES["no-lost-wakeup"], PROPERTIES["honest-select"]


def check(
    scenario: str | Scenario,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> list[Result]:
    made = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
    options = Options(limits=limits or Limits())
    return check_scenario(DRIVERS["tunnel"], made, ALL, options, progress)


def of(results: list[Result], prop: str) -> Result:
    return next(r for r in results if r.property == prop)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (Limits(states=20), "20 states"),
        (Limits(states=1_000), "1,000 states"),
        (Limits(seconds=0.0), "0 s"),
        (Limits(memory=2**20), "1 MiB of memory"),
    ],
)
def test_a_limit_leaves_a_property_undetermined_and_is_named(limits: Limits, limit: str) -> None:
    for result in check("readers-senders", limits):
        assert (result.verdict, result.limit) == (Verdict.UNDETERMINED, limit)
        assert not result.vacuous
        assert result.trace is None


def test_a_search_that_is_through_before_its_limits_has_decided() -> None:
    ample = Limits(seconds=600.0, memory=2**36, states=10_000)
    for result in check("reader-sender", ample):
        assert (result.verdict, result.limit) == (Verdict.HOLDS, None)


def test_a_state_limit_may_be_reached_and_is_hardly_passed() -> None:
    """It is looked at once a level, and every 2,048 states."""
    result = check("readers-senders", Limits(states=1_000))[0]
    assert 1_000 <= result.states < 1_000 + 2_048


def test_what_was_refuted_before_the_limit_stays_refuted() -> None:
    unlimited = of(check("two-readers-close"), WAKEUP.id)
    assert unlimited.verdict is Verdict.REFUTED
    results = check("two-readers-close", Limits(states=2 * unlimited.states))
    result = of(results, WAKEUP.id)
    assert (result.verdict, result.limit) == (Verdict.REFUTED, None)
    assert (result.states, result.depth) == (unlimited.states, unlimited.depth)
    assert result.trace == unlimited.trace
    other = of(results, READY.id)
    assert (other.verdict, other.limit) == (
        Verdict.UNDETERMINED,
        f"{2 * unlimited.states:,} states",
    )


def interrupt_at(states: int) -> Callable[[Progress], None]:
    def progress(told: Progress) -> None:
        if told.states >= states:
            raise KeyboardInterrupt

    return progress


def test_an_interrupt_leaves_a_property_undetermined() -> None:
    for result in check("readers-senders", progress=interrupt_at(100)):
        assert (result.verdict, result.limit) == (Verdict.UNDETERMINED, "interrupted")
        assert result.states >= 100


def test_what_was_refuted_before_an_interrupt_stays_refuted() -> None:
    results = check("two-readers-close", progress=interrupt_at(1_500))
    assert of(results, WAKEUP.id).verdict is Verdict.REFUTED
    assert of(results, WAKEUP.id).trace is not None
    assert of(results, READY.id).verdict is Verdict.UNDETERMINED


def test_progress_is_told_with_growing_states_and_depth() -> None:
    told: list[Progress] = []
    result = check("readers-senders", progress=told.append)[0]
    assert [p.states for p in told] == sorted(p.states for p in told)
    assert [p.depth for p in told] == sorted(p.depth for p in told)
    assert (told[0].states, told[0].depth) == (1, 0)
    assert (told[-1].states, told[-1].depth) == (result.states, result.depth)


def test_a_pool_that_is_too_small_leaves_everything_undetermined_and_is_named() -> None:
    def populate(world: World) -> None:
        """A sender that may make one packet and sends two."""
        sender = world.sender(packets=2)
        world.threads[-1].pool = dict.fromkeys(sender.pool, 1)

    for result in check(Scenario("too-small", "", "", "", populate)):
        assert result.verdict is Verdict.UNDETERMINED
        assert result.limit is not None
        assert "sender" in result.limit
        assert "NetBuffer" in result.limit
