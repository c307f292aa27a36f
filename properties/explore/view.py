"""Looking at a state by the names that the model uses."""

from __future__ import annotations

from typing import Any, TypeVar

from attrs import define, frozen

from haiku_tuntap.model.language import Thread
from haiku_tuntap.model.language.graph import LIFE, Life, Location, LocationKind, ValueType
from haiku_tuntap.model.language.instances import Instance
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.explore.layout import Layout, State

T = TypeVar("T")


@frozen
class ThreadView:
    """One thread in a state. `entry` is the call it is in ("read"), or None outside."""

    index: int
    name: str
    thread: Thread
    location: Location

    @property
    def pending(self) -> bool:
        return self.location.pending

    @property
    def entry(self) -> str | None:
        return self.location.entry_name if self.pending else None

    @property
    def asleep(self) -> bool:
        return self.location.kind is LocationKind.BLOCKED


@define(eq=False)
class View:
    """A state of a system."""

    layout: Layout
    state: State

    @property
    def threads(self) -> list[ThreadView]:
        """All threads, in the system's order."""
        found = []
        for index, spec in enumerate(self.layout.system.threads):
            number = self.state[self.layout.blocks[index].first]
            location = self.layout.graphs[index].locations[number]
            found.append(ThreadView(index, spec.name, spec.thread, location))
        return found

    def value(self, record: object, field: str) -> Any:
        """A field's value: references are records again, statuses and numbers are numbers."""
        raw = self.layout.cell(self.state, record, field)
        annotation = self.layout.field_type(self.layout.instances.of(record), field)
        return self.decode(raw, annotation)

    def length(self, record: object, field: str) -> int:
        """How many elements a field has; in a proof `len` cannot be asked, as it is any number."""
        return len(self.layout.cell(self.state, record, field))

    def decode(self, raw: Any, value_type: ValueType) -> Any:
        """A stored value as the model knows it."""
        if isinstance(raw, tuple):
            return tuple(self.record(n) for n in raw)
        if value_type.name in ("ref", "any"):
            return self.record(raw) if raw else None
        if value_type.name == "status":
            return Status(raw)
        return raw

    def record(self, number: int) -> Any:
        """The record with that number."""
        return self.layout.instances.all[number - 1].object

    def is_alive(self, instance: Instance) -> bool:
        """Whether a record is allocated; one of a class that nobody frees always is."""
        if not self.layout.instances.is_pooled(instance.cls):
            return True
        cell = (instance.number, LIFE)
        slots, constants = self.layout.slots, self.layout.constants
        life = self.state[slots[cell]] if cell in slots else constants[cell]
        return bool(life == Life.ALIVE)

    def monitor(self, cls: type[T]) -> T:
        """The monitor of that class."""
        return next(m for m in self.layout.system.monitors if isinstance(m, cls))
