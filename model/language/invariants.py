"""Facts about all reachable states, written beside the driver that they are about.

An invariant is a conjunction of facts, each with a name and a sentence on why it is true:

    @TUNNEL.invariant("Whoever has announced that it will wait is promised a token, or has one.")
    def announced(state: Facts) -> Fact:
        queue = state.device.send_queue
        promised = queue.waiting + queue.notify.tokens + state.count(about_to(queue.notify.release))
        return state.count(asleep_in(queue.notify)) <= promised

What is counted are threads at a *place*, said by what they are about to do, where they sleep, what
they hold. So one text serves every driver that does the same at other lines. `&`, `|` and `~`
combine places. A fact is made of comparisons of numbers, `implies`, `every` and `some`; it can be
asked of one state (then it is true or false), or of all at once (then a solver reads it).
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol

from attrs import frozen

from haiku_tuntap.model.language.graph import Location, LocationKind
from haiku_tuntap.model.language.routines import Bound

Number = Any
"""A number, or a solver's term for one."""

Fact = Any
"""A truth, or a solver's formula for one."""


class Position(Protocol):
    """One thread in a state, as far as places look at it."""

    @property
    def location(self) -> Location:
        """Where it stands."""

    @property
    def standing(self) -> str:
        """Whose thread it is, why it stands there, and the label of the location."""

    @property
    def woken_with(self) -> int | None:
        """What a thread that was woken was given; None for any other."""

    @property
    def source(self) -> str | None:
        """The line of Haiku's source where it stands."""

    def name_of(self, record: Any) -> str:
        """The name of a record, or of `mine(...)`, in labels; empty if there is none."""

    def is_inside(self, routine: Any) -> bool:
        """Whether a call of that routine, or of what stands in for it, is on the stack."""

    def will(self, label: str) -> bool:
        """Whether every way on from here leads there."""

    def refers_to(self, record: Any) -> bool:
        """Whether a local that is still needed means that record."""

    def local(self, name: str) -> Any:
        """The value of a live local of that name; None if there is none."""

    def is_held_by(self, record: Any, field: str) -> bool:
        """Whether a field of a shared record refers to the thread, or to a record of its own."""

    def is_meant_by(self, thread: str, local: str) -> bool:
        """Whether a local of that name of another thread means a record of this one's own."""

    def own(self, cls: type, field: str) -> Any:
        """The value of a field of the thread's own record of a class; None if it has none."""


class Naming(Enum):
    """What a name in an invariant is a name of; the value says it in words."""

    LABEL = "step with the label"
    SOURCE = "step at the line"
    STANDING = "place called"
    LOCAL = "local named"
    MEANING = "local by which a thread means a record of another one's,"
    KEPT = "local that keeps a number without bound,"


@frozen
class Name:
    """A name that an invariant uses as a text, so that nothing but a look at the driver says
    whether it is one.
    """

    of: Naming
    text: str


@frozen
class Place:
    """A set of positions; `text` says which, for people, and `joined` by what its parts are.

    `names` are those that it relies on.
    """

    text: str
    holds: Callable[[Position], bool]
    joined: str = ""
    names: tuple[Name, ...] = ()

    def __and__(self, other: Place) -> Place:
        text = f"{self._inside('and')} and {other._inside('and')}"
        names = self.names + other.names
        return Place(text, lambda p: self.holds(p) and other.holds(p), "and", names)

    def __or__(self, other: Place) -> Place:
        text = f"{self._inside('or')} or {other._inside('or')}"
        names = self.names + other.names
        return Place(text, lambda p: self.holds(p) or other.holds(p), "or", names)

    def __invert__(self) -> Place:
        text = f"not {self._inside('not')}"
        return Place(text, lambda p: not self.holds(p), names=self.names)

    def called(self, text: str) -> Place:
        """The same positions, under a shorter name."""
        return Place(text, self.holds, names=self.names)

    def _inside(self, joint: str) -> str:
        """The text as a part of another, which joins its parts by `joint`."""
        return self.text if self.joined in ("", joint) else f"({self.text})"


@frozen
class Mine:
    """The record of a class that each thread has for itself: `mine(SelectInfo).semaphore`."""

    cls: type
    path: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.cls
        for part in self.path:
            found = typing.get_type_hints(found)[part]
        if name in typing.get_type_hints(found):
            return Mine(self.cls, (*self.path, name))
        return Bound(getattr(found, name), self)

    def __str__(self) -> str:
        return f"its own {'.'.join((self.cls.__name__, *self.path))}"


def mine(cls: type) -> Any:
    """A record of each thread's own, for `asleep_in` and the like."""
    return Mine(cls)


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))


def _label(position: Position, operation: Bound) -> str:
    return f"{operation.routine.name}({position.name_of(operation.receiver)})"


def _text(operation: Bound) -> str:
    return f"{operation.routine.name}({operation.receiver})"


def about_to(operation: Any) -> Place:
    """Threads whose next step is an operation: `about_to(fifo.notify.release)`."""
    return Place(
        f"about to {_text(operation)}",
        lambda p: (
            p.location.kind is LocationKind.PRIMITIVE and p.location.label == _label(p, operation)
        ),
    )


def at(source: str) -> Place:
    """Threads whose next step is at a line of Haiku's source: `at("stack/datalink.cpp:740")`."""
    names = (Name(Naming.SOURCE, source),)
    return Place(f"at {source}", lambda p: p.source == source, names=names)


