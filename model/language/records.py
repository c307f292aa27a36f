"""Records: the objects that threads share, and who may touch which field when.

A record is an attrs class whose every field says how it is protected:

    @record
    class NetFifo:
        lock: Mutex = part(factory=Mutex)              # an embedded record
        max_bytes: int = final(default=0)              # never changes after construction
        waiting: int = guarded_by("lock", default=0)   # only with this record's lock held
        current_bytes: int = guarded_by("lock", default=0)

A procedure may read a `final` field anywhere and a guarded field only while it holds the guard.
An `internal` field belongs to primitives (mutex, semaphore, atomic) and to observers, whose
bodies are indivisible; a procedure that names one is refused. There is no fourth kind: a field
that several threads touch without a lock is an `Atomic` or an `Unguarded`, whose every access is
a scheduling point. So a race cannot be hidden by forgetting something.

The values of fields are small: int, bool, Status, a reference to a record (or None), a thread,
or a tuple of references.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeVar, dataclass_transform

import attrs
from attrs import frozen

T = TypeVar("T")
R = TypeVar("R", bound=type)

_KIND = "haiku_tuntap.kind"
_GUARD = "haiku_tuntap.guard"


class FieldKind(Enum):
    """How a field is protected."""

    GUARDED = "guarded"
    FINAL = "final"
    INTERNAL = "internal"
    PART = "part"


@frozen
class Field:
    """One declared field of a record class."""

    name: str
    kind: FieldKind
    annotation: Any
    guard: str | None = None


def _declare(kind: FieldKind, default: Any, guard: str | None = None) -> Any:
    metadata = {_KIND: kind, _GUARD: guard}
    if default is attrs.NOTHING:
        return attrs.field(metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


def guarded_by(lock: str, *, default: Any = attrs.NOTHING) -> Any:
    """A field which procedures touch only while they hold this record's `lock`.

    `lock` is the name of a part of the same record, or a dotted path to one.
    """
    return _declare(FieldKind.GUARDED, default, lock)


def final(*, default: Any = attrs.NOTHING) -> Any:
    """A field which is set when the record is made and never again."""
    return _declare(FieldKind.FINAL, default)


def internal(*, default: Any = attrs.NOTHING) -> Any:
    """A field of a primitive or an observer; procedures may not name it."""
    return _declare(FieldKind.INTERNAL, default)


def part(*, factory: Callable[[], T]) -> T:
    """A record embedded in this one, made with it."""
    declared: Any = attrs.field(factory=factory, metadata={_KIND: FieldKind.PART, _GUARD: None})
    return typing.cast(T, declared)


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(guarded_by, final, internal, part),
)
def record(cls: R) -> R:
    """Make a class a record; every annotated field must say how it is protected."""
    made = attrs.define(cls, eq=False, slots=False, kw_only=True)
    for attribute in attrs.fields(made):
        if _KIND not in attribute.metadata:
            raise TypeError(
                f"{made.__qualname__}.{attribute.name} does not say how it is protected; "
                "write final(...), guarded_by(lock, ...), internal(...) or part(...)"
            )
    return made


def is_record_class(cls: object) -> bool:
    """Whether `cls` was made by `record`."""
    return isinstance(cls, type) and _has_only_protected_fields(cls)


@functools.cache
def _has_only_protected_fields(cls: type) -> bool:
    return attrs.has(cls) and all(_KIND in a.metadata for a in attrs.fields(cls))


def is_record(value: object) -> bool:
    """Whether `value` is an instance of a record class."""
    return is_record_class(type(value))


_fields: dict[type, dict[str, Field]] = {}


def fields_of(cls: type) -> dict[str, Field]:
    """The declared fields of a record class, in order, with their resolved types."""
    if cls not in _fields:
        hints = typing.get_type_hints(cls)
        _fields[cls] = {
            a.name: Field(a.name, a.metadata[_KIND], hints[a.name], a.metadata[_GUARD])
            for a in attrs.fields(cls)
        }
    return _fields[cls]


def parts_of(instance: object) -> Iterator[tuple[str, object]]:
    """The records embedded in `instance`, with their field names."""
    for field in fields_of(type(instance)).values():
        if field.kind is FieldKind.PART:
            yield field.name, getattr(instance, field.name)
