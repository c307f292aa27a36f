"""Complete searches of the shipped scenarios, done once and shared by the tests of this folder."""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build, search
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.search import Limits, Model, Outcome

ALL = list(PROPERTIES.values())
LIMIT = 2_000_000


@frozen
class Found:
    """A searched model and what was found."""

    model: Model
    outcome: Outcome

    @property
    def counts(self) -> tuple[int, int, int]:
        """States, depth, quiescent states."""
        return self.outcome.states, self.outcome.depth, self.outcome.quiescent_states


@lru_cache(maxsize=100)  # two drivers with all their scenarios, both ways
def searched(driver: str, scenario: str, *, reduced: bool) -> Found:
    """Everything reachable, with the monitors of all properties."""
    model = build(DRIVERS[driver], SCENARIOS[scenario], ALL, reduced=reduced)
    return Found(model, search(model, ALL, Limits(states=LIMIT)))


def successors(model: Model, state: State) -> list[tuple[int, State]]:
    """The states one step away, as they come, with the thread that takes the step."""
    found = []
    for thread, block in enumerate(model.layout.blocks):
        for number in model.program.at[thread][state[block.first]]:
            following = model.program.steps[number].function(state)
            if following is not None:
                found.append((thread, following))
    model.program.noted.clear()
    return found
