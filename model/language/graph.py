"""The step graph: what a text means, for every consumer but the running scheduler.

A thread's program becomes a graph of *locations*. At each the thread is about to perform one
primitive; a *step* performs it and runs on, without interruption, to the next location. Inside,
a step is a tree of instructions over locals and over the fields of records; it holds no loops
but `ForEach`, so that it always ends.

    location ──step──▶ Assign … Branch ─┬─▶ Store … Goto(location)
                                        └─▶ Wake  … Sleep(location)

A thread that returned BLOCK stands at a location of kind BLOCKED, which has no steps. Whoever
wakes it moves it to the RESUMED location that follows, so that blocked threads are a location
like any other and exact enabledness is read off the graph.

Nothing here knows of Python texts: a location carries the places it came from, and that is all.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, IntEnum
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.errors import Where

LIFE = "@life"  # the pseudo-field that says whether a pooled record is allocated


class Life(IntEnum):
    """Of a record in a pool. A freed one is never used again."""

    UNUSED = 0
    ALIVE = 1
    FREED = 2


@frozen
class ValueType:
    """The type of a small value: how to show it, and whether it names a record.

    `name` is one of int, bool, status, ref, seq, none, any; `cls` is the record class of a
    reference, or of the elements of a sequence.
    """

    name: str
    cls: type | None = None

    @property
    def names_records(self) -> bool:
        """Whether a value of this type is, or holds, references."""
        return self.name in ("ref", "seq", "any")


INT = ValueType("int")
BOOL = ValueType("bool")
STATUS = ValueType("status")
NONE = ValueType("none")
ANY = ValueType("any")


@define(eq=False)
class Var:
    """A local variable of one inlined call of a routine."""

    name: str
    routine: str
    type: ValueType = ANY

    def __repr__(self) -> str:
        return f"{self.routine}.{self.name}"


# --- expressions ---------------------------------------------------------------------------


@frozen
class Const:
    """A value known when compiling: a number, None, a record, a thread, a tuple of these."""

    value: Any
    type: ValueType = field(eq=False)

    def __hash__(self) -> int:
        return hash(self.value) if isinstance(self.value, (int, tuple)) else id(self.value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Const):
            return NotImplemented
        if isinstance(self.value, (int, tuple)) and isinstance(other.value, (int, tuple)):
            return bool(self.value == other.value)
        return self.value is other.value


@frozen
class Local:
    """The value of a local variable."""

    var: Var

    @property
    def type(self) -> ValueType:
        return self.var.type


@frozen
class Load:
    """The value of a field of a record; `protected` while the thread holds the field's guard."""

    ref: Expr
    cls: type
    name: str
    type: ValueType = field(eq=False)
    protected: bool = field(default=False, eq=False)


@frozen
class Part:
    """The record embedded in another under `name`."""

    ref: Expr
    cls: type
    name: str
    type: ValueType = field(eq=False)


@frozen
class Op:
    """An operator over values, by its name in compiler/operators.py."""

    name: str
    args: tuple[Expr, ...]
    type: ValueType = field(eq=False)


@frozen
class Result:
    """What the thread's await gives after it was woken."""

    type: ValueType = field(eq=False)


Expr = Const | Local | Load | Part | Op | Result


def walk(expr: Expr) -> Iterator[Expr]:
    """`expr` and all its parts."""
    yield expr
    if isinstance(expr, (Load, Part)):
        yield from walk(expr.ref)
    elif isinstance(expr, Op):
        for arg in expr.args:
            yield from walk(arg)


# --- instructions --------------------------------------------------------------------------


@define(eq=False)
class Instr:
    """One instruction; `next` follows unless a subclass says otherwise."""

    where: Where | None = field(default=None, kw_only=True)
    next: Instr | None = field(default=None, kw_only=True)

    def successors(self) -> tuple[Instr, ...]:
        return () if self.next is None else (self.next,)


@define(eq=False)
class Assign(Instr):
    """Set a local variable."""

    var: Var
    expr: Expr


@define(eq=False)
class Store(Instr):
    """Set a field of a record; `protected` while the thread holds the field's guard."""

    ref: Expr
    cls: type
    name: str
    expr: Expr
    protected: bool = False


@define(eq=False)
class Branch(Instr):
    """Go on with `next` if the test holds, else with `otherwise`."""

    test: Expr
    otherwise: Instr | None = None

    def successors(self) -> tuple[Instr, ...]:
        return tuple(i for i in (self.next, self.otherwise) if i is not None)


@define(eq=False)
class ForEach(Instr):
    """Run `body`, which is straight-line, for each element of a sequence."""

    var: Var
    sequence: Expr
    body: Instr | None = None


@define(eq=False)
class Wake(Instr):
    """Move a blocked thread on; its await gives `result`."""

    thread: Expr
    result: Expr


@define(eq=False)
class CheckAlive(Instr):
    """Report and end the path unless the pooled record `ref` is allocated."""

    ref: Expr
    cls: type
    access: str


@define(eq=False)
class Violation(Instr):
    """Report that a property was violated; `fatal` ends the path."""

    code: str
    text: str
    fatal: bool = False


@define(eq=False)
class Reach(Instr):
    """Report that an interesting situation was reached."""

    mark: str


@define(eq=False)
class Join(Instr):
    """Nothing: where paths meet."""


@define(eq=False)
class Goto(Instr):
    """End of the step: the thread is at `location`."""

    location: Location


@define(eq=False)
class Retry(Instr):
    """The step cannot be taken now."""


# --- locations -----------------------------------------------------------------------------


class LocationKind(Enum):
    """Why a thread stands at a location."""

    CALL = "between calls, about to begin one"
    PRIMITIVE = "about to perform a primitive"
    BLOCKED = "asleep until somebody wakes it"
    RESUMED = "woken, about to go on"
    DONE = "has made all its calls"


@frozen
class Frame:
    """One level of a thread's call stack: a routine, the line in it, and its place in Haiku."""

    routine: str
    where: Where
    source: str | None
    source_line: str | None


@define(eq=False)
class Step:
    """One way of going on from a location; `choice` names it where there are several."""

    choice: str
    entry: Join


@define(eq=False)
class Location:
    """A place where a thread can stand between two steps.

    `label` is what it is about to do ("acquire(send_queue.notify)"); `call` is the index of the
    call it is in, and None outside; `live` are the variables whose values matter from here on.
    """

    number: int
    kind: LocationKind
    label: str
    stack: tuple[Frame, ...]
    call: int | None
    entry_name: str | None
    left_mover: bool = False
    steps: list[Step] = Factory(list)
    live: frozenset[Var] = frozenset()

    @property
    def pending(self) -> bool:
        """Whether a thread here is inside a call from outside."""
        return self.entry_name is not None and self.kind is not LocationKind.CALL

    def __repr__(self) -> str:
        return f"<{self.number} {self.kind.name} {self.label}>"


@define(eq=False)
class ThreadGraph:
    """The locations of one thread; the first is where it starts. `texts` are what it came from."""

    name: str
    service: bool
    locations: list[Location]
    texts: frozenset[str] = frozenset()


def instructions(entry: Instr) -> Iterator[Instr]:
    """All instructions of the step that begins with `entry`, loop bodies included."""
    seen: set[int] = set()
    pending: list[Instr] = [entry]
    while pending:
        instr = pending.pop()
        if id(instr) in seen:
            continue
        seen.add(id(instr))
        yield instr
        pending.extend(instr.successors())
        if isinstance(instr, ForEach) and instr.body is not None:
            pending.append(instr.body)
