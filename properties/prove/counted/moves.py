"""What a step can do, as a list of moves.

A move is one path through a step: when it can be taken, and what it changes. It has participants
(0 is the thread whose step it is), each bound by what it must be; what it tests is split later
into what each participant alone decides and what the shared variables decide.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from haiku_tuntap.model.language.graph import Location
from haiku_tuntap.properties.prove.counted.population import Role
from haiku_tuntap.properties.prove.counted.terms import Term

Key = Any
"""A part of a local state: ("local", Var), ("field", OwnRecord, name), ("role", Role), or these."""

WOKEN = ("woken",)
TEMPLATE = ("template",)


@frozen
class Holder:
    """A participant that is any thread with a role."""

    role: Role


@frozen
class Anyone:
    """A participant that is any thread of a template."""

    template: int


Binding = Holder | Anyone


@frozen
class Edit:
    """A change of a local state: part `key` becomes `value`."""

    key: Key
    value: Term


@frozen
class Everyone:
    """The same edits for all who have a role and do not take part in the move otherwise.

    `wakes` is what those are woken with that sleep; None if nobody is woken.
    """

    role: Role
    edits: tuple[Edit, ...]
    wakes: Term | None = None


@frozen
class Report:
    """A rule that the move breaks."""

    code: str
    text: str


@frozen
class Move:
    """One path through a step of `template` from `source` to `target`.

    `tests` are (term, truth); `shared` the new values of shared variables; `edits` and `wakes`
    are per participant. `target` is None if the path ends in a rule broken beyond repair, or if
    the step cannot be taken now (`retry`).
    """

    template: int
    source: Location
    choice: str
    target: Location | None
    retry: bool
    participants: tuple[Binding, ...]
    tests: tuple[tuple[Term, bool], ...]
    shared: tuple[tuple[str, Term], ...]
    edits: tuple[tuple[Edit, ...], ...]
    wakes: tuple[Term | None, ...]
    everyone: tuple[Everyone, ...]
    reports: tuple[Report, ...]