def next_is(label: str) -> Place:
    """Threads whose next step is shown in traces as that: `next_is("or_(info.events)")`.

    For operations on what a local means; where a record has a name, say `about_to`.
    """
    return Place(
        f"about to {label}",
        lambda p: p.location.kind is LocationKind.PRIMITIVE and p.location.label == label,
        names=(Name(Naming.LABEL, label),),
    )


def standing(where: str) -> Place:
    """Threads of one name at a location: `standing("closer: blocked lock(queue.lock)")`.

    For what no other place says: `tuntap prove --suggest` writes such facts.
    """
    names = (Name(Naming.STANDING, where),)
    return Place(f"at {where}", lambda p: p.standing == where, names=names)


def on_the_way_to(operation: Any) -> Place:
    """Threads that will come to that operation, whatever happens on the way."""
    return Place(f"on the way to {_text(operation)}", lambda p: p.will(_label(p, operation)))


def asleep_in(record: Any) -> Place:
    """Threads that sleep in a mutex or semaphore."""
    return Place(
        f"asleep in {record}",
        lambda p: (
            p.location.kind is LocationKind.BLOCKED
            and p.location.label.endswith(f"({p.name_of(record)})")
        ),
    )


def woken_in(record: Any, result: int | None = None) -> Place:
    """Threads that a mutex or semaphore has woken with `result`, and that have not gone on."""
    return Place(
        f"woken in {record}" + ("" if result is None else f" with {_name(result)}"),
        lambda p: (
            p.location.kind is LocationKind.RESUMED
            and p.location.label.endswith(f"({p.name_of(record)})")
            and result in (None, p.woken_with)
        ),
    )


def inside(routine: Any) -> Place:
    """Threads inside a procedure, or inside what a driver has in its stead."""
    return Place(f"inside {routine.name}", lambda p: p.is_inside(routine))


def refers_to(record: Any) -> Place:
    """Threads that will still use a record which they have looked up."""
    return Place(f"using {record}", lambda p: p.refers_to(record))


def holds(mutex: Any) -> Place:
    """The thread that owns a mutex."""
    return Place(f"holding {mutex}", lambda p: p.is_held_by(mutex, "owner"))


def listed_in(record: Any, field: str) -> Place:
    """Threads with a record of their own in a list."""
    getattr(record, field)  # so that a field that there is not is noticed
    return Place(f"listed in {record}.{field}", lambda p: p.is_held_by(record, field))


def meant_by(thread: str, local: str) -> Place:
    """Threads with a record of their own that a local of another thread means, or lists."""
    name = f"{thread}'s {local}"
    names = (Name(Naming.MEANING, name),)
    return Place(f"meant by {name}", lambda p: p.is_meant_by(thread, local), names=names)


def has(cls: type, field: str, holds_for: Callable[[Any], bool], says: str = "is so") -> Place:
    """Threads whose own record of a class has a field with such a value; `says` with which."""

    def test(position: Position) -> bool:
        value = position.own(cls, field)
        return value is not None and holds_for(value)

    _require(cls, field)
    return Place(f"whose {cls.__name__}.{field} {says}", test)


def _require(cls: type, path: str) -> None:
    """AttributeError if the class has no such field."""
    for name in path.split("."):
        hints = typing.get_type_hints(cls)
        if name not in hints:
            raise AttributeError(f"{cls.__name__} has no {name}; it has {', '.join(hints)}")
        cls = hints[name]


def local_is(name: str, value: Any) -> Place:
    """Threads whose live local of that name has that value."""
    text = f"whose {name} is {_name(value)}"
    return Place(text, lambda p: p.local(name) == value, names=(Name(Naming.LOCAL, name),))


class Facts(Protocol):
    """A state, or all states at once, as invariants see them.

    The roots of the system are attributes (`state.device`); a field of a record is its value, the
    length of a sequence, or, for a reference, a number that is 0 for none.
    """

    def __getattr__(self, name: str) -> Any: ...

    def count(self, place: Place) -> Number:
        """How many threads are there."""

    def kept(self, thread: str, local: str) -> Number:
        """A number that the only thread of its kind keeps in a local."""

    def implies(self, condition: Fact, fact: Fact) -> Fact:
        """The fact, where the condition holds."""

    def every(self, *facts: Fact) -> Fact:
        """All of them."""

    def some(self, *facts: Fact) -> Fact:
        """At least one of them."""

    def choose(self, condition: Fact, yes: Number, no: Number) -> Number:
        """One number or the other."""


@frozen
class Conjunct:
    """One fact of an invariant: its name, which theorems it is for, why it is true.

    `for_progress` says that what needs it is the proof that threads come to rest.
    """

    name: str
    theorems: tuple[str, ...]
    why: str
    holds: Callable[[Facts], Fact]
    for_progress: bool = False


@frozen
class RecordFact:
    """A fact about every record of a class, whatever the driver."""

    cls: type
    name: str
    why: str
    holds: Callable[[Facts, Any], Fact]


RECORD_FACTS: list[RecordFact] = []


def true_of(
    cls: type, *, why: str
) -> Callable[[Callable[[Facts, Any], Fact]], Callable[[Facts, Any], Fact]]:
    """Declare a fact about all shared records of a class."""

    def declare(holds: Callable[[Facts, Any], Fact]) -> Callable[[Facts, Any], Fact]:
        RECORD_FACTS.append(RecordFact(cls, holds.__name__.replace("_", "-"), why, holds))
        return holds

    return declare
