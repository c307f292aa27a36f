"""Moves made ready for the worklist: what each participant decides alone, and what they share.

A *rule* is a move with everything decided that local states decide: what remains are shared
variables. It has one list of (before, after) per participant.
"""

from __future__ import annotations

import functools
from typing import Any

from attrs import Factory, define

from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.moves import Everyone, Move, Report
from haiku_tuntap.properties.prove.counted.population import Role
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, leaves, substitute


@define(eq=False)
class Rule:
    """A move with all that local states decide put in. See the module's essay.

    `guard` are (term, truth) over shared variables, `shared` their new values.
    """

    move: Move
    number: int
    guard: tuple[tuple[Term, bool], ...]
    shared: tuple[tuple[str, Term], ...]
    everyone: tuple[Everyone, ...]
    reports: tuple[Report, ...]
    pairs: tuple[dict[LocalState, tuple[LocalState, ...]], ...]


@define(eq=False)
class Joint:
    """What the participants of a move must agree on: values that others' changes depend on."""

    move: Move
    alone: list[list[tuple[Term, bool]]]
    together: list[tuple[Term, bool]]
    leaves: list[list[Own]]
    domains: list[Shared]
    members: list[dict[tuple[int, ...], list[LocalState]]]
    rules: dict[Any, Rule] = Factory(dict)
    excluded: frozenset[Role] = frozenset()


def joint_of(move: Move) -> Joint:
    """Split a move's tests and values into what one participant decides alone and the rest."""
    count = len(move.participants)
    alone: list[list[tuple[Term, bool]]] = [[] for _ in range(count)]
    together = []
    needed: list[set[Own]] = [set() for _ in range(count)]
    for term, truth in move.tests:
        found = set(leaves(term))
        whose = {leaf.who for leaf in found if isinstance(leaf, Own)}
        if len(whose) == 1 and not any(isinstance(leaf, Shared) for leaf in found):
            alone[whose.pop()].append((_of_anybody(term), truth))
        else:
            together.append((term, truth))
            _need(term, needed)
    for _, term in move.shared:
        _need(term, needed)
    domains: set[Shared] = set()
    for everyone in move.everyone:
        swept = [e.value for e in everyone.edits]
        for term in [*swept, *([] if everyone.wakes is None else [everyone.wakes])]:
            _need(term, needed)
            domains |= {leaf for leaf in leaves(term) if isinstance(leaf, Shared)}
    for who in range(count):
        values = [e.value for e in move.edits[who]]
        wakes = move.wakes[who]
        for term in [*values, *([] if wakes is None else [wakes])]:
            _need(term, needed, but=who)
            domains |= {leaf for leaf in leaves(term) if isinstance(leaf, Shared)}
    ordered = [sorted(n, key=repr) for n in needed]
    members: list[dict[tuple[int, ...], list[LocalState]]] = [{} for _ in range(count)]
    return Joint(move, alone, together, ordered, sorted(domains, key=repr), members)


@functools.cache  # so that equal terms are one, and quickly found in a table
def _of_anybody(term: Term) -> Term:
    """A term about one participant, whichever it is."""
    return substitute(term, lambda leaf: Own(0, leaf.key) if isinstance(leaf, Own) else leaf)


def _need(term: Term, needed: list[set[Own]], but: int | None = None) -> None:
    for leaf in leaves(term):
        if isinstance(leaf, Own) and leaf.who != but:
            needed[leaf.who].add(leaf)
