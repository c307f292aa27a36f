"""The translation to Z3 says of every state what the generated Python steps say."""

from __future__ import annotations

from typing import Any

import pytest
from comparing import disagreements, walk
from examples import EXAMPLES
from small import Small

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.language.compiler.operators import compute
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, life
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build
from haiku_tuntap.properties.explore.search import Model, model_of
from haiku_tuntap.properties.prove.finite import expressions
from haiku_tuntap.properties.prove.finite.encoding import Encoding
from haiku_tuntap.properties.prove.finite.steps import Stepping

ALL = list(PROPERTIES.values())
STATES = 6  # of each scenario


def fine(driver: str, scenario: str) -> Model:
    return build(DRIVERS[driver], SCENARIOS[scenario], ALL, reduced=False)


# Eleven devices take minutes and 10 GiB to translate; others that come and go some seconds.
TRANSLATED = [name for name in SCENARIOS if name != "create-eleven"]
LIFE = {made.name for made in vars(life).values() if isinstance(made, Scenario)}


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(s, marks=pytest.mark.engines if s in LIFE else ()) for s in TRANSLATED],
)
def test_both_give_the_same_successors_reports_and_quiescence(scenario: str) -> None:
    model = fine("tunnel", scenario)
    assert list(disagreements(model, walk(model, 1, STATES))) == []


@pytest.mark.campaign
@pytest.mark.parametrize("scenario", TRANSLATED)
@pytest.mark.parametrize("driver", DRIVERS)
def test_both_give_the_same_for_every_driver(driver: str, scenario: str) -> None:
    model = fine(driver, scenario)
    assert list(disagreements(model, walk(model, 2, 5 * STATES))) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_give_the_same_for_every_construct_of_the_language(example: str) -> None:
    model = model_of(EXAMPLES[example](), reduced=False)
    assert list(disagreements(model, walk(model, 1, 20))) == []


# --- the comparison can fail ---------------------------------------------------------------------


def last_come_first(name: str, values: list[Any]) -> Any:
    """The operators, but a queue loses its last element where it should lose its first."""
    return values[0][:-1] if name == "rest" else compute(name, values)


def test_a_queue_that_is_not_fifo_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "compute", last_come_first)
    calls = ("acquire", "acquire", "release")
    waiting = Small(tuple((f"await shared.ready.{made}()",) for made in calls))
    model = model_of(waiting.build(), reduced=False)
    found = list(disagreements(model, walk(model, 1, 60)))
    assert any("successors" in text for text in found)


def test_a_step_that_is_enabled_too_often_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy_always(encoding: Encoding) -> None:
        original(encoding)
        encoding.busy = True

    original = Encoding.__attrs_post_init__
    monkeypatch.setattr(Encoding, "__attrs_post_init__", busy_always)
    model = fine("tunnel", "reader-close")
    found = list(disagreements(model, walk(model, 1, 60)))
    assert found
    assert all("quiescent" in text for text in found)


def test_a_report_that_gets_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stepping, "_report", lambda *_: None)
    model = model_of(EXAMPLES["frees_twice"](), reduced=False)
    found = list(disagreements(model, walk(model, 1, 60)))
    assert any("are reported" in text for text in found)
