"""Executing a step of the graph without knowing the state: all paths, each as a move.

The step is run again and again, each time with another sequence of decisions, until all are
through. A test that depends on something unknown is a decision, and so is which thread a
reference means.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    LIFE,
    Assign,
    Branch,
    CheckAlive,
    Expr,
    ForEach,
    Goto,
    Instr,
    Life,
    Location,
    Reach,
    Retry,
    Store,
    Var,
    Violation,
    Wake,
)
from haiku_tuntap.properties.prove.counted.decide import Decisions, ImpossibleError
from haiku_tuntap.properties.prove.counted.evaluate import Evaluation
from haiku_tuntap.properties.prove.counted.moves import Edit, Everyone, Key, Move, Report
from haiku_tuntap.properties.prove.counted.population import CannotCountError, Population, Role
from haiku_tuntap.properties.prove.counted.terms import Term
from haiku_tuntap.properties.prove.counted.values import (
    EACH,
    NONE,
    Held,
    Record,
    Several,
    Value,
    Values,
)

WAKES_NOBODY = Report("assertion", "a thread is woken that does not sleep")


def moves_of(population: Population, template: int, location: Location) -> Iterator[Move]:
    """All moves of a template's threads that stand at a location."""
    for step in location.steps:
        decisions = Decisions()
        while True:
            path = Path(population, template, location, decisions)
            with suppress(ImpossibleError):
                yield path.run(step.choice, step.entry)
            if not decisions.advance():
                break


