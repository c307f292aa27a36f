"""Comparing the counted form with the search, over all reachable states of a finite system."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from abstraction import Abstraction, CountedState
from attrs import define, evolve, field, frozen
from finite import Finite, Reachable, reachable, several
from rules import Rules

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.language import System
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.facts import CAN_STEP
from haiku_tuntap.properties.prove.counted.proof import Proof, prove, system_space
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.theorems import THEOREMS, Templates, Theorem

Edge = tuple[CountedState, CountedState]


@frozen
class Difference:
    """Steps of the search that the counted form does not take, and the other way round.

    Of the latter, `in_another_order` are those that the search takes where the threads in a queue,
    or the records in a list, have changed places.
    """

    missing: set[Edge]
    in_another_order: set[Edge]
    more: set[Edge]


@define(eq=False)
class Comparison:
    """A finite system, all its states, and the counted states that stand for them."""

    space: Space
    finite: Finite
    found: Reachable
    abstraction: Abstraction
    counted: dict[State, CountedState] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.counted = {state: self.abstraction.of(state) for state in self.found.states}

    @property
    def edges(self) -> set[Edge]:
        """The steps of the search, as steps between counted states."""
        return {
            (self.counted[state], self.counted[after])
            for state, following in self.found.states.items()
            for after in following
        }

    def counted_edges(self, space: Space | None = None) -> set[Edge]:
        """The steps of the counted form from the states that stand for reachable ones."""
        rules = Rules(space or self.space, self.abstraction.names)
        return {
            (state, after)
            for state in set(self.counted.values())
            for _, after in rules.successors(state)
        }

    def compare(self, space: Space | None = None) -> Difference:
        """Which steps only one of the two takes; `space` is another translation to compare."""
        ours, theirs = self.edges, self.counted_edges(space)
        more = theirs - ours
        reordered = self._any_order({before for before, _ in more})
        return Difference(ours - theirs, more & reordered, more - reordered)

    def _any_order(self, befores: set[CountedState]) -> set[Edge]:
        """The steps that the search would take from there if queues and lists had any order."""
        return {
            (counted, self.abstraction.of(after))
            for state, counted in self.counted.items()
            if counted in befores
            for permuted in self._permuted(state)
            for _, after in self.finite.successors(permuted)
        }

    def _permuted(self, state: State) -> Iterator[State]:
        slots = [at for at, value in enumerate(state) if isinstance(value, tuple)]
        orders = [list(itertools.permutations(state[at])) for at in slots]
        for chosen in itertools.product(*orders):
            permuted = list(state)
            for at, order in zip(slots, chosen, strict=True):
                permuted[at] = order
            yield tuple(permuted)

    def busy(self, counted: CountedState) -> int:
        """How many threads can take a step, as the proof counts them."""
        templates = self.space.templates
        return sum(
            count
            for state, count in counted.threads
            if templates[state.template].location(state).kind in CAN_STEP
        )


@frozen(eq=False)
class Instance:
    """Some templates of a theorem, and how many threads there are of each."""

    driver: str
    theorem: str
    counts: Mapping[str, int]

    def __str__(self) -> str:
        threads = ", ".join(f"{n} x {name}" for name, n in self.counts.items())
        return f"{self.driver}: {threads}"


def part_of(theorem: Theorem, names: Collection[str]) -> Theorem:
    """The theorem about the threads of some templates only."""

    def populate(templates: Templates) -> None:
        theorem.populate(templates)
        kept = [spec for spec in templates.world.threads if spec.name in names]
        templates.world.threads[:] = kept

    return evolve(theorem, populate=populate)


def compared(
    templates: System,
    counts: Mapping[str, int],
    properties: tuple[Property, ...] = (),
    limit: int = 50_000,
) -> Comparison:
    """Search a finite system that is made of the templates, and abstract all of its states."""
    space = system_space(templates)
    finite = several(templates, counts, properties)
    return Comparison(space, finite, reachable(finite, limit), Abstraction(space, finite))


def templates_of(instance: Instance) -> System:
    """The system of those templates, with the monitors of the theorem's properties."""
    theorem = part_of(THEOREMS[instance.theorem], instance.counts)
    return theorem.build(DRIVERS[instance.driver]).system


@lru_cache(maxsize=20)
def instance_compared(instance: Instance) -> Comparison:
    """The same for a part of a theorem: the templates that are counted, and no others."""
    properties = THEOREMS[instance.theorem].properties
    return compared(templates_of(instance), instance.counts, properties)


@lru_cache(maxsize=20)
def instance_proof(instance: Instance) -> Proof:
    """What is proved of those templates."""
    return prove(DRIVERS[instance.driver], part_of(THEOREMS[instance.theorem], instance.counts))
