"""A system as formulas over one state and the next: a bit-vector per slot, and one for the move.

A slot's bit-vector holds the place of its value in the slot's domain (domains.py), in as few bits
as that needs; a slot with one value has none. One step of one thread leads from `now` to `next`;
which one, `move` says: a thread and a choice, as in a schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field

from haiku_tuntap.model.language.graph import Location, LocationKind
from haiku_tuntap.properties.explore.joins import Joins
from haiku_tuntap.properties.explore.layout import Layout, State
from haiku_tuntap.properties.explore.schedule import Move
from haiku_tuntap.properties.prove.finite.conditions import (
    Condition,
    Conditions,
    Formulas,
    Table,
    do_not_look,
)
from haiku_tuntap.properties.prove.finite.domains import Domains, Place
from haiku_tuntap.properties.prove.finite.steps import Effect, Ending, Stepping

Formula = Any  # of Z3


@define(eq=False)
class Choice:
    """A variable that is one of `values`: its number in that list, in as few bits as that needs."""

    name: str
    values: list[Any]
    variable: Any = field(init=False, default=None)
    _tests: dict[Any, Condition] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        if len(self.values) > 1:
            self.variable = z3.BitVec(self.name, (len(self.values) - 1).bit_length())
            self._tests = {value: self.variable == i for i, value in enumerate(self.values)}
        else:
            self._tests = dict.fromkeys(self.values, True)

    def equals(self, value: Any) -> Condition:
        """When it has that value; never if it is none of `values`."""
        return self._tests.get(value, False)

    @property
    def in_range(self) -> Condition:
        """That it is one of `values`."""
        count = len(self.values)
        if count & (count - 1) == 0:
            return True
        return z3.ULE(self.variable, count - 1)


@define(eq=False)
class Footprint:
    """The slots that the steps from a place read and write."""

    reads: set[int] = Factory(set)
    writes: set[int] = Factory(set)

    def commutes_with(self, other: Footprint) -> bool:
        """Whether steps with these footprints may be exchanged."""
        return not (
            self.writes & other.writes or self.writes & other.reads or self.reads & other.writes
        )


@define(eq=False)
class Encoding:
    """The transition relation of a system, and what is to be asked about its states.

    `transition` relates `now` and `next`; `moves` holds where some step can be taken, `busy` where
    one can that excludes quiescence; `misfit` where a step needs a value that is not encoded.
    `reports` and `marks` are conditions on `now`, by a violation's code and by mark. `look` is
    called while all this is made, which can take long, and ends it by an exception.
    """

    layout: Layout
    look: Callable[[], None] = do_not_look
    domains: Domains = field(init=False)
    now: list[Choice] = Factory(list)
    next: list[Choice] = Factory(list)
    move: Choice = field(init=False)
    moves: Condition = False
    busy: Condition = False
    misfit: Condition = False
    transition: Condition = False
    reports: dict[str, Condition] = Factory(dict)
    marks: dict[str, Condition] = Factory(dict)
    footprints: dict[Place, Footprint] = Factory(dict)
    formulas: Formulas = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.formulas = Formulas(self.look)
        self.domains = Domains(self.layout, Conditions(self.look))
        for slot, values in enumerate(self.domains.values):
            self.now.append(Choice(f"now {slot}", list(values)))
            self.next.append(Choice(f"next {slot}", list(values)))
        self.move = Choice("move", self._possible_moves())
        _Relation(self).build()

    def _possible_moves(self) -> list[Move]:
        return [
            (thread, choice)
            for thread, graph in enumerate(self.layout.graphs)
            for choice in range(max(len(location.steps) for location in graph.locations))
        ]

    def is_state(self, state: State) -> Condition:
        """That `now` is that state."""
        return self.agrees(enumerate(state))

    def agrees(self, values: Iterable[tuple[int, Any]]) -> Condition:
        """That slots have these values now."""
        return self.formulas.every(*(self.now[slot].equals(value) for slot, value in values))

    def well_formed(self) -> list[Formula]:
        """What holds of every reachable state: slots are in their domains, at every place."""
        found = [choice.in_range for choice in self.now]
        for place, own in self.domains.at.items():
            thread, number = place
            stands = self.now[self.layout.blocks[thread].first].equals(number)
            for slot, values in own.items():
                if len(values) < len(self.now[slot].values):
                    allowed = self.formulas.some(self.now[slot].equals(v) for v in values)
                    found.append(self.formulas.some([self.formulas.negated(stands), allowed]))
        return [formula for formula in found if formula is not True]


@define(eq=False)
class _Relation:
    """Puts together what all steps do."""

    encoding: Encoding
    joins: Joins = Factory(Joins)
    endings: list[Condition] = Factory(list)
    taken: list[Condition] = Factory(list)
    busy: list[Condition] = Factory(list)
    misfits: list[Condition] = Factory(list)
    changed: dict[int, list[Condition]] = Factory(dict)
    reports: dict[str, list[Condition]] = Factory(dict)
    marks: dict[str, list[Condition]] = Factory(dict)
    required: list[Condition] = Factory(list)

    def build(self) -> None:
        """Fill the encoding in."""
        encoding, some = self.encoding, self.encoding.formulas.some
        for thread, number in encoding.domains.at:
            location = encoding.layout.graphs[thread].locations[number]
            for choice in range(len(location.steps)):
                self._step(thread, location, choice)
        for slot, (now, following) in enumerate(zip(encoding.now, encoding.next, strict=True)):
            if now.variable is not None:
                same = following.variable == now.variable
                self.required.append(some([*self.changed.get(slot, []), same]))
        encoding.transition = encoding.formulas.every(*self.required, some(self.taken))
        encoding.moves = some(self.endings)
        encoding.busy = some(self.busy)
        encoding.misfit = some(self.misfits)
        encoding.reports = {code: some(found) for code, found in self.reports.items()}
        encoding.marks = {mark: some(found) for mark, found in self.marks.items()}

    def _step(self, thread: int, location: Location, choice: int) -> None:
        effect = self._effect(thread, location, choice)
        begins_call = location.kind is LocationKind.CALL
        for condition, report in effect.reports:
            self.reports.setdefault(report.code, []).append(condition)
            if report.fatal and not begins_call:
                self.busy.append(condition)
        for condition, mark in effect.marks:
            self.marks.setdefault(mark, []).append(condition)
        self.misfits += effect.misfits
        for ending in effect.endings:
            self.endings.append(ending.condition)
            if not begins_call:
                self.busy.append(ending.condition)
            self._end(ending, self.encoding.move.equals((thread, choice)))

    def _effect(self, thread: int, location: Location, choice: int) -> Effect:
        encoding = self.encoding
        place: Place = (thread, location.number)
        footprint = encoding.footprints.setdefault(place, Footprint())
        first = encoding.layout.blocks[thread].first
        footprint.reads.add(first)

        def read(slot: int) -> Table:
            footprint.reads.add(slot)
            values = encoding.domains.table(place, slot)
            if len(values) == 1:
                return dict.fromkeys(values, True)
            return {value: encoding.now[slot].equals(value) for value in values}

        here = encoding.now[first].equals(location.number)
        stepping = Stepping(encoding.layout, encoding.formulas, thread, location, read, self.joins)
        effect = stepping.take(location.steps[choice], here)
        footprint.writes.update(*(ending.changes for ending in effect.endings))
        return effect

    def _end(self, ending: Ending, moved: Condition) -> None:
        """One way in which a step can end: what holds of the next state if it is taken."""
        formulas = self.encoding.formulas
        taken = formulas.every(moved, ending.condition)
        self.taken.append(taken)
        for slot, table in ending.changes.items():
            following = self.encoding.next[slot]
            for value, condition in table.items():
                if value not in following.values:
                    self.misfits.append(formulas.every(ending.condition, condition))
                    continue
                written = formulas.every(taken, condition)
                follows = formulas.some([formulas.negated(written), following.equals(value)])
                self.required.append(follows)
            self.changed.setdefault(slot, []).append(taken)
