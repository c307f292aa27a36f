"""Counterexamples as Z3 finds them, made into states that people can read.

A model gives a number for each class of threads and each shared variable. A class is shown by one
of its members: for whoever takes part in the step one that can, else the first. Of all models one
with few threads and small numbers is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import define, frozen

from haiku_tuntap.model.language.graph import Location, LocationKind, ValueType
from haiku_tuntap.model.language.invariants import RECORD_FACTS
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.prove.counted.facts import truth
from haiku_tuntap.properties.prove.counted.induction import Change, Claim, Failure
from haiku_tuntap.properties.prove.counted.judging import complaints
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.positions import Named
from haiku_tuntap.properties.prove.counted.proof import Counterexample, Proof
from haiku_tuntap.properties.prove.counted.terms import Term
from haiku_tuntap.properties.prove.monitors import MONITOR_FACTS
from haiku_tuntap.properties.prove.outcome import (
    BrokenFact,
    BrokenStep,
    Crowd,
    ForbiddenState,
    StateShown,
    Step,
    Variable,
)
from haiku_tuntap.properties.prove.written import (
    FieldOf,
    Leaf,
    LocalOf,
    Written,
    text_of,
    without_value,
)
from haiku_tuntap.properties.report.words import without_device
from haiku_tuntap.properties.trace import HIDDEN_FIELDS, innermost, place

SMALL = (1, 2, 3, 4, 6, 9, 16)  # how many threads, and how large numbers, are tried first
PATIENCE = 2_000  # milliseconds for one of these


@define(eq=False)
class Storyteller:
    """Shows what came of one proof."""

    proof: Proof

    # --- what is shown ------------------------------------------------------------------------

    def at_first(self) -> Iterator[BrokenFact]:
        """The facts that are not true of every initial state."""
        one = self.proof.theorem.build(self.proof.driver).one
        initial = self.proof.machine.initial(one)
        for claim in self.proof.initial_failures:
            model = self._smallest([*initial, z3.Not(claim.formula)], None)
            if model is not None:
                yield self._fact(claim, Snapshot(self.proof, model, None))

    def broken(self) -> Iterator[BrokenStep]:
        """A step for each fact that some step breaks; one step may break several."""
        shown: set[str] = set()
        for failure in self.proof.failures:
            if failure.claim.name not in shown:
                step = self._broken(failure)
                shown |= {fact.name for fact in step.facts}
                yield step

    def forbidden(self) -> Iterator[ForbiddenState]:
        """The states of the invariant that properties forbid."""
        for found in self.proof.counterexamples:
            forbidden = found.forbidden
            model = self._smallest([*self._invariant(), forbidden.formula], found.model)
            snapshot = Snapshot(self.proof, model, forbidden.change)
            step = snapshot.step() if forbidden.change else None
            states = snapshot.shown(_names(forbidden.formula), every=True)
            yield ForbiddenState(forbidden.prop.id, self._reason(found, snapshot), states, step)

    # --- how ----------------------------------------------------------------------------------

    def _invariant(self) -> list[z3.BoolRef]:
        return [claim.formula for claim in self.proof.claims]

    def _smallest(self, facts: list[z3.BoolRef], model: z3.ModelRef | None) -> Any:
        """A model of the facts with few threads and no negative numbers; else the given one."""
        machine = self.proof.machine
        solver = z3.SolverFor("QF_LIA")
        solver.set("timeout", PATIENCE)
        solver.set("ctrl_c", False)  # Python hears it
        solver.add(*machine.background(), *facts)
        numbers = [z3.Int(name) for name in Names(self.proof).of_numbers]
        for bound in SMALL:
            small = [z3.And(number >= 0, number <= bound) for number in numbers]
            if solver.check(z3.Sum(machine.sizes) <= bound, *small) == z3.sat:
                return solver.model()
        return model

    def _broken(self, failure: Failure) -> BrokenStep:
        change = failure.change
        later = Snapshot.later(failure.claim.formula, change)
        facts = [*self._invariant(), *change.guard, z3.Not(later)]
        snapshot = Snapshot(self.proof, self._smallest(facts, failure.model), change)
        claims = [c for c in self.proof.claims if not snapshot.is_true_later(c.formula)]
        names = {name for claim in claims for name in claim.variables}
        return BrokenStep(
            tuple(self._fact(claim, snapshot) for claim in claims),
            snapshot.step(),
            snapshot.shown(names, every=False),
        )

    def _fact(self, claim: Claim, snapshot: Snapshot) -> BrokenFact:
        why = self.proof.why[claim.name]
        name = without_device(claim.name)
        asked = self._asked.get(claim.name)
        if asked is None:
            return BrokenFact(name, why, None, None)
        system = self.proof.counted.space.population.layout.system
        formula, before, after = (
            text_of(asked(Written(system, show)))
            for show in (None, snapshot.number_before, snapshot.number_after)
        )
        if snapshot.change is None:
            return BrokenFact(name, why, formula, before)
        return BrokenFact(name, why, formula, after, before)

    @cached_property
    def _asked(self) -> dict[str, Callable[[Any], Any]]:
        """What gives the formula of a claim, by its name."""
        asked: dict[str, Callable[[Any], Any]] = {
            c.name: c.holds for c in (*self.proof.driver.invariants.values(), *MONITOR_FACTS)
        }
        for instance in self.proof.counted.space.population.layout.instances.all:
            for fact in RECORD_FACTS:
                if isinstance(instance.object, fact.cls):
                    asked[f"{fact.name} ({instance.name})"] = _of_record(
                        fact.holds, instance.object
                    )
        return asked

    def _reason(self, found: Counterexample, snapshot: Snapshot) -> str:
        """What the property says of one of the threads that are there."""
        forbidden, space = found.forbidden, self.proof.counted.space
        if forbidden.change is None:
            for state in snapshot.members():
                for complaint in complaints(space, forbidden.prop, state):
                    if all(snapshot.answers(term) is yes for term, yes in complaint.condition):
                        return complaint.reason
        return forbidden.reason


def _of_record(holds: Callable[[Any, Any], Any], record: Any) -> Callable[[Any], Any]:
    return lambda state: holds(state, Named(state, record))


@define(eq=False)
class Names:
    """The shared variables of a proof, by the names that Z3 has for them."""

    proof: Proof

    @cached_property
    def types(self) -> dict[str, ValueType]:
        population = self.proof.counted.space.population
        return {
            f"{population.instance(number).name}.{name}": population.type_of(number, name)
            for number, name in population.layout.slots
            if number not in population.own
        }

    @property
    def of_numbers(self) -> list[str]:
        """Those that count something."""
        return [name for name, kind in self.types.items() if kind.name in ("int", "seq")]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Those that say nothing to a reader who did not ask for them."""
        population = self.proof.counted.space.population
        monitors = {id(monitor) for monitor in population.layout.system.monitors}
        return frozenset(
            f"{population.instance(number).name}.{name}"
            for number, name in population.layout.slots
            if name in HIDDEN_FIELDS or id(population.instance(number).object) in monitors
        )

    def value(self, name: str, value: int) -> str:
        """A value as a reader knows it."""
        kind = self.types.get(name)
        if kind is None or kind.name not in ("ref", "any", "status", "bool"):
            return str(value)
        if kind.name == "status":
            return Status(value).name
        if kind.name == "bool":
            return str(bool(value)).lower()
        if value > 0 and not self.proof.counted.space.population.refers_to_own(kind):
            return self.proof.counted.space.population.instance(value).name
        return "a thread's" if value else "none"


