"""An engine that cannot finish says so, and how far it came."""

from __future__ import annotations

from collections.abc import Callable

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build
from haiku_tuntap.properties.explore.search import Limits, Progress
from haiku_tuntap.properties.prove.finite.engine import check_finite
from haiku_tuntap.properties.verdict import Engine, Result, Verdict

ALL = list(PROPERTIES.values())


def results_of(
    scenario: str,
    limits: Limits,
    progress: Callable[[Progress], None] | None = None,
    engine: Engine = Engine.BMC,
) -> list[Result]:
    driver, chosen = DRIVERS["tunnel"], SCENARIOS[scenario]
    model = build(driver, chosen, ALL, reduced=False)
    return check_finite(driver, chosen, ALL, model, engine, limits, progress)


def press_ctrl_c(_: Progress) -> None:
    raise KeyboardInterrupt


def test_a_scenario_that_is_not_translated_in_time_is_undetermined() -> None:
    results = results_of("create-eleven", Limits(seconds=0.5))
    assert [r.property for r in results] == list(PROPERTIES)
    assert {r.verdict for r in results} == {Verdict.UNDETERMINED}
    assert {r.limit for r in results} == {"0.5 s: bmc was still translating the scenario"}
    assert results[0].seconds < 2  # the limit is looked at while a step is translated


def test_a_scenario_whose_translation_needs_too_much_memory_is_undetermined() -> None:
    results = results_of("reader-close", Limits(memory=2**20), engine=Engine.INDUCTION)
    assert {r.verdict for r in results} == {Verdict.UNDETERMINED}
    limit = "1 MiB of memory: induction was still translating the scenario"
    assert {r.limit for r in results} == {limit}
    assert {r.engine for r in results} == {Engine.INDUCTION}


def test_ctrl_c_while_a_scenario_is_translated_leaves_it_undetermined() -> None:
    results = results_of("reader-close", Limits(), press_ctrl_c)
    assert len(results) == len(PROPERTIES)
    assert {(r.verdict, r.limit) for r in results} == {(Verdict.UNDETERMINED, "interrupted")}
