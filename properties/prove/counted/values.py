"""What an expression of a step can be: a number, a reference, or a sequence, as far as is known."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from haiku_tuntap.model.language.graph import ValueType
from haiku_tuntap.properties.prove.counted.population import OwnRecord, Role
from haiku_tuntap.properties.prove.counted.terms import Fn, Own, Shared, Term

EACH = -1  # stands for every element of a sequence, in the body of a loop over it


@frozen
class Record:
    """A reference that is known: a shared record by number, or `who`'s own."""

    who: int | None
    number: int
    own: OwnRecord | None = None


@frozen
class Code:
    """A reference of which only the code is known."""

    term: Term
    kind: ValueType


@frozen
class Held:
    """What a shared place refers to: nobody, or whoever has the role."""

    role: Role


@frozen
class Value:
    """An immutable record: nothing but its value."""

    cls: type


@frozen
class Several:
    """A sequence of references to threads or their records: who has `role`, less and more some."""

    role: Role | None
    without: tuple[Record, ...] = ()
    plus: tuple[Record, ...] = ()


@frozen
class Values:
    """A sequence of immutable records: how many there are."""

    cls: type | None
    length: Term


@frozen
class OwnQueue:
    """The queue of a semaphore of a thread's own: only that thread ever sleeps there."""

    who: int
    length: Term


NONE = Code(0, ValueType("none"))


def is_term(value: Any) -> bool:
    """Whether a value is a number, known or not."""
    return isinstance(value, (int, Shared, Own, Fn))