@frozen
class Shifted:
    """A participant of a step: a local state before and after it."""

    before: LocalState
    after: LocalState


@define(eq=False)
class Snapshot:
    """A model: a state, and if there is a `change`, that after it."""

    proof: Proof
    model: z3.ModelRef
    change: Change | None

    @staticmethod
    def later(formula: z3.ExprRef, change: Change) -> z3.ExprRef:
        """A formula as it reads after a change."""
        return z3.substitute(formula, *((z3.Int(n), value) for n, value in change.after.items()))

    # --- numbers ------------------------------------------------------------------------------

    def number(self, expression: Any, *, after: bool = False) -> int:
        if isinstance(expression, int):
            return int(expression)
        if after and self.change is not None:
            expression = self.later(expression, self.change)
        found = self.model.eval(expression, model_completion=True)
        return int(found.as_long())

    def is_true_later(self, formula: z3.BoolRef) -> bool:
        assert self.change is not None
        later = self.later(formula, self.change)
        return bool(z3.is_true(self.model.eval(later, model_completion=True)))

    def answers(self, term: Term) -> bool:
        """Whether a term over shared variables is true in the state before."""
        return bool(z3.is_true(self.model.eval(truth(term), model_completion=True)))

    def number_before(self, leaf: Leaf) -> str:
        return self._leaf(leaf, after=False)

    def number_after(self, leaf: Leaf) -> str:
        return self._leaf(leaf, after=True)

    def _leaf(self, leaf: Leaf, *, after: bool) -> str:
        counted = self.proof.counted
        if isinstance(leaf, LocalOf):
            return str(self.number(counted.kept(leaf.thread, leaf.name), after=after))
        if not isinstance(leaf, FieldOf):
            return str(self.number(counted.count(leaf), after=after))
        found = counted.read(leaf.record, leaf.name)
        if isinstance(found, Named):
            return str(found)
        name = f"{counted.name_of(leaf.record)}.{leaf.name}"
        return Names(self.proof).value(name, self.number(found, after=after))

    # --- the step -----------------------------------------------------------------------------

    def step(self) -> Step:
        """What the thread that moves does."""
        assert self.change is not None
        move = self.change.rules[0].move
        here = move.source
        action = here.label
        if here.kind is LocationKind.RESUMED:
            action = f"goes on after {here.label}"
        if len(here.steps) > 1:
            action = f"{here.label.rstrip('?')}: {move.choice}"
        thread = self.proof.counted.space.templates[move.template].name
        where = here.stack[-1].where if here.stack else None
        return Step(thread, without_device(action), where, place(innermost(here.stack)))

    def _participants(self) -> list[Shifted]:
        """Who takes part in the step, with a member of the class in which it then is."""
        assert self.change is not None
        of, rule = self.proof.machine.classes.of, self.change.rules[0]
        found = []
        for who, shifts in enumerate(self.change.transition.sides):
            chosen = next(
                shift
                for i, shift in enumerate(shifts)
                if self.number(z3.Int(f"participant {who} shift {i}")) > 0
            )
            found.append(
                next(
                    Shifted(before, after)
                    for before, afters in rule.pairs[who].items()
                    for after in afters or (before,)
                    if (of[before], of[after]) == chosen
                )
            )
        return found

    # --- states -------------------------------------------------------------------------------

    def members(self) -> Iterator[LocalState]:
        """A member of each class in which there are threads, those inside calls first."""
        machine = self.proof.machine
        found = [
            self._example(index)
            for index, size in enumerate(machine.sizes)
            if self.number(size) > 0
        ]
        yield from sorted(found, key=lambda state: not self._location(state).pending)

    def shown(self, names: Iterable[str], *, every: bool) -> StateShown:
        """The state, or both: what differs, and what these variables are about.

        `every` shows all threads inside calls, and all variables that are not 0.
        """
        wanted = set(names)
        rest = {i: self.number(size) for i, size in enumerate(self.proof.machine.sizes)}
        crowds: list[Crowd] = []
        if self.change is not None:
            crowds += self._moving(rest)
        elsewhere = 0
        for index, number in rest.items():
            state = self._example(index)
            if number and self._matters(index, state, wanted, every=every):
                crowds.append(Crowd(number, self._kind(state), self._stands(state)))
            else:
                elsewhere += number
        return StateShown(tuple(crowds), tuple(self._variables(wanted, every=every)), elsewhere)

    def _moving(self, rest: dict[int, int]) -> Iterator[Crowd]:
        """Who changes in the step; taken from the rest."""
        assert self.change is not None
        classes = self.proof.machine.classes
        for shifted in self._participants():
            rest[classes.of[shifted.before]] -= 1
            before, after = self._stands(shifted.before), self._stands(shifted.after)
            changed = [*([] if after == before else [after]), *self._fields(shifted)]
            later = "; ".join(changed) or None
            if self.change.transition.ends:
                later = self.change.transition.reports[0].text
            yield Crowd(1, self._kind(shifted.before), before, later)
        for before_class, after_class in self.change.transition.swept:
            if rest[before_class]:
                state = self._example(before_class)
                after = self._stands(self._example(after_class, like=state))
                yield Crowd(rest[before_class], self._kind(state), self._stands(state), after)
                rest[before_class] = 0

    def _fields(self, shifted: Shifted) -> Iterator[str]:
        """What the step changes in a participant's own records."""
        template = self.proof.counted.space.templates[shifted.before.template]
        for key, at in template.fields.items():
            before, after = shifted.before.fields[at], shifted.after.fields[at]
            if before != after and key[2] not in HIDDEN_FIELDS:
                name = without_value(f"{key[1]}.{key[2]}")
                yield f"{name}: {before} → {after}"

    def _matters(self, index: int, state: LocalState, wanted: set[str], *, every: bool) -> bool:
        if every:
            return self._location(state).pending
        return any(f"#{place}" in wanted for place in self.proof.machine.inside[index])

    def _variables(self, wanted: set[str], *, every: bool) -> Iterator[Variable]:
        names = Names(self.proof)
        guard = set().union(*(_names(fact) for fact in self.change.guard)) if self.change else set()
        for name in names.types:
            before, after = self.number(z3.Int(name)), self.number(z3.Int(name), after=True)
            differs, asked = before != after, name in wanted
            notable = differs or name in guard or (every and before != 0)
            if asked or (notable and name not in names.hidden):
                yield Variable(
                    without_value(without_device(name)),
                    names.value(name, before),
                    names.value(name, after) if differs else None,
                )

    def _example(self, index: int, like: LocalState | None = None) -> LocalState:
        members = self.proof.machine.classes.members[index]
        alike = [m for m in members if like is not None and m.template == like.template]
        pending = [m for m in members if self._location(m).pending]
        return (alike or pending or members)[0]

    def _location(self, state: LocalState) -> Location:
        return self.proof.counted.space.templates[state.template].location(state)

    def _kind(self, state: LocalState) -> str:
        return self.proof.counted.space.templates[state.template].name

    def _stands(self, state: LocalState) -> str:
        """Where a thread stands, what it holds, and where it is listed."""
        location = self._location(state)
        said = [_doing(location, state)]
        for role in sorted(state.roles, key=lambda role: role.place):
            place = without_device(role.place)
            record, _, field = place.rpartition(".")
            if role.template is not None:
                said.append(f"meant by {place}")
            elif field == "owner":
                said.append(f"holds {record}")
            elif field != "waiters":
                said.append(f"listed in {place}")
        return ", ".join(said)


def _doing(location: Location, state: LocalState) -> str:
    label = without_device(location.label)
    if location.kind is LocationKind.BLOCKED:
        return f"asleep in {label}"
    if location.kind is LocationKind.RESUMED:
        given = f" with {Status(state.woken).name}" if label.startswith("acquire") else ""
        return f"woken in {label}{given}"
    return f"about to {label}" if location.kind is not LocationKind.DONE else label


def _names(expression: z3.ExprRef) -> set[str]:
    """The variables of a formula."""
    found, pending = set(), [expression]
    while pending:
        e = pending.pop()
        if z3.is_const(e) and e.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.add(e.decl().name())
        pending.extend(e.children())
    return found
