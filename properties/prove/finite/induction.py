"""k-induction: no run of k steps violates a property, and no longer one can begin to.

Base: bounded search looks at all runs of up to k steps. Step: Z3 is asked for k steps in a row,
from any state whatever whose values are in their domains, all states different, nothing wrong
reported before the last and the last one wrong. If there is no such thing, no run of any length
violates the property, within the scenario's threads and packets. If there is, it need not be
reachable: then k grows.
"""

from __future__ import annotations

import itertools

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field

from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.finite.asking import NoAnswerError
from haiku_tuntap.properties.prove.finite.bounded import BoundedSearch
from haiku_tuntap.properties.prove.finite.conditions import Condition
from haiku_tuntap.properties.prove.finite.encoding import Formula
from haiku_tuntap.properties.prove.finite.judging import Judgements
from haiku_tuntap.properties.prove.finite.unrolling import Unrolling


@define(eq=False)
class Induction:
    """Proves the properties that the base does not refute; `proved` with the k that it took."""

    base: BoundedSearch
    proved: dict[str, int] = Factory(dict)
    sound: bool = False
    depth: int = -1
    limit: str | None = None
    steps: Unrolling = field(init=False)
    judgements: dict[str, Judgements] = field(init=False)
    _good_before: dict[str, Formula] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.steps = Unrolling(self.base.encoding)
        self._require_well_formed()
        self.judgements = {
            p.id: Judgements(p, self.base.model.layout) for p in self.base.properties
        }
        self._good_before = {p.id: self.steps.fresh() for p in self.base.properties}

    def search(self) -> None:
        """Raise k until everything is proved or refuted, or a limit is hit."""
        try:
            while self.open and not self.base.complete:
                self.base.deepen()
                self._step()
        except NoAnswerError as error:
            self.limit = str(error)

    @property
    def open(self) -> list[Property]:
        """The properties that are neither refuted nor proved."""
        return [p for p in self.base.open if not (self.sound and p.id in self.proved)]

    def holds(self, prop: Property) -> bool:
        """Whether the property is proved."""
        return prop.id not in self.base.refuted and (
            self.base.complete or (self.sound and prop.id in self.proved)
        )

    def _step(self) -> None:
        """Ask for the next k whether k steps lead from anywhere over good states to a bad one."""
        k, formulas = self.steps.length, self.base.encoding.formulas
        self.sound = self.sound or not self._can([self.steps.question(self.base.unsound)])
        proved = self._inductive([p for p in self.open if p.id not in self.proved])
        self.proved.update({prop.id: k for prop in proved})
        self.depth = k
        self.steps.require(formulas.negated(self.base.unsound), k)
        for prop in self.open:
            nothing = self.steps.at(formulas.negated(self.base.reported(prop)), k)
            self.steps.solver.add(z3.Implies(self._good_before[prop.id], nothing))
        self.steps.lengthen()
        self._require_well_formed()

    def _require_well_formed(self) -> None:
        for condition in self.base.encoding.well_formed():
            self.steps.require(condition, self.steps.length)

    def _inductive(self, properties: list[Property]) -> list[Property]:
        """Those of the properties to whose violation no k steps lead.

        A run that Z3 finds is looked at for all of them.
        """
        remaining = {prop: self._violation(prop) for prop in properties}
        while remaining and self._can(list(remaining.values())):
            states, _ = self.steps.run()
            for prop in list(remaining):
                if not self._excuses(prop, remaining[prop], states[-1]):
                    del remaining[prop]
        return list(remaining)

    def _violation(self, prop: Property) -> Formula:
        """A name for this: the last state violates the property, as far as is known."""
        formulas = self.base.encoding.formulas
        judgements = self.judgements[prop.id]
        stuck: Condition = False
        if not judgements.says_nothing:
            quiescent = formulas.negated(self.base.encoding.busy)
            stuck = formulas.every(quiescent, self.base.undecided(judgements))
        violation = self.steps.question(formulas.some([self.base.reported(prop), stuck]))
        self.steps.solver.add(z3.Implies(violation, self._good_before[prop.id]))
        return violation

    def _excuses(self, prop: Property, violation: Formula, state: State) -> bool:
        """Whether the property has nothing against the run that Z3 found; learns why not."""
        last = self.steps.length
        if not self.steps.names(violation):
            return True
        if self.steps.holds(self.base.reported(prop), last):
            return False
        judgements = self.judgements[prop.id]
        if not _accepts(judgements, state):
            return False
        formulas = self.base.encoding.formulas
        same = self.base.encoding.agrees(judgements.accepted[-1])
        other = formulas.some([formulas.negated(same), self.base.reported(prop)])
        self.steps.solver.add(z3.Implies(violation, self.steps.at(other, last)))
        return True

    def _can(self, questions: list[Formula]) -> bool:
        """Whether k steps can lead to one of these, all states on the way being different.

        That they are is asked for where Z3 makes two of them equal, and nowhere else.
        """
        some = self.steps.fresh()
        self.steps.solver.add(z3.Implies(some, z3.Or(questions)))
        while self.base.asking.check(self.steps.solver, some):
            states, _ = self.steps.run()
            equal = [
                (first, second)
                for first, second in itertools.combinations(range(len(states)), 2)
                if states[first] == states[second]
            ]
            if not equal:
                return True
            for first, second in equal:
                self.steps.require_difference(first, second)
        return False


def _accepts(judgements: Judgements, state: State) -> bool:
    """Whether a property accepts a state, which perhaps is none that makes any sense."""
    try:
        return judgements.ask(state) is None
    except Exception:  # what a judge does with a state that cannot come about is its own affair
        return False
