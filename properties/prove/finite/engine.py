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

INTERRUPTED = "interrupted"


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
    base = BoundedSearch(model, Encoding(model.layout), properties, Asking(limits, progress))
    search = Induction(base) if engine is Engine.INDUCTION else base
    try:
        search.search()
    except KeyboardInterrupt:
        search.limit = INTERRUPTED
    return [_result(driver, scenario, prop, base, search) for prop in properties]


def _result(
    driver: Driver,
    scenario: Scenario,
    prop: Property,
    base: BoundedSearch,
    search: BoundedSearch | Induction,
) -> Result:
    result = Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=Verdict.UNDETERMINED,
        states=0,
        depth=max(base.depth, 0),
        seconds=base.asking.seconds,
        bounds=scenario.bounds,
        engine=Engine.BMC if search is base else Engine.INDUCTION,
    )
    refutation = base.refuted.get(prop.id)
    if refutation is not None:
        trace = Teller(base.model, refutation.moves).tell(
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
    if search.holds(prop):
        vacuous = base.complete and not (prop.witness & base.marks)
        return evolve(result, verdict=Verdict.HOLDS, vacuous=vacuous)
    limit = search.limit if search.limit == INTERRUPTED else f"{search.limit}: {search.tried}"
    return evolve(result, limit=limit)
