"""Whether a measure gets less in every step of the driver's threads: asked of Z3, step by step.

This knows nothing of how the measure was found. For every transition that is not the beginning of
a call it asks for a state in which the invariant holds, the transition can be taken, and the tuple
does not get less; and for every level, for a state in which it is negative. There must be none.

The transitions are those of the induction, with the weights as further places. What a shift does
to the sums of the measure are numbers, so shifts from a class that do the same are one choice.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field, frozen

from haiku_tuntap.properties.prove.counted.classes import Classes, Shift, Transition
from haiku_tuntap.properties.prove.counted.facts import Counted, number, truth
from haiku_tuntap.properties.prove.counted.induction import Claim, Machine, Prover
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.formulas import every, some, total
from haiku_tuntap.properties.prove.ranking.measure import Level, SomebodyAt
from haiku_tuntap.properties.prove.ranking.steps import is_internal


@frozen
class Refutation:
    """A step in which the measure does not get less, or a level that can be negative."""

    reason: str
    rules: Sequence[Rule]
    model: z3.ModelRef


@frozen
class Weighing:
    """A weighted sum of threads and variables: how many of them there are is `before`."""

    name: str
    weights: Mapping[LocalState, int]
    variables: Mapping[str, int]
    before: z3.ArithRef


def _weighing(
    name: str, weights: Mapping[LocalState, int], variables: Mapping[str, int]
) -> Weighing:
    return Weighing(name, weights, variables, z3.Int(name))


@define(eq=False)
class Checker:
    """Checks one measure for what was proved inductive."""

    proof: Proof
    claims: Sequence[Claim]
    levels: Sequence[Level]
    tell: Callable[[str, int, int], None]
    queries: int = 0
    undetermined: list[str] = Factory(list)
    machine: Machine = field(init=False)
    weighings: list[Weighing] = field(init=False)
    _sums: list[Weighing] = field(init=False)
    _crowds: dict[SomebodyAt, Weighing] = field(init=False)

    def __attrs_post_init__(self) -> None:
        counted = copy.copy(self.proof.counted)
        counted.places, counted.texts = dict(counted.places), list(counted.texts)
        self._sums = [
            _weighing(f"level {at}", level.weights, level.variables)
            for at, level in enumerate(self.levels, start=1)
        ]
        self._crowds = {
            level.condition: _weighing(
                f"crowd of level {at}", dict.fromkeys(level.condition.states, 1), {}
            )
            for at, level in enumerate(self.levels, start=1)
            if isinstance(level.condition, SomebodyAt)
        }
        self.weighings = [*self._sums, *self._crowds.values()]
        for weighing in self.weighings:
            for weight in set(weighing.weights.values()):
                states = frozenset(s for s, w in weighing.weights.items() if w == weight)
                counted.counting(states, f"weight {weight}")
        classes = Classes(counted.space, self._places(counted))
        self.machine = Machine(counted, classes, self.proof.machine.in_turn)

    def _places(self, counted: Counted) -> list[frozenset[LocalState]]:
        """The places that the invariant or the measure looks at; the others count nobody."""
        looked_at = set().union(*(c.variables for c in self.claims))
        known = len(self.proof.counted.places)
        return [
            states if index >= known or f"#{index}" in looked_at else frozenset()
            for states, index in counted.places.items()
        ]

    def run(self) -> list[Refutation]:
        """Check everything; what refutes the measure."""
        prover = Prover(self.machine, self.claims)
        prover.solver.add(*(w.before == self._total(w) for w in self.weighings))
        found = self._negative(prover)
        transitions = self.machine.classes.transitions
        for done, (transition, rules) in enumerate(transitions.items()):
            self.tell("measure", done, len(transitions))
            if any(is_internal(rule) for rule in rules):
                model = self._exception(prover, transition)
                if model is not None:
                    found.append(Refutation("the measure does not get less", rules, model))
        self.queries = prover.queries
        self.undetermined = prover.undetermined
        return found

    def _exception(self, prover: Prover, transition: Transition) -> z3.ModelRef | None:
        """A state in which the measure does not get less, if there is one.

        Mostly there is none even if participants could come from anywhere, which is asked first,
        because it is a much smaller question.
        """
        if not prover.is_possible(Taken(self, transition, exact=False).does_not_get_less()):
            return None
        return prover.find(Taken(self, transition, exact=True).does_not_get_less())

    def _negative(self, prover: Prover) -> list[Refutation]:
        found = []
        for at, level in enumerate(self.levels, start=1):
            model = prover.find(self.value(level, {}, {}) < 0)
            if model is not None:
                found.append(Refutation(f"level {at} can be negative", (), model))
        return found

    def _total(self, weighing: Weighing) -> z3.ArithRef:
        parts = []
        for size, members in zip(self.machine.sizes, self.machine.classes.members, strict=True):
            weight = weighing.weights.get(members[0], 0)
            if weight:
                parts.append(weight * size)
        parts += [factor * z3.Int(name) for name, factor in weighing.variables.items()]
        return total(parts)

    def value(
        self,
        level: Level,
        rises: Mapping[str, z3.ArithRef],
        stored: Mapping[str, z3.ArithRef],
    ) -> z3.ArithRef:
        """A level after the sums have risen by `rises` and variables were stored."""

        def now(weighing: Weighing) -> z3.ArithRef:
            return weighing.before + rises.get(weighing.name, 0)

        summed = now(self._sums[self.levels.index(level)])
        if level.condition is None:
            return summed
        if isinstance(level.condition, SomebodyAt):
            return z3.If(now(self._crowds[level.condition]) > 0, summed, 0)
        substitution = [(z3.Int(name), value) for name, value in stored.items()]
        return z3.If(z3.substitute(level.condition.formula(), *substitution), summed, 0)


@define(eq=False)
class Taken:
    """A transition that is taken: each participant's shift is chosen by a variable.

    Unless it is `exact`, participants, and who is swept along, need not be anywhere before.
    """

    checker: Checker
    transition: Transition
    exact: bool
    guard: list[z3.BoolRef] = Factory(list)
    leaving: dict[int, list[z3.ArithRef]] = Factory(dict)
    rises: dict[str, list[z3.ArithRef]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        sizes = self.checker.machine.sizes
        self.guard += [truth(t) if yes else z3.Not(truth(t)) for t, yes in self.transition.guard]
        for who, shifts in enumerate(self.transition.sides):
            self._choose(who, shifts)
        if self.exact:
            self.guard += [sizes[c] >= total(picks) for c, picks in self.leaving.items()]
        self._sweep()
        for name, term in self.transition.shared:
            rise = number(term) - z3.Int(name)
            self._rise(tuple(w.variables.get(name, 0) for w in self.checker.weighings), rise)

    def does_not_get_less(self) -> z3.BoolRef:
        """The transition can be taken, and no level gets less with none before it getting more."""
        checker = self.checker
        rises = {name: total(parts) for name, parts in self.rises.items()}
        stored = {name: number(term) for name, term in self.transition.shared}
        ways: list[z3.BoolRef] = []
        so_far: list[z3.BoolRef] = []
        for level in checker.levels:
            before, after = checker.value(level, {}, {}), checker.value(level, rises, stored)
            ways.append(every([*so_far, after < before]))
            so_far.append(after <= before)
        return every([*self.guard, z3.Not(some(ways))])

    def _choose(self, who: int, shifts: Sequence[Shift]) -> None:
        """One participant makes one shift; from a class, those that weigh the same are alike."""
        choices = dict.fromkeys(
            (shift[0] if self.exact else 0, self._weight(shift)) for shift in shifts
        )
        picks = []
        for at, (before, weights) in enumerate(choices):
            pick = z3.Int(f"participant {who} choice {at}")
            picks.append(pick)
            self.leaving.setdefault(before, []).append(pick)
            self._rise(weights, pick)
        self.guard += [pick >= 0 for pick in picks]
        self.guard.append(total(picks) == 1)

    def _sweep(self) -> None:
        """All others who have the role make their shift."""
        for before, after in self.transition.swept:
            weights = self._weight((before, after))
            if not any(weights):
                continue
            if self.exact:
                taking_part = total(self.leaving.get(before, []))
                others = self.checker.machine.sizes[before] - taking_part
            else:
                others = z3.Int(f"swept {before} {after}")
                self.guard.append(others >= 0)
            self._rise(weights, others)

    def _weight(self, shift: Shift) -> tuple[int, ...]:
        """By how much one thread that makes the shift raises each sum."""
        before, after = (self.checker.machine.classes.members[c][0] for c in shift)
        return tuple(
            w.weights.get(after, 0) - w.weights.get(before, 0) for w in self.checker.weighings
        )

    def _rise(self, weights: tuple[int, ...], often: z3.ArithRef) -> None:
        for weighing, weight in zip(self.checker.weighings, weights, strict=True):
            if weight:
                self.rises.setdefault(weighing.name, []).append(weight * often)
