"""One text, two uses: running it and compiling it give the same states on every schedule."""

from __future__ import annotations

from random import Random

import pytest
from examples import EXAMPLES
from lockstep import Lockstep, agree

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.language.running import Running, random_run
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, life
from haiku_tuntap.properties.explore.search import model_of

# All pairs take minutes. Other drivers differ from tunnel in a few procedures, each of which runs
# in a scenario of some defect; systems in which devices come and go are large.
THOROUGH = ("tunnel", "tunnel-repaired")
WITH_LIFE = ("tunnel", "stack-repaired")
LIFE = {made.name for made in vars(life).values() if isinstance(made, Scenario)}
OF_DEFECTS = {min(defect.places)[0] for defect in DRIVERS["tunnel"].known}


def in_short(driver: str, scenario: str) -> bool:
    """Whether the pair is in the default suite, and not only in the campaign."""
    if scenario in LIFE:
        return driver in WITH_LIFE
    return driver in THOROUGH or scenario in OF_DEFECTS


PAIRS = [
    pytest.param(d, s, marks=() if in_short(d, s) else pytest.mark.campaign)
    for d in DRIVERS
    for s in SCENARIOS
]


@pytest.mark.parametrize(("driver", "scenario"), PAIRS)
def test_running_and_compiling_agree_on_every_shipped_scenario(driver: str, scenario: str) -> None:
    runs = 20 if driver in THOROUGH and scenario not in LIFE else 2
    made = SCENARIOS[scenario]
    assert agree(lambda: made.build(DRIVERS[driver]), runs=runs) > 5 * runs


@pytest.mark.parametrize("example", EXAMPLES)
def test_running_and_compiling_agree_on_every_construct(example: str) -> None:
    assert agree(EXAMPLES[example], runs=60) > 60


@pytest.mark.parametrize("example", ["loops", "lockers", "results"])
def test_local_variables_are_among_what_is_compared(example: str) -> None:
    build = EXAMPLES[example]
    both = Lockstep(model_of(build(), reduced=False), Running(build()))
    both.run(Random(1).randrange, 400)
    assert both.locals_compared > 5


@pytest.mark.parametrize(
    ("example", "code"),
    [("frees_twice", "memory"), ("allocates_too_much", "pool-exhausted"), ("asserts", "assertion")],
)
def test_a_fatal_violation_ends_the_run(example: str, code: str) -> None:
    running = random_run(EXAMPLES[example](), Random(0), 100)
    assert running.over
    assert [(v.code, v.fatal) for v in running.violations] == [(code, True)]
    assert [running.choices(t) for t in (0, 1)] == [(), ()]


def test_a_random_run_is_determined_by_its_seed() -> None:
    first, second, other = (
        random_run(EXAMPLES["chances"](), Random(seed), 100).schedule for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other
