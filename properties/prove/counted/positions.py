"""Places of invariants, looked up in local states."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.graph import Location, LocationKind, ThreadGraph
from haiku_tuntap.model.language.invariants import Mine
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.population import OwnRecord
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.trace import innermost, place


@define(eq=False)
class Named:
    """A record of the system under the name that an invariant uses; its fields are attributes."""

    facts: Any
    record: Any

    def __getattr__(self, name: str) -> Any:
        return self.facts.read(self.record, name)

    def __str__(self) -> str:
        return str(self.facts.name_of(self.record))


def plain(record: Any) -> Any:
    """The record itself."""
    return record.record if isinstance(record, Named) else record


def standing_of(space: Space, state: LocalState) -> str:
    """A local state's thread and location, in words."""
    template = space.templates[state.template]
    return standing_at(template.graph, template.location(state))


def standing_at(graph: ThreadGraph, location: Location) -> str:
    """A thread that stands at a location, in words."""
    return f"{graph.name}: {location.kind.name.lower()} {location.label}"


def source_of(location: Location) -> str | None:
    """The line of Haiku's source of the next step, if there is one."""
    frame = innermost(location.stack)
    return place(frame) if location.kind is LocationKind.PRIMITIVE else None


@define(eq=False)
class Roads:
    """What threads at a location do next, come what may; per template and label."""

    space: Space
    following: list[dict[int, set[int]]] = Factory(list)
    known: dict[tuple[int, str], frozenset[int]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.following = [{} for _ in self.space.templates]
        for rule in self.space.rules:
            roads = self.following[rule.move.template]
            for before, after in rule.pairs[0].items():
                roads.setdefault(before.place, set()).update(a.place for a in after)
        for template in self.space.templates:
            for location in template.graph.locations:
                if location.kind is LocationKind.BLOCKED:
                    self.following[template.index][location.number] = {location.number + 1}

    def leading_to(self, template: int, label: str) -> frozenset[int]:
        """The locations from which every way leads to that label."""
        key = (template, label)
        if key not in self.known:
            self.known[key] = self._leading_to(template, label)
        return self.known[key]

    def _leading_to(self, template: int, label: str) -> frozenset[int]:
        found = {
            location.number
            for location in self.space.templates[template].graph.locations
            if location.label == label and location.kind is LocationKind.PRIMITIVE
        }
        changed = True
        while changed:
            changed = False
            for start, following in self.following[template].items():
                if start not in found and following and following <= found:
                    found.add(start)
                    changed = True
        return frozenset(found)


@define(eq=False)
class LocalPosition:
    """A local state as places see it."""

    space: Space
    roads: Roads
    state: LocalState

    @property
    def location(self) -> Location:
        return self.space.templates[self.state.template].location(self.state)

    @property
    def standing(self) -> str:
        return standing_of(self.space, self.state)

    @property
    def woken_with(self) -> int | None:
        return self.state.woken if self.location.kind is LocationKind.RESUMED else None

    @property
    def source(self) -> str | None:
        return source_of(self.location)

    def name_of(self, record: Any) -> str:
        population = self.space.population
        if not isinstance(record, Mine):
            return population.layout.instances.of(plain(record)).name
        own = self._own_record(record.cls, record.path)
        if not population.has(self.state.template, own):
            return ""
        return population.instance(population.number_of(own, self.state.template)).name

    def is_inside(self, routine: Any) -> bool:
        resolved = self.space.population.layout.system.substitution.resolve(routine)
        return any(frame.routine == resolved.name for frame in self.location.stack)

    def will(self, label: str) -> bool:
        return self.state.place in self.roads.leading_to(self.state.template, label)

    def refers_to(self, record: Any) -> bool:
        population = self.space.population
        instances = population.layout.instances
        code = population.canonical[instances.number(plain(record))].number
        order = self.space.templates[self.state.template].locals_at(self.state.place)
        return any(
            var.type.names_records and self.state.locals[at] == code for var, at in order.items()
        )

    def local(self, name: str) -> Any:
        order = self.space.templates[self.state.template].locals_at(self.state.place)
        for var, at in order.items():
            if var.name == name:
                return self.state.locals[at]
        return None

    def is_held_by(self, record: Any, field: str) -> bool:
        place = f"{self.name_of(record)}.{field}"
        return any(role.place == place for role in self.state.roles)

    def is_meant_by(self, thread: str, local: str) -> bool:
        return any(role.place == f"{thread}'s {local}" for role in self.state.roles)

    def own(self, cls: type, field: str) -> Any:
        *path, name = field.split(".")
        key = ("field", self._own_record(cls, tuple(path)), name)
        return self.space.look(self.state, key) if self.space.is_needed(self.state, key) else None

    def _own_record(self, cls: type, path: tuple[str, ...]) -> OwnRecord:
        """A record of the thread's own, of the class that the driver has in that one's stead."""
        substitution = self.space.population.layout.system.substitution
        return OwnRecord(substitution.resolve(cls), path)
