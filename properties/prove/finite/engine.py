"""Checking a scenario by Z3, with the same kind of results as the search gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties.explore.search import Limits, Model, Progress
from haiku_tuntap.properties.loading import spec_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.finite.asking import Asking, NoAnswerError
from haiku_tuntap.properties.prove.finite.bounded import BoundedSearch
from haiku_tuntap.properties.prove.finite.encoding import Encoding
from haiku_tuntap.properties.prove.finite.induction import Induction
from haiku_tuntap.properties.trace import Teller
from haiku_tuntap.properties.verdict import Engine, Result, Verdict

# Without limits of the user's: bounded search of a large scenario would never end.
DEFAULT_LIMITS = Limits(seconds=60.0, memory=4 * 2**30)

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
    asking = Asking(_with_defaults(limits), progress)
    nothing = [_undetermined(driver, scenario, prop, engine) for prop in properties]
    try:
        encoding = Encoding(model.layout, asking.look)
        base = BoundedSearch(model, encoding, properties, asking)
        search = Induction(base) if engine is Engine.INDUCTION else base
    except NoAnswerError as error:
        limit = f"{error}: {engine.value} was still translating the scenario"
        return [evolve(result, seconds=asking.seconds, limit=limit) for result in nothing]
    except KeyboardInterrupt:
        return [evolve(result, seconds=asking.seconds, limit=INTERRUPTED) for result in nothing]
    try:
        search.search()
    except KeyboardInterrupt:
        search.limit = INTERRUPTED
    return [
        _result(driver, result, prop, base, search)
        for result, prop in zip(nothing, properties, strict=True)
    ]


def _with_defaults(limits: Limits) -> Limits:
    """The user's limits, and ours where there are none."""
    seconds = DEFAULT_LIMITS.seconds if limits.seconds is None else limits.seconds
    memory = DEFAULT_LIMITS.memory if limits.memory is None else limits.memory
    return evolve(limits, seconds=seconds, memory=memory)


def _undetermined(driver: Driver, scenario: Scenario, prop: Property, engine: Engine) -> Result:
    """The result as long as nothing is known."""
    return Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=Verdict.UNDETERMINED,
        states=0,
        depth=0,
        seconds=0.0,
        bounds=scenario.bounds,
        engine=engine,
    )


def _result(
    driver: Driver,
    nothing: Result,
    prop: Property,
    base: BoundedSearch,
    search: BoundedSearch | Induction,
) -> Result:
    """What was found out; `nothing` is the result without it."""
    result = evolve(nothing, depth=max(base.depth, 0), seconds=base.asking.seconds)
    refutation = base.refuted.get(prop.id)
    if refutation is not None:
        trace = Teller(base.model, refutation.moves).tell(
            refutation.reason,
            stuck=refutation.stuck,
            shortest=True,
            token_head=f"{spec_of(driver)}/{result.scenario}/{prop.id}",
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