@define(eq=False)
class Path(Evaluation):
    """One path through a step."""

    reports: list[Report] = Factory(list)
    each: list[Edit] | None = None
    each_wakes: Term | None = None
    broken: bool = False

    def run(self, choice: str, entry: Instr) -> Move:
        """Go down the path to its end."""
        instr: Instr | None = entry
        target: Location | None = None
        retry = False
        while instr is not None:
            following = instr.next
            if isinstance(instr, Goto):
                target = instr.location
                self._leave(target)
                break
            if isinstance(instr, Retry):
                retry = True
                break
            if isinstance(instr, Violation):
                self.reports.append(Report(instr.code, instr.text))
                if instr.fatal:
                    break
            elif isinstance(instr, Branch):
                truth = self.test(self.number(self.evaluate(instr.test)))
                following = instr.next if truth else instr.otherwise
            else:
                self._perform(instr)
            if self.broken:
                break
            instr = following
        return self._move(choice, target, retry)

    def _move(self, choice: str, target: Location | None, retry: bool) -> Move:
        self._settle_places()
        count = len(self.participants)
        edits: list[list[Edit]] = [[] for _ in range(count)]
        for (who, key), value in self.edits.items():
            edits[who].append(Edit(key, value))
        return Move(
            template=self.template,
            source=self.location,
            choice=choice,
            target=target,
            retry=retry,
            participants=tuple(self.participants),
            tests=tuple(self.tests.items()),
            shared=tuple(self.shared.items()),
            edits=tuple(tuple(e) for e in edits),
            wakes=tuple(self.woken.get(i) for i in range(count)),
            everyone=tuple(self.everyone),
            reports=tuple(self.reports),
        )

    # --- instructions -------------------------------------------------------------------------

    def _perform(self, instr: Instr) -> None:
        match instr:
            case Assign(var=var, expr=expr):
                self.variables[var] = self.evaluate(expr)
            case Store(ref=ref, cls=cls, name=name, expr=expr):
                if name == LIFE:
                    self._allocate(expr)
                else:
                    self._store(self.record(ref, cls), name, self.evaluate(expr))
            case Wake(thread=thread, result=result):
                self._wake(self.evaluate(thread), self.number(self.evaluate(result)))
            case ForEach(var=var, sequence=sequence, body=body):
                self._for_each(var, self.evaluate(sequence), body)
            case CheckAlive() | Reach():
                pass  # that memory is used only while allocated is not claimed here
        return

    def _allocate(self, life: Expr) -> None:
        """A record that is used again is as new."""
        if life != constant(int(Life.ALIVE)):
            return
        for place, value in self.population.as_new(self.location.label):
            self.shared[place] = value

    def _store(self, record: Record | Value, name: str, value: Any) -> None:
        if isinstance(record, Value):
            return  # made with these fields, which never change
        if record.who is not None:
            assert record.own is not None
            self._edit(record.who, ("field", record.own, name), self.stored(value, record.who))
            return
        kind = self.population.type_of(record.number, name)
        place = f"{self.population.instance(record.number).name}.{name}"
        if self.population.refers_to_own(kind):
            self.places[self._role(place, kind)] = value
        elif isinstance(value, Values):
            self.shared[place] = value.length
        else:
            self.shared[place] = self.stored(value, None)

    def _edit(self, who: int, key: Key, value: Term) -> None:
        if who == EACH:
            assert self.each is not None
            self.each.append(Edit(key, value))
        else:
            self.edits[(who, key)] = value

    def _wake(self, thread: Any, result: Term) -> None:
        record = self.known(thread)
        assert record.who is not None
        if record.who == EACH:
            self.each_wakes = result
        elif record.who == 0:
            self.reports.append(WAKES_NOBODY)
            self.broken = True
        else:
            self.woken[record.who] = result

    def _for_each(self, var: Var, sequence: Any, body: Instr | None) -> None:
        if sequence == Several(None):
            return  # nobody is ever in it
        if not isinstance(sequence, Several) or sequence.role is None or sequence.plus:
            raise CannotCountError(f"{self.location.label} has a loop over a sequence of its own")
        inside = self._inside(sequence)
        self.each, self.each_wakes = [], None
        self._body(var, Record(EACH, 0, sequence.role.record), body)
        edits, self.each = tuple(self.each), None
        self.everyone.append(Everyone(sequence.role, edits, self.each_wakes))
        for who in inside:
            self._body(var, Record(who, 0, sequence.role.record), body)

    def _body(self, var: Var, record: Record, body: Instr | None) -> None:
        """Do what a loop does for an element."""
        self.variables[var] = record
        instr = body
        while instr is not None:
            if isinstance(instr, Branch):
                raise CannotCountError(f"{self.location.label} decides one by one whom it changes")
            self._perform(instr)
            instr = instr.next

    # --- the end of a step --------------------------------------------------------------------

    def _leave(self, target: Location) -> None:
        """Keep what is alive at the next location."""
        before = {v: self._place_of(v) for v in self.location.live if self._has_role(v)}
        after = {v: self._place_of(v) for v in target.live if self._has_role(v)}
        for var in sorted(target.live, key=lambda v: (v.routine, v.name)):
            if var in after:
                value = self.variables.get(var, _UNCHANGED)
                if value is not _UNCHANGED:
                    self.places[after[var]] = value
                    if not after[var].many:
                        code = self.stored(value, 0)
                        self.edits[(0, ("local", var))] = code
            elif var in self.population.unbounded and var in self.variables:
                self.shared[self._name_of(var)] = self.number(self.variables[var])
            elif var in self.variables:
                self.edits[(0, ("local", var))] = self.stored(self.variables[var], 0)
        for role in before.values():
            if role not in after.values():
                self.places[role] = Several(None) if role.many else NONE

    def _settle_places(self) -> None:
        """Turn what places refer to now into roles of threads."""
        for role, value in self.places.items():
            if isinstance(value, Several):
                self._settle_many(role, value)
            elif isinstance(value, Held):
                if value.role != role:
                    raise CannotCountError(f"{role.place} is copied from {value.role.place}")
            else:
                self._settle_one(role, value)

    def _settle_many(self, role: Role, value: Several) -> None:
        """A place that refers to several: those who are left out lose the role, others get it."""
        key = ("role", role)
        if value.role != role:
            self.everyone.append(Everyone(role, (Edit(key, 0),)))
            if value.role is not None:
                self.everyone.append(Everyone(value.role, (Edit(key, 1),)))
        for who in range(len(self.participants)):
            self._settle_member(who, role, value)
        self.shared[role.variable] = self.length(value)

    def _settle_member(self, who: int, role: Role, value: Several) -> None:
        """Whether a participant is in the sequence now."""
        if any(r.who == who for r in value.plus):
            self.edits[(who, ("role", role))] = 1
        elif any(r.who == who for r in value.without):
            self.edits[(who, ("role", role))] = 0
        elif value.role != role:
            inside = value.role is not None and self.test_role(who, value.role)
            self.edits[(who, ("role", role))] = int(inside)

    def _settle_one(self, role: Role, value: Any) -> None:
        """A place that refers to at most one: who had the role loses it."""
        key = ("role", role)
        member = value if isinstance(value, Record) and value.who is not None else None
        holders = [w for w in range(len(self.participants)) if self.test_role(w, role)]
        for who in holders:
            self.edits[(who, key)] = 0
        if (role.template is not None or not holders) and not self._nobody_has(role):
            self.everyone.append(Everyone(role, (Edit(key, 0),)))
        if member is not None:
            self._set_role(member, key, 1)
        self.shared[role.variable] = int(member is not None)

    def _set_role(self, record: Record, key: Key, value: int) -> None:
        assert record.who is not None
        self.edits[(record.who, key)] = value


_UNCHANGED: Any = object()
