"""The records of a system, numbered: a reference is a small number, 0 is None.

Every record belongs to a *block*: that of the thread that alone allocates it, or was alone given
it, or whose shadow it is; or to no thread. Equal threads can then be exchanged by exchanging
their blocks.
"""

from __future__ import annotations

from typing import Any

import attrs
from attrs import Factory, define

from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.language.records import (
    FieldKind,
    fields_of,
    is_record,
    is_record_class,
    parts_of,
)
from haiku_tuntap.model.language.system import Substitution, System
from haiku_tuntap.model.language.threads import Thread


@define(eq=False)
class Instance:
    """A record of the system: its number, name, block (a thread's index, or None) and pool."""

    number: int
    object: Any
    name: str
    block: int | None
    parent: Instance | None
    from_pool: bool

    @property
    def cls(self) -> type:
        return type(self.object)

    @property
    def whole(self) -> Instance:
        """The outermost record that this one is embedded in."""
        return self if self.parent is None else self.parent.whole


def unused(cls: type, substitution: Substitution) -> Any:
    """A record as it lies in a pool: parts made, defaults set, everything else None."""
    made: Any = object.__new__(cls)
    for attribute in attrs.fields(cls):
        default = attribute.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # Factory is a class
            part = default.factory
            is_part = is_record_class(part)
            value = unused(substitution.resolve(part), substitution) if is_part else part()
        else:
            value = None if default is attrs.NOTHING else default
        setattr(made, attribute.name, value)
    return made


@define(eq=False)
class Instances:
    """All records of a system."""

    system: System
    all: list[Instance] = Factory(list)
    by_object: dict[int, Instance] = Factory(dict)
    pools: dict[tuple[int, type], list[Instance]] = Factory(dict)
    pooled_classes: set[type] = Factory(set)
    _of_class: dict[type, list[Instance]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        for index, spec in enumerate(self.system.threads):
            self._add(spec.thread, spec.name, index)
        for name, root in self.system.roots.items():
            self._add(root, name, None)
        self._add_arguments()
        for monitor in self.system.monitors:
            self._add(monitor, type(monitor).__name__.lower(), None)
        self._add_pools()

    def _add_arguments(self) -> None:
        given: dict[int, set[int]] = {}
        for index, spec in enumerate(self.system.threads):
            for made in spec.calls:
                for value in made.args:
                    if is_record(value):
                        given.setdefault(id(value), set()).add(index)
        for index, spec in enumerate(self.system.threads):
            for made in spec.calls:
                for value in made.args:
                    if is_record(value):
                        alone = given[id(value)] == {index}
                        name = f"{spec.name}'s {_lower(type(value))}"
                        self._add(value, name, index if alone else None)

    def _add_pools(self) -> None:
        substitution = self.system.substitution
        for index, spec in enumerate(self.system.threads):
            for original, capacity in spec.pool.items():
                cls = substitution.resolve(original)
                self.pooled_classes.add(cls)
                pool = self.pools.setdefault((index, cls), [])
                for i in range(capacity):
                    suffix = f" {i + 1}" if capacity > 1 else ""
                    name = f"{spec.name}'s {_lower(cls)}{suffix}"
                    pool.append(self._add(unused(cls, substitution), name, index, from_pool=True))

    def _add(
        self,
        value: Any,
        name: str,
        block: int | None,
        parent: Instance | None = None,
        *,
        from_pool: bool = False,
    ) -> Instance:
        if id(value) in self.by_object:
            return self.by_object[id(value)]
        shadowed = getattr(value, "shadow_of", None)
        if isinstance(shadowed, Thread):
            block = self.by_object[id(shadowed)].block
        made = Instance(len(self.all) + 1, value, name, block, parent, from_pool)
        self.all.append(made)
        self.by_object[id(value)] = made
        for part_name, embedded in parts_of(value):
            self._add(embedded, f"{name}.{part_name}", block, made, from_pool=from_pool)
        for field in fields_of(type(value)).values():
            if field.kind is not FieldKind.PART:
                self._add_referenced(getattr(value, field.name), block)
        return made

    def _add_referenced(self, value: Any, block: int | None) -> None:
        """Add what a field refers to, named after its class."""
        if isinstance(value, tuple):
            for element in value:
                self._add_referenced(element, block)
        elif is_record(value) and id(value) not in self.by_object:
            name = _lower(type(value))
            alike = sum(i.name == name or i.name.startswith(f"{name} ") for i in self.all)
            self._add(value, f"{name} {alike + 1}" if alike else name, block)

    def of(self, value: object) -> Instance:
        """The instance that `value` is. LanguageError if it is none of the system's."""
        if id(value) not in self.by_object:
            raise LanguageError(
                None,
                f"a {type(value).__name__} is used that is not part of the system "
                f"{self.system.name}",
                "reach it through a root, an argument of a call, or a pool",
            )
        return self.by_object[id(value)]

    def number(self, value: Any) -> int:
        """How a reference to `value` is written in a state."""
        return 0 if value is None else self.of(value).number

    def of_class(self, cls: type) -> list[Instance]:
        """All instances of `cls` or a subclass of it."""
        if cls not in self._of_class:
            self._of_class[cls] = [i for i in self.all if isinstance(i.object, cls)]
        return self._of_class[cls]

    def is_pooled(self, cls: type) -> bool:
        """Whether records of this class are allocated and freed."""
        return any(issubclass(p, cls) or issubclass(cls, p) for p in self.pooled_classes)


def _lower(cls: type) -> str:
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in cls.__name__)
    return words.strip()
