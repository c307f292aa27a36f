"""Facts of invariants about one state: numbers are numbers, and truths are truths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.invariants import RECORD_FACTS, Conjunct, Place
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.routines import Bound
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.positions import LocalPosition, Named, Roads
from haiku_tuntap.properties.prove.counted.runs import CountedState
from haiku_tuntap.properties.prove.counted.space import Space


@define(eq=False)
class KnownFacts:
    """One counted state after the other, as invariants see it. `names` are the shared variables."""

    space: Space
    names: list[str]
    roads: Roads
    threads: dict[LocalState, int] = Factory(dict)
    shared: dict[str, int] = Factory(dict)

    def at(self, state: CountedState) -> KnownFacts:
        """The facts about that state."""
        self.threads = dict(state.threads)
        self.shared = dict(zip(self.names, state.shared, strict=True))
        return self

    def __getattr__(self, name: str) -> Any:
        system = self.space.population.layout.system
        monitors = {type(m).__name__.lower(): m for m in system.monitors}
        return Named(self, {**system.roots, **monitors}[name])

    def name_of(self, record: Any) -> str:
        """The name of a record, for the texts of places."""
        return self.space.population.layout.instances.of(record).name

    def read(self, record: Any, name: str) -> Any:
        """A part, an operation, or the value of a field."""
        declared = fields_of(type(record)).get(name)
        value = getattr(record, name)
        if declared is None:
            return Bound(value.routine, Named(self, record)) if isinstance(value, Bound) else value
        if declared.kind is FieldKind.PART:
            return Named(self, value)
        return self._field(record, name)

    def _field(self, record: Any, name: str) -> Any:
        population = self.space.population
        number = population.canonical[population.layout.instances.number(record)].number
        place = f"{population.instance(number).name}.{name}"
        if place in self.shared:
            return self.shared[place]
        kind, constant = population.type_of(number, name), population.constant(number, name)
        if kind.name == "ref" and constant:
            return Named(self, population.instance(constant).object)
        return constant

    def count(self, place: Place) -> int:
        """How many threads are there."""
        return sum(
            count
            for state, count in self.threads.items()
            if place.holds(LocalPosition(self.space, self.roads, state))
        )

    def kept(self, thread: str, local: str) -> int:
        """What a thread, of which there is one, keeps in a local."""
        return self.shared[f"{thread}'s {local}"]

    def implies(self, condition: bool, fact: bool) -> bool:
        return fact or not condition

    def every(self, *facts: bool) -> bool:
        return all(facts)

    def some(self, *facts: bool) -> bool:
        return any(facts)

    def choose(self, condition: bool, yes: int, no: int) -> int:
        return yes if condition else no

    def broken(self, conjuncts: Mapping[str, Conjunct]) -> Iterator[str]:
        """The names of the conjuncts that do not hold here, and of facts about a record."""
        for conjunct in conjuncts.values():
            if not conjunct.holds(self):
                yield conjunct.name
        population = self.space.population
        for instance in population.layout.instances.all:
            if instance.number in population.own:
                continue
            for fact in RECORD_FACTS:
                if isinstance(instance.object, fact.cls) and not fact.holds(
                    self, Named(self, instance.object)
                ):
                    yield f"{fact.name} ({instance.name})"
