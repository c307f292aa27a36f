"""How fast the search is, and what the reductions save: states, states per second, memory.

Every measurement is a search for all properties in a process of its own, so that its memory is its
own. Beside the scenarios that are checked there is a crowd: four readers, two senders and a
closer, which is what the reductions are for; it is measured for no lost wakeup alone, as the
packets that each reader has seen would make it another, larger system.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from attrs import frozen

from haiku_tuntap.model.drivers import driver_named
from haiku_tuntap.model.kernel.system_calls import user_close
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, World
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build, search
from haiku_tuntap.properties.explore.search import Limits
from haiku_tuntap.properties.wakeups import NO_LOST_WAKEUP


def _populate_crowd(world: World) -> None:
    slot = world.open_file()
    for number in range(1, 5):
        world.reader(slot, f"reader {number}")
    world.sender("sender 1")
    world.sender("sender 2")
    world.thread("closer", call(user_close, slot))


CROWD = Scenario(
    name="crowd",
    title="Four threads read from a file while two send and one closes it.",
    family="benchmark",
    bounds="4 readers, 2 senders, 2 packets, 1 close; queues of 2",
    populate=_populate_crowd,
)

BENCHMARKS = {**SCENARIOS, CROWD.name: CROWD}


@frozen
class Measurement:
    """One search: its states, seconds, and the process's memory at its largest, in bytes."""

    scenario: str
    reduced: bool
    states: int
    seconds: float
    memory: int
    limit: str | None

    @property
    def rate(self) -> float:
        """States per second of searching (compiling is not counted)."""
        return self.states / self.seconds if self.seconds else 0.0


def measure(
    driver_name: str, scenario_name: str, reduced: bool, state_limit: int | None
) -> Measurement:
    """Search one scenario of one shipped driver in this process."""
    scenario = BENCHMARKS[scenario_name]
    properties = [NO_LOST_WAKEUP] if scenario is CROWD else list(PROPERTIES.values())
    model = build(driver_named(driver_name), scenario, properties, reduced=reduced)
    outcome = search(model, properties, Limits(states=state_limit))
    return Measurement(
        scenario_name, reduced, outcome.states, outcome.seconds, outcome.memory, outcome.limit
    )


def measure_all(
    driver_name: str, scenario_names: list[str], state_limit: int | None
) -> Iterator[Measurement]:
    """Every scenario reduced and unreduced, one after the other, each in a fresh process."""
    for name in scenario_names:
        for reduced in (True, False):
            with ProcessPoolExecutor(max_workers=1) as pool:
                yield pool.submit(measure, driver_name, name, reduced, state_limit).result()
