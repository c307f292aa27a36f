"""What moves read and change of their participants' own fields, and where that still matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from haiku_tuntap.model.language.graph import Goto, LocationKind, ThreadGraph, instructions
from haiku_tuntap.properties.prove.counted.local import MANY
from haiku_tuntap.properties.prove.counted.moves import Edit, Key, Move
from haiku_tuntap.properties.prove.counted.terms import Fn, Own, Term, leaves, substitute


def reads_of(move: Move) -> Iterator[tuple[int, Key]]:
    """What a move reads of its participants, as (participant, key)."""
    terms = [term for term, _ in move.tests] + [term for _, term in move.shared]
    terms += [e.value for everyone in move.everyone for e in everyone.edits]
    terms += [wakes for wakes in move.wakes if wakes is not None]
    for term in terms:
        yield from fields_in(term)
    for who, edits in enumerate(move.edits):
        for edit in edits:
            # That a field is changed by itself tells nobody anything.
            yield from (read for read in fields_in(edit.value) if read != (who, edit.key))


def fields_in(term: Term) -> Iterator[tuple[int, Key]]:
    for leaf in leaves(term):
        if isinstance(leaf, Own) and leaf.key[0] == "field":
            yield leaf.who, leaf.key


def edits_of(move: Move) -> Iterator[tuple[int, Edit]]:
    for who, edits in enumerate(move.edits):
        for edit in edits:
            yield who, edit


def is_blind(term: Term, counters: set[Key]) -> bool:
    """Whether a test says the same of all values of a counter from MANY on."""
    found = set(leaves(term))
    if not any(isinstance(leaf, Own) and leaf.key in counters for leaf in found):
        return True
    if len(found) > 1:
        return False
    far = MANY + 2 + sum(abs(n) for n in numbers(term))
    return len({_truth(term, n) for n in range(MANY, far)}) == 1


def _truth(term: Term, number: int) -> bool:
    """Whether a term holds if every unknown in it is that number."""
    return bool(substitute(term, lambda leaf: number))


def numbers(term: Term) -> Iterator[int]:
    if isinstance(term, int):
        yield term
    elif isinstance(term, Fn):
        for arg in term.args:
            yield from numbers(arg)


def reads_later(
    graph: ThreadGraph, mine: Mapping[tuple[int, int], set[Key]], template: int
) -> list[set[Key]]:
    """For each location the own fields that are read there or later."""
    later = [set(mine.get((template, location.number), ())) for location in graph.locations]
    changed = True
    while changed:
        changed = False
        for location in reversed(graph.locations):
            following = [
                instr.location.number
                for step in location.steps
                for instr in instructions(step.entry)
                if isinstance(instr, Goto)
            ]
            if location.kind is LocationKind.BLOCKED:
                following.append(location.number + 1)
            found = set().union(later[location.number], *(later[n] for n in following))
            if found != later[location.number]:
                later[location.number] = found
                changed = True
    return later


def counts(term: Term) -> bool:
    """Whether a value is counted up or down: it may grow without bound."""
    return getattr(term, "name", None) in ("add", "sub")
