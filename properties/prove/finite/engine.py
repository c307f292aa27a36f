"""Checking a scenario by Z3, with the same kind of results as the search gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties.explore.search import Limits, Model, Progress
from haiku_tuntap.properties.loading import spec_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.finite.asking import Asking
from haiku_tuntap.properties.prove.finite.bounded import BoundedSearch
from haiku_tuntap.properties.prove.finite.encoding import Encoding
from haiku_tuntap.properties.prove.finite.induction import Induction
from haiku_tuntap.properties.trace import Teller
from haiku_tuntap.properties.verdict import Engine, Result, Verdict

# Without a limit of the user's: bounded search of a large scenario would never end.
DEFAULT_SECONDS = 60.0


def check_finite(
    driver: Driver,
    scenario: Scenario,
    properties: Sequence[Property],
    model: Model,
    engine: Engine,
    limits: Limits,
    progress: Callable[[Progress], None] | None,
) -> list[Result]:
    """One result per property, in order; `model` is the fine one of that scenario."""
    if limits.seconds is None:
        limits = evolve(limits, seconds=DEFAULT_SECONDS)
    asking = Asking(limits, progress)
    search = BoundedSearch(model, Encoding(model.layout), properties, asking)
    made: list[Result] = []
    induction = None
    limit = None
    try:
        if engine is Engine.INDUCTION:
            induction = Induction(search)
            induction.search()
            limit = induction.limit
        else:
            search.search()
            limit = search.limit
    except KeyboardInterrupt:
        limit = "interrupted"
    for prop in properties:
        holds = search.complete or (induction is not None and induction.holds(prop))
        made.append(_result(driver, scenario, prop, search, engine, limit, holds=holds))
    return made


def _result(
    driver: Driver,
    scenario: Scenario,
    prop: Property,
    search: BoundedSearch,
    engine: Engine,
    limit: str | None,
    *,
    holds: bool,
) -> Result:
    refutation = search.refuted.get(prop.id)
    result = Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=Verdict.HOLDS if holds else Verdict.UNDETERMINED,
        states=0,
        depth=max(search.depth, 0),
        seconds=search.asking.seconds,
        bounds=scenario.bounds,
        engine=engine,
    )
    if refutation is not None:
        trace = Teller(search.model, refutation.moves).tell(
            refutation.reason,
            stuck=refutation.stuck,
            shortest=True,
            token_head=f"{spec_of(driver)}/{scenario.name}/{prop.id}",
        )
        return evolve(
            result,
            verdict=Verdict.REFUTED,
            depth=refutation.length,
            seconds=refutation.seconds,
            reason=refutation.reason,
            trace=trace,
        )
    if holds:
        return evolve(result, vacuous=search.complete and not (prop.witness & search.marks))
    return evolve(result, limit=limit if limit == "interrupted" else _tried(search, engine, limit))


def _tried(search: BoundedSearch, engine: Engine, limit: str | None) -> str:
    """What was done in vain."""
    looked = f"all runs of up to {search.depth} steps looked at" if search.depth >= 0 else "no run"
    return f"{engine.value}, {limit}: {looked}"
