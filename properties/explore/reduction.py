"""Which steps need no rival: sound merging of steps.

A step is *eager* if, whenever its thread stands before it, it can be taken, and taking it first
loses nothing: no other thread can do anything before it that it would not as well do after it.
The search then takes it at once and alone, as part of the step before. (In the literature: a
singleton persistent set. What it keeps is every state in which nothing can move, and every report
that a step makes; the properties are of those two kinds.) Chains of eager steps must end: where
they would form a loop, one of its steps is not eager.

A step is eager when

- it touches no field that another thread's steps touch, unless neither writes it; where
- a guarded field does not count while its lock is held: the others have to wait anyway; and
- the owner of a mutex does not count for the unlocking of it. In the reduced search a thread
  that cannot have a mutex has not asked for it yet (model/kernel/mutex.py says why that is
  equivalent), so while we hold it nobody else can use or change that field.

Beginning a call is never eager: the environment may also not begin it. A choice is never eager.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import Factory, define

from haiku_tuntap.model.language.graph import (
    Goto,
    Location,
    LocationKind,
    Retry,
    ThreadGraph,
    Wake,
    instructions,
)
from haiku_tuntap.properties.explore.fold import Cell
from haiku_tuntap.properties.explore.layout import Layout, accesses


@define(eq=False)
class Footprint:
    """The changing fields that a step reads and writes, and those it uses under their guard."""

    reads: set[Cell] = Factory(set)
    writes: set[Cell] = Factory(set)
    protected: set[Cell] = Factory(set)

    def conflicts_with(self, other: Footprint) -> bool:
        """Whether the order of the two steps may matter."""
        return bool(
            self.writes & (other.reads | other.writes | other.protected)
            or self.reads & (other.writes | other.protected)
            or self.protected & (other.reads | other.writes)
        )


def footprint(location: Location, layout: Layout) -> Footprint:
    """What the steps from a location touch."""
    found = Footprint()
    for step in location.steps:
        for instr in instructions(step.entry):
            for access in accesses(instr):
                targets = layout.targets(access.ref, access.cls)
                cells = {(i.number, access.name) for i in targets} & layout.slots.keys()
                if access.protected:
                    found.protected |= cells
                elif access.writes:
                    found.writes |= cells
                else:
                    found.reads |= cells
    if location.left_mover:
        found.reads = {c for c in found.reads if c[1] != "owner"}
        found.writes = {c for c in found.writes if c[1] != "owner"}
    return found


def eager_locations(graphs: Sequence[ThreadGraph], layout: Layout) -> list[set[int]]:
    """For each thread, the numbers of the locations whose single step is eager."""
    footprints = [{g.number: footprint(g, layout) for g in graph.locations} for graph in graphs]
    made: list[set[int]] = []
    for index, graph in enumerate(graphs):
        others = [f for i, fs in enumerate(footprints) if i != index for f in fs.values()]
        eager = {
            location.number
            for location in graph.locations
            if _may_be_eager(location)
            and not _conflicts(footprints[index][location.number], others)
        }
        made.append(_without_loops(graph, eager))
    return made


def _without_loops(graph: ThreadGraph, eager: set[int]) -> set[int]:
    """`eager` without the first location of every loop that lies in it."""
    kept = set(eager)
    done: set[int] = set()

    def visit(number: int, above: frozenset[int]) -> None:
        for instr in instructions(graph.locations[number].steps[0].entry):
            if isinstance(instr, Goto) and instr.location.number in kept:
                following = instr.location.number
                if following in above | {number}:
                    kept.discard(following)
                elif following not in done:
                    visit(following, above | {number})
        done.add(number)

    for number in sorted(eager):
        if number in kept and number not in done:
            visit(number, frozenset())
    return kept


def _may_be_eager(location: Location) -> bool:
    kinds = (LocationKind.PRIMITIVE, LocationKind.RESUMED)
    if location.kind not in kinds or len(location.steps) != 1:
        return False
    return not any(isinstance(i, (Wake, Retry)) for i in instructions(location.steps[0].entry))


def _conflicts(mine: Footprint, others: Iterable[Footprint]) -> bool:
    return any(mine.conflicts_with(other) for other in others)
