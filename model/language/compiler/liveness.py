"""Which variables still matter at a location: a value that nobody will read is not state."""

from __future__ import annotations

from haiku_tuntap.model.language.errors import LanguageError, Where
from haiku_tuntap.model.language.graph import (
    Assign,
    Branch,
    CheckAlive,
    Expr,
    ForEach,
    Goto,
    Instr,
    Local,
    Location,
    LocationKind,
    Store,
    Var,
    Wake,
    instructions,
    walk,
)


def expressions_of(instr: Instr) -> tuple[Expr, ...]:
    """The expressions that an instruction evaluates."""
    match instr:
        case Assign(expr=expr):
            return (expr,)
        case Store(ref=ref, expr=expr):
            return (ref, expr)
        case Branch(test=test):
            return (test,)
        case ForEach(sequence=sequence):
            return (sequence,)
        case Wake(thread=thread, result=result):
            return (thread, result)
        case CheckAlive(ref=ref):
            return (ref,)
    return ()


def variables_read(instr: Instr) -> set[Var]:
    """The locals that an instruction reads."""
    return {e.var for x in expressions_of(instr) for e in walk(x) if isinstance(e, Local)}


def mark_live(locations: list[Location]) -> None:
    """Set `live` of every location, by the usual backward fixpoint."""
    blocked_to_resumed = {
        location.number: locations[location.number + 1]
        for location in locations
        if location.kind is LocationKind.BLOCKED
    }
    changed = True
    while changed:
        changed = False
        for location in reversed(locations):
            if location.number in blocked_to_resumed:
                live = blocked_to_resumed[location.number].live
            else:
                live = frozenset().union(*(_live_into(s.entry, {}) for s in location.steps))
            if live != location.live:
                location.live, changed = live, True


_BEING_COMPUTED: frozenset[Var] = frozenset([Var("being computed", "")])


def _place_in_cycle(instr: Instr) -> Where | None:
    """A line of the cycle that goes through `instr`."""
    return next((i.where for i in instructions(instr) if i.where is not None), None)


def _live_into(instr: Instr | None, known: dict[int, frozenset[Var]]) -> frozenset[Var]:
    """The variables live before `instr`; a step has no cycles, so recursion ends."""
    if instr is None:
        return frozenset()
    if id(instr) in known:
        if known[id(instr)] is _BEING_COMPUTED:
            raise LanguageError(
                _place_in_cycle(instr),
                "this loop has a round without a scheduling point",
                "await something in every round: a step must end",
            )
        return known[id(instr)]
    known[id(instr)] = _BEING_COMPUTED
    if isinstance(instr, Goto):
        live = instr.location.live
    else:
        after: frozenset[Var] = frozenset().union(
            *(_live_into(s, known) for s in instr.successors())
        )
        if isinstance(instr, Assign):
            after -= {instr.var}
        if isinstance(instr, ForEach) and instr.body is not None:
            inside = {v for i in instructions(instr.body) for v in variables_read(i)}
            written = {i.var for i in instructions(instr.body) if isinstance(i, Assign)}
            after |= inside - written - {instr.var}
        live = after | variables_read(instr)
    known[id(instr)] = live
    return live
