"""The engines agree, over the shipped drivers and scenarios.

Bounded search has a limit of time, so that what it decides depends on the machine. That it decides
anything is therefore asserted only of pairs that it decides with much time to spare.
"""

from __future__ import annotations

from functools import cache

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options, check_scenario
from haiku_tuntap.properties.explore.search import Limits
from haiku_tuntap.properties.verdict import Engine, Result, Verdict

Place = tuple[str, str]  # a driver and a scenario

# What bounded search refutes, with the length of the shortest trace.
REFUTED = {
    ("tunnel", "reader-close"): {"no-lost-wakeup": 10},
    ("tunnel-flag-only", "reader-close"): {"no-lost-wakeup": 12},
    ("tunnel", "down-while-waiting"): {"no-lost-wakeup": 24, "interface-down-returns": 24},
}

# Where bounded search sees all runs, so that it decides every property.
COMPLETE: list[Place] = [
    ("tunnel", "reader-close"),
    ("tunnel", "down-while-waiting"),
    ("tunnel", "unknown-protocol"),
]


@cache
def checked(driver: str, scenario: str, engine: Engine, seconds: float) -> list[Result]:
    options = Options(limits=Limits(seconds=seconds), engine=engine)
    return check_scenario(DRIVERS[driver], SCENARIOS[scenario], list(PROPERTIES.values()), options)


def compared(driver: str, scenario: str, engine: Engine, seconds: float) -> int:
    """How many verdicts of an engine are certain; those must be the search's."""
    theirs = checked(driver, scenario, engine, seconds)
    decided = sum(other.verdict is not Verdict.UNDETERMINED for other in theirs)
    if not decided:
        assert all(other.limit for other in theirs)
        return 0  # then there is nothing to search for
    for ours, other in zip(checked(driver, scenario, Engine.EXPLORE, 600), theirs, strict=True):
        assert ours.property == other.property
        assert ours.verdict is not Verdict.UNDETERMINED
        if other.verdict is Verdict.UNDETERMINED:
            assert other.limit
            continue
        assert other.verdict is ours.verdict, other
        if other.trace is not None:
            assert ours.trace is not None
            assert ours.trace.shortest
            assert len(other.trace.steps) == len(ours.trace.steps)
        elif engine is Engine.BMC:
            assert other.vacuous is ours.vacuous, other
    return decided


@pytest.mark.parametrize(("driver", "scenario"), REFUTED)
def test_bounded_search_finds_the_shortest_trace(driver: str, scenario: str) -> None:
    found = {
        result.property: len(result.trace.steps)
        for result in checked(driver, scenario, Engine.BMC, 60)
        if result.trace is not None
    }
    assert found == REFUTED[driver, scenario]


@pytest.mark.parametrize(("driver", "scenario"), COMPLETE)
def test_bounded_search_decides_everything_where_it_sees_all_runs(
    driver: str, scenario: str
) -> None:
    assert compared(driver, scenario, Engine.BMC, 60) == len(PROPERTIES)


def of_one_system(scenario: str) -> list[list[str]]:
    """The drivers, together where all that they run in a scenario is the same text."""
    found: dict[object, list[str]] = {}
    for name, driver in DRIVERS.items():
        system = SCENARIOS[scenario].build(driver)
        graphs = compile_threads(system, Instances(system))
        found.setdefault(tuple((g.name, g.texts) for g in graphs), []).append(name)
    return list(found.values())


def compare_all_drivers(scenario: str, engine: Engine, seconds: float) -> None:
    systems = of_one_system(scenario)
    assert sorted(name for names in systems for name in names) == sorted(DRIVERS)
    for first, *_ in systems:
        compared(first, scenario, engine, seconds)


@pytest.mark.engines
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_bounded_search_agrees_with_the_search_for_every_driver(scenario: str) -> None:
    compare_all_drivers(scenario, Engine.BMC, 1)


@pytest.mark.engines
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("driver", ["tunnel", "tunnel-repaired"])
def test_induction_agrees_with_the_search(driver: str, scenario: str) -> None:
    compared(driver, scenario, Engine.INDUCTION, 1)


@pytest.mark.campaign
@pytest.mark.parametrize("engine", [Engine.BMC, Engine.INDUCTION], ids=lambda e: str(e.value))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_engines_agree_with_more_time(scenario: str, engine: Engine) -> None:
    compare_all_drivers(scenario, engine, 5)
