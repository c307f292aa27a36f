"""Checking the properties of one scenario with one driver.

The reduced search decides, because it is small; the fine search, one step per access to anything
shared, is the authority and gives the shortest trace. Where it is too large, the reduced search's
trace is written out in fine steps. `--unreduced` decides by the fine search alone, and
`--engine` by Z3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import refine, schedule_of
from haiku_tuntap.properties.explore.search import (
    Limits,
    Model,
    Outcome,
    Progress,
    Search,
    model_of,
)
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.loading import spec_of
from haiku_tuntap.properties.property import Property, with_monitors
from haiku_tuntap.properties.trace import Teller
from haiku_tuntap.properties.verdict import Engine, Result, Trace, Verdict

# How far the fine search looks for a trace that the reduced search has already found.
TRACE_LIMITS = Limits(seconds=10.0, states=1_000_000)

Tell = Callable[[Progress], None]


@frozen
class Options:
    """How to search."""

    reduced: bool = True
    limits: Limits = field(factory=Limits)
    engine: Engine = Engine.EXPLORE


def check_scenario(
    driver: Driver,
    scenario: Scenario,
    properties: Sequence[Property],
    options: Options | None = None,
    progress: Tell | None = None,
) -> list[Result]:
    """One result per property, in order.

    Raises LanguageError if the driver's text is outside the language.
    """
    options = options or Options()
    if options.engine is not Engine.EXPLORE:
        from haiku_tuntap.properties.prove.finite.engine import check_finite  # needs Z3

        fine = build(driver, scenario, properties, reduced=False)
        how = options.engine, options.limits, progress
        return check_finite(driver, scenario, properties, fine, *how)
    model = build(driver, scenario, properties, reduced=options.reduced)
    outcome = search(model, properties, options.limits, progress)
    shown = _shown(driver, scenario, properties, model, outcome)
    return [
        _result(driver, scenario, p, outcome, *shown.get(p.id, (None, None))) for p in properties
    ]


def build(
    driver: Driver, scenario: Scenario, properties: Sequence[Property], *, reduced: bool
) -> Model:
    """The scenario with that driver and the properties' monitors, ready for searching."""
    return model_of(with_monitors(scenario.build(driver), properties), reduced=reduced)


def search(
    model: Model,
    properties: Sequence[Property],
    limits: Limits,
    progress: Tell | None = None,
    *,
    wanted: Iterable[str] = ("nothing ends the search early",),
) -> Outcome:
    """Search a model for violations of the properties."""
    by_code = {code: p.id for p in properties for code in p.codes}

    def judge(state: State) -> Iterable[tuple[str, str]]:
        view = View(model.layout, state)
        return [(p.id, reason) for p in properties for reason in p.violations(view)]

    return Search(model, judge, by_code.get, wanted, limits, progress).run()


def _result(
    driver: Driver,
    scenario: Scenario,
    prop: Property,
    outcome: Outcome,
    reason: str | None,
    trace: Trace | None,
) -> Result:
    violation = outcome.violations.get(prop.id)
    if violation is not None:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.HOLDS if outcome.complete else Verdict.UNDETERMINED
    return Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=verdict,
        states=violation.states if violation else outcome.states,
        depth=violation.depth if violation else outcome.depth,
        seconds=violation.seconds if violation else outcome.seconds,
        bounds=scenario.bounds,
        reason=reason,
        limit=outcome.limit if verdict is Verdict.UNDETERMINED else None,
        vacuous=verdict is Verdict.HOLDS and not (prop.witness & outcome.marks),
        trace=trace,
    )


def _shown(
    driver: Driver,
    scenario: Scenario,
    properties: Sequence[Property],
    model: Model,
    outcome: Outcome,
) -> dict[str, tuple[str, Trace]]:
    """Why each violated property is, with its trace: the shortest, where the fine search fits."""
    if not outcome.violations:
        return {}
    fine, fine_outcome = model, outcome
    if model.reduced:
        fine = build(driver, scenario, properties, reduced=False)
        fine_outcome = search(fine, properties, TRACE_LIMITS, wanted=outcome.violations)
    made = {}
    for key, violation in outcome.violations.items():
        found = fine_outcome.violations.get(key)
        if found is not None:
            moves = schedule_of(fine, fine_outcome, found)
        else:
            moves = refine(fine, model, schedule_of(model, outcome, violation))
        shown = found or violation
        trace = Teller(fine, moves).tell(
            shown.reason,
            stuck=shown.step is None,
            shortest=found is not None,
            token_head=f"{spec_of(driver)}/{scenario.name}/{key}",
        )
        made[key] = (shown.reason, trace)
    return made
