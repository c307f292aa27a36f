"""What a thread has to itself, and the templates that say what kinds of threads there are."""

from __future__ import annotations

from attrs import Factory, define, frozen

from haiku_tuntap.model.language.graph import Location, ThreadGraph, Var
from haiku_tuntap.properties.prove.counted.moves import Key
from haiku_tuntap.properties.prove.counted.population import Role

MANY = 1  # a counter of a thread's own that has reached this stands for this or more


@frozen(cache_hash=True)
class LocalState:
    """What a thread has to itself: the place, and values in the order of its template's keys."""

    template: int
    place: int
    woken: int
    locals: tuple[int, ...]
    fields: tuple[int, ...]
    roles: frozenset[Role]


@define(eq=False)
class Template:
    """Threads with the same program.

    `fields` are the fields of their own records that change; `queues` those that say whether the
    thread sleeps in a semaphore of its own: 0 or 1.
    """

    index: int
    graph: ThreadGraph
    fields: dict[Key, int]
    initial: LocalState
    queues: frozenset[Key] = frozenset()
    unbounded: frozenset[Var] = frozenset()
    order: dict[int, dict[Var, int]] = Factory(dict)

    @property
    def name(self) -> str:
        return self.graph.name

    def location(self, state: LocalState) -> Location:
        return self.graph.locations[state.place]

    def locals_at(self, place: int) -> dict[Var, int]:
        """Where the live locals lie in a local state."""
        if place not in self.order:
            live = [
                v
                for v in self.graph.locations[place].live
                if v.type.name != "seq" and v not in self.unbounded
            ]
            live.sort(key=lambda v: (v.routine, v.name))
            self.order[place] = {v: i for i, v in enumerate(live)}
        return self.order[place]
