"""A system: the threads that a scenario starts, and the records that they share.

A thread makes its calls one after the other. Beginning a call is the environment's choice (a
sender may stop anywhere); a call that has begun is pending until it returns. A service thread is
one of the kernel's own: it is always inside.

A driver is a *substitution*: it says which procedure or record class stands in for which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.routines import Chance, Procedure, Routine
from haiku_tuntap.model.language.threads import Thread

T = TypeVar("T")


class Substitution:
    """Which routine or record class stands in for which; later ones win, chains are followed."""

    def __init__(self, replacements: Mapping[Any, Any] | None = None) -> None:
        self.replacements: dict[Any, Any] = dict(replacements or {})

    def resolve(self, original: T) -> T:
        """What stands in for `original` (itself, if nothing does)."""
        found: Any = original
        while found in self.replacements:
            found = self.replacements[found]
        return found  # type: ignore[no-any-return]  # the table maps a thing to one of its kind


@frozen(eq=False)
class Call:
    """One call that a thread makes: a procedure and its arguments."""

    procedure: Routine[..., Any]
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.procedure.name


def call(procedure: Procedure[..., Any], *args: Any) -> Call:
    """The call `procedure(*args)`."""
    return Call(procedure, args)


@define(eq=False)
class ThreadSpec:
    """A thread of a system: what it calls, in order.

    `pool` says how many records of a class the thread may allocate in its life. Threads with
    equal calls are interchangeable, and the reduced search treats them so.
    """

    name: str
    calls: tuple[Call, ...]
    pool: Mapping[type, int] = Factory(dict)
    service: bool = False
    thread: Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.thread = Thread(name=self.name)


@define(eq=False)
class System:
    """Everything a scheduler or the compiler needs to know.

    `roots` are the shared records by name (parts and references reachable from them belong to
    the system, too). `chances` are what may go wrong. `monitors` are the observers of properties.
    `parameters` are the fields, each a record and a name, for whose value here any other would do:
    a proof is about all.
    """

    name: str
    roots: Mapping[str, object]
    threads: tuple[ThreadSpec, ...]
    substitution: Substitution = Factory(Substitution)
    chances: frozenset[Chance] = frozenset()
    monitors: tuple[Any, ...] = ()
    parameters: tuple[tuple[Any, str], ...] = ()
