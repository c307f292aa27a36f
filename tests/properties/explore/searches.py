"""Complete searches of the shipped scenarios, done once and shared by the tests of this folder."""

from __future__ import annotations

from functools import cached_property, lru_cache

from attrs import define

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build, search
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import take
from haiku_tuntap.properties.explore.search import Limits, Model, Outcome

ALL = list(PROPERTIES.values())
LIMIT = 2_000_000


@define(eq=False, slots=False)
class Found:
    """A searched model and what was found."""

    model: Model
    outcome: Outcome

    @cached_property
    def states(self) -> list[State]:
        """All reachable states, found once more and in the simplest way."""
        symmetry = self.model.symmetry
        states = [self.model.layout.initial]
        known = set(states)
        for state in states:  # which grows
            for _, following in successors(self.model, state):
                canonical = following if symmetry is None else symmetry.canonical(following)
                if canonical not in known:
                    known.add(canonical)
                    states.append(canonical)
        return states

    @property
    def counts(self) -> tuple[int, int, int]:
        """States, depth, quiescent states."""
        return self.outcome.states, self.outcome.depth, self.outcome.quiescent_states


@lru_cache(maxsize=4 * len(SCENARIOS))  # of two drivers, both ways
def searched(driver: str, scenario: str, *, reduced: bool) -> Found:
    """Everything reachable, with the monitors of all properties."""
    model = build(DRIVERS[driver], SCENARIOS[scenario], ALL, reduced=reduced)
    return Found(model, search(model, ALL, Limits(states=LIMIT)))


def successors(model: Model, state: State) -> list[tuple[int, State]]:
    """The states one step away, as they come, with the thread that takes the step."""
    found = []
    for thread in range(len(model.layout.graphs)):
        for choice in range(len(model.location(state, thread).steps)):
            following = take(model, state, (thread, choice))
            if following is not None:
                found.append((thread, following))
    model.program.noted.clear()
    return found
