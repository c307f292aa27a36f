"""The proof of a theorem about a driver: build the counted form, and check each obligation.

1. The invariant holds in every initial state.
2. Every transition keeps it: each conjunct, of the driver's invariant, of the kernel's primitives,
   and of the bookkeeping that ties the counted form to the step graph.
3. It excludes what the properties forbid: quiescent states of which a judge complains, and steps
   that break a rule.
4. It is not vacuous: there are quiescent states with sleeping threads in it, every step of the
   drivers' code can be taken in some state of it, and, where all is proved, no conjunct can be left
   out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.language.invariants import RECORD_FACTS
from haiku_tuntap.model.language.system import System
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.classes import Classes
from haiku_tuntap.properties.prove.counted.facts import CAN_STEP, Counted, truth
from haiku_tuntap.properties.prove.counted.induction import (
    Change,
    Claim,
    Failure,
    Machine,
    Obligation,
    Prover,
    claim,
)
from haiku_tuntap.properties.prove.counted.judging import Condition, complaints
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.population import population_of
from haiku_tuntap.properties.prove.counted.positions import Named
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.formulas import every
from haiku_tuntap.properties.prove.monitors import MONITOR_FACTS
from haiku_tuntap.properties.prove.names import require_known_names
from haiku_tuntap.properties.prove.theorems import Theorem


@frozen
class Forbidden:
    """States that a property forbids: a formula, and what its judge says of them."""

    prop: Property
    reason: str
    formula: z3.BoolRef
    change: Change | None = None


@frozen
class Counterexample:
    """A state of the invariant that a property forbids."""

    forbidden: Forbidden
    model: z3.ModelRef


@define(eq=False)
class Proof:
    """What came of it. It is a proof if `holds`; else the failures say what is missing."""

    driver: Driver
    theorem: Theorem
    counted: Counted
    machine: Machine
    claims: list[Claim]
    why: dict[str, str]
    seconds: float = 0.0
    queries: int = 0
    initial_failures: list[Claim] = Factory(list)
    failures: list[Failure] = Factory(list)
    counterexamples: list[Counterexample] = Factory(list)
    undetermined: list[str] = Factory(list)
    confused: list[str] = Factory(list)
    needless: list[str] = Factory(list)
    dead: list[str] = Factory(list)
    vacuous: bool = True

    @property
    def inductive(self) -> bool:
        """Whether the invariant holds always."""
        return not (self.initial_failures or self.failures or self.undetermined or self.confused)

    def proves(self, prop: Property) -> bool:
        """Whether the property is proved."""
        refuted = any(c.forbidden.prop is prop for c in self.counterexamples)
        return self.inductive and not self.vacuous and not refuted


def system_space(
    system: System,
    one: frozenset[str] = frozenset(),
    tell: Callable[[int], None] = lambda count: None,
) -> Space:
    """The local states and rules of a system of templates; `tell` hears how many states so far."""
    return Space(population_of(system, one), tell=tell)


@define(eq=False)
class Attempt:
    """One try to prove a theorem."""

    driver: Driver
    theorem: Theorem
    tell: Callable[[str, int, int], None] = lambda what, done, of: None
    counted: Counted = field(init=False)
    one: frozenset[str] = field(init=False)
    turns: frozenset[str] = field(init=False)
    claims: list[Claim] = field(init=False)
    forbidden: list[Forbidden] = field(init=False)
    situation: z3.BoolRef = field(init=False)
    why: dict[str, str] = Factory(dict)
    declared: list[str] = Factory(list)

    def prepare(self, more: Callable[[Counted], Iterable[Claim]] = lambda counted: ()) -> None:
        """Build the counted form, and say what is claimed of it and what is forbidden."""
        built = self.theorem.build(self.driver)
        self.one, self.turns = built.one, built.in_turn
        self.tell("local states", 0, 1)
        space = system_space(
            built.system,
            built.single,
            lambda count: self.tell(f"{count:,} local states", 0, 1),
        )
        self.counted = Counted(space)
        self.claims = [*self._claims(), *more(self.counted)]
        self.forbidden = [f for p in self.theorem.properties for f in self._forbidden_states(p)]
        self.situation = self._situation()
        for record in self.counted.space.population.all_recycled():
            self.counted.used(record)

    def machine(self) -> Machine:
        """The transitions, as far as the claims can tell them apart."""
        self.tell("classes", 0, 1)
        classes = Classes(self.counted.space, list(self.counted.places))
        return Machine(self.counted, classes, self.turns)

    def run(self) -> Proof:
        """Try to prove the theorem."""
        began = time.perf_counter()
        self.prepare()
        require_known_names(self.driver, self.theorem, self.counted.space.population)
        machine = self.machine()
        proof = Proof(self.driver, self.theorem, self.counted, machine, self.claims, self.why)
        prover = Prover(machine, self.claims, lambda done, of: self.tell("transitions", done, of))
        proof.initial_failures = prover.initial_failures(self.one)
        prover.run()
        proof.failures = prover.failures
        steps = [f for p in self.theorem.properties for f in forbidden_steps(p, machine)]
        for one in (*self.forbidden, *steps):
            model = prover.discharge(Obligation(one.formula))
            if model is not None:
                proof.counterexamples.append(Counterexample(one, model))
        proof.confused = list(self._confused(machine, prover))
        proof.vacuous = not prover.is_possible(self.situation)
        if proof.inductive:
            self.tell("what the invariant needs", 0, 1)
            if all(map(proof.proves, self.theorem.properties)):  # else it may be for what is not
                proof.needless = prover.needless(self.declared)
            proof.dead = list(self._dead(machine, prover))
        proof.undetermined = prover.undetermined
        proof.queries, proof.seconds = prover.queries, time.perf_counter() - began
        return proof

    def _confused(self, machine: Machine, prover: Prover) -> Iterator[str]:
        """Records that are allocated while the one before, which is the same here, is in use."""
        for change in machine.changes:
            label = change.rules[0].move.source.label
            record = self.counted.space.population.recycled(label)
            if record is not None:
                used = self.counted.used(record)
                if prover.discharge(Obligation(z3.And(*change.guard, used))) is not None:
                    yield f"a {record.name} may be made while the one before is still in use"

    def _dead(self, machine: Machine, prover: Prover) -> Iterator[str]:
        """The places in which no thread can ever be.

        Whether anybody can be in a class is asked until every place is in one in which somebody can
        be: first of the classes that are in many places.
        """
        places = [{(s.template, s.place) for s in members} for members in machine.classes.members]
        alive: set[tuple[int, int]] = set()
        for there, size in sorted(zip(places, machine.sizes, strict=True), key=_most_places):
            if not there <= alive and prover.is_possible(size > 0):
                alive |= there
        for template in self.counted.space.templates:
            for location in template.graph.locations:
                if location.steps and (template.index, location.number) not in alive:
                    yield f"{template.name}: {location.label}"

    # --- what is claimed ----------------------------------------------------------------------

    def _claims(self) -> list[Claim]:
        counted = self.counted
        basic = [*counted.bookkeeping(), *counted.domains(), *counted.only_one(self.one)]
        if self.turns:
            basic.append(("one call at a time is made in turn", counted.in_turn(self.turns) <= 1))
        made = [claim(name, formula) for name, formula in basic]
        for c in made:
            self.why[c.name] = "It follows from how threads are counted."
        made += self._record_facts()
        for conjunct in (*self.driver.invariants.values(), *MONITOR_FACTS):
            if self.theorem.has(conjunct):
                self.why[conjunct.name] = conjunct.why
                if self.theorem.id in conjunct.theorems and not conjunct.for_progress:
                    self.declared.append(conjunct.name)
                made.append(claim(conjunct.name, conjunct.holds(self.counted)))
        return made

    def _record_facts(self) -> list[Claim]:
        made = []
        population = self.counted.space.population
        for instance in population.layout.instances.all:
            if instance.number in population.own:
                continue
            if population.canonical[instance.number] is not instance:
                continue
            for fact in RECORD_FACTS:
                if isinstance(instance.object, fact.cls):
                    record = Named(self.counted, instance.object)
                    name = f"{fact.name} ({instance.name})"
                    self.why[name] = fact.why
                    made.append(claim(name, fact.holds(self.counted, record)))
        return made

    # --- what is forbidden --------------------------------------------------------------------

    def _forbidden_states(self, prop: Property) -> list[Forbidden]:
        space, counted = self.counted.space, self.counted
        found: dict[Condition, list[LocalState]] = {}
        reasons: dict[Condition, str] = {}
        for state in space.states:
            location = space.templates[state.template].location(state)
            if location.kind not in CAN_STEP:
                for complaint in complaints(space, prop, state):
                    found.setdefault(complaint.condition, []).append(state)
                    reasons.setdefault(complaint.condition, complaint.reason)
        busy = counted.busy()
        made = []
        for condition, states in found.items():
            number = counted.counting(frozenset(states), f"{prop.id}: {reasons[condition]}")
            formula = z3.And(busy == 0, number > 0, _condition(condition))
            made.append(Forbidden(prop, reasons[condition], formula))
        for complaint in complaints(space, prop, None):
            formula = z3.And(busy == 0, _condition(complaint.condition))
            made.append(Forbidden(prop, complaint.reason, formula))
        return made

    def _situation(self) -> z3.BoolRef:
        """What the theorem is about: it would be vacuous if that could not be."""
        if self.theorem.situation is not None:
            return self.counted.count(self.theorem.situation) > 0
        space = self.counted.space
        asleep = frozenset(
            s
            for s in space.states
            if space.templates[s.template].location(s).kind is LocationKind.BLOCKED
        )
        return z3.And(self.counted.busy() == 0, self.counted.counting(asleep, "asleep") > 0)


def _most_places(a_class: tuple[set[tuple[int, int]], z3.ArithRef]) -> int:
    return -len(a_class[0])


def _condition(condition: Condition) -> z3.BoolRef:
    return every([truth(t) if yes else z3.Not(truth(t)) for t, yes in condition])


def forbidden_steps(prop: Property, machine: Machine) -> Sequence[Forbidden]:
    """The transitions that a property forbids."""
    return [
        Forbidden(prop, report.text, every(change.guard), change)
        for change in machine.changes
        for report in change.transition.reports
        if report.code in prop.codes
    ]


def prove(
    driver: Driver, theorem: Theorem, tell: Callable[[str, int, int], None] | None = None
) -> Proof:
    """Try to prove a theorem about a driver.

    `tell` hears what is done, how much of it, and of how much. Raises LanguageError for a text
    outside the language, InputError for a name in the invariant that there is not, and
    CannotCountError where integers cannot stand for the system.
    """
    attempt = Attempt(driver, theorem) if tell is None else Attempt(driver, theorem, tell)
    return attempt.run()
