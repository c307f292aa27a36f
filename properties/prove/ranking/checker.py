"""Whether a measure gets less in every step of the driver's threads: asked of Z3, step by step.

This knows nothing of how the measure was found. For every transition that is not the beginning of
a call it asks for a state in which the invariant holds, the transition can be taken, and the tuple
does not get less; and for every level, for a state in which it is negative. There must be none.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field, frozen

from haiku_tuntap.properties.prove.counted.classes import Classes
from haiku_tuntap.properties.prove.counted.facts import Counted
from haiku_tuntap.properties.prove.counted.induction import Change, Machine, Prover
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.steps import is_internal


@frozen
class Refutation:
    """A step in which the measure does not get less, or a level that can be negative."""

    reason: str
    change: Change | None
    model: z3.ModelRef


@define(eq=False)
class Checker:
    """Checks one measure for what was proved inductive."""

    proof: Proof
    levels: Sequence[Level]
    tell: Callable[[str, int, int], None]
    queries: int = 0
    undetermined: list[str] = Factory(list)
    machine: Machine = field(init=False)
    values: list[z3.ArithRef] = field(init=False)

    def __attrs_post_init__(self) -> None:
        counted = self._own_copy()
        self.values = [level.value(counted) for level in self.levels]
        classes = Classes(counted.space, self._places(counted))
        self.machine = Machine(counted, classes)

    def _own_copy(self) -> Counted:
        """The counted form of the proof, to which places can be added."""
        counted = copy.copy(self.proof.counted)
        counted.places, counted.texts = dict(counted.places), list(counted.texts)
        return counted

    def _places(self, counted: Counted) -> list[frozenset]:  # type: ignore[type-arg]  # below
        """The places that the invariant or the measure looks at; the others count nobody."""
        looked_at = set().union(*(c.variables for c in self.proof.claims))
        known = len(self.proof.counted.places)
        return [
            states if index >= known or f"#{index}" in looked_at else frozenset()
            for states, index in counted.places.items()
        ]

    def run(self) -> list[Refutation]:
        """Check everything; what refutes the measure."""
        prover = Prover(self.machine, self.proof.claims)
        found = list(self._negative(prover))
        changes = self._internal_changes()
        for done, change in enumerate(changes):
            self.tell("ranking checked", done, len(changes))
            model = prover.find(z3.And(*change.guard, z3.Not(self._gets_less(change))))
            if model is not None:
                found.append(Refutation("the measure does not get less", change, model))
        self.queries = prover.queries
        self.undetermined = prover.undetermined
        return found

    def _negative(self, prover: Prover) -> list[Refutation]:
        found = []
        for number, value in enumerate(self.values, start=1):
            model = prover.find(value < 0)
            if model is not None:
                found.append(Refutation(f"level {number} can be negative", None, model))
        return found

    def _internal_changes(self) -> list[Change]:
        """All transitions that threads make by themselves, those without any effect included."""
        return [
            self.machine.change(transition, rules)
            for transition, rules in self.machine.classes.transitions.items()
            if any(is_internal(rule) for rule in rules)
        ]

    def _gets_less(self, change: Change) -> z3.BoolRef:
        """One level gets less, and none before it more."""
        substitution = [(z3.Int(name), value) for name, value in change.after.items()]
        ways, so_far = [], []
        for before in self.values:
            after = z3.substitute(before, *substitution)
            ways.append(z3.And(*so_far, after < before))
            so_far.append(after <= before)
        return z3.Or(ways)
