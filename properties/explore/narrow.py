"""Where a local is surely not None.

A call looks its file up, returns if there is none, and goes on with the one that it found. Where
there is only one file that it can be, the local then stands for that record, and need not be
remembered. This is the usual forward analysis: what holds on all paths to an instruction.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import Factory, define

from haiku_tuntap.model.language.graph import (
    Assign,
    Branch,
    CheckAlive,
    Const,
    ForEach,
    Goto,
    Instr,
    Local,
    Location,
    LocationKind,
    Op,
    ThreadGraph,
    Var,
)
from haiku_tuntap.model.language.records import is_record

Vars = frozenset[Var]


@define(eq=False)
class Narrowing:
    """The variables of a thread that are not None, before each instruction and location."""

    graph: ThreadGraph
    before: dict[Instr, Vars] = Factory(dict)
    at: dict[Location, Vars] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        first = self.graph.locations[0]
        self.at[first] = frozenset()
        pending = [first]
        while pending:
            location = pending.pop()
            if location.kind is LocationKind.BLOCKED:
                following = self.graph.locations[location.number + 1]
                if self._arrive(following, self.at[location]):
                    pending.append(following)
            for step in location.steps:
                pending.extend(self._walk(step.entry, self.at[location]))

    def _arrive(self, location: Location, known: Vars) -> bool:
        """Note what is known at a location; whether that is news."""
        met = self.at.get(location)
        merged = known if met is None else met & known
        if merged == met:
            return False
        self.at[location] = merged
        return True

    def _walk(self, entry: Instr, known: Vars) -> Iterator[Location]:
        pending = [(entry, known)]
        while pending:
            instr, known = pending.pop()
            met = self.before.get(instr)
            merged = known if met is None else met & known
            if merged == met:
                continue
            self.before[instr] = merged
            if isinstance(instr, Goto):
                if self._arrive(instr.location, merged):
                    yield instr.location
                continue
            pending.extend(_after(instr, merged))


def _after(instr: Instr, known: Vars) -> Iterator[tuple[Instr, Vars]]:
    """The instructions that follow, with what is known before them."""
    match instr:
        case Branch(test=Op(name="is" | "isnot" as name, args=(Local(var=var), Const(value=None)))):
            there, missing = (instr.otherwise, instr.next)
            if name == "isnot":
                there, missing = missing, there
            if there is not None:
                yield there, known | {var}
            if missing is not None:
                yield missing, known - {var}
            return
        case Assign(var=var, expr=expr):
            known = known | {var} if _is_there(expr, known) else known - {var}
        case CheckAlive(ref=Local(var=var)):
            known = known | {var}
        case ForEach(body=body) if body is not None:
            yield body, frozenset()
    for following in instr.successors():
        yield following, known


def _is_there(expr: object, known: Vars) -> bool:
    if isinstance(expr, Const):
        return is_record(expr.value)
    return isinstance(expr, Local) and expr.var in known
