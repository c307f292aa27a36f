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
from haiku_tuntap.properties.explore.search import POOL_EXHAUSTED
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
        k = self.steps.length
        self.sound = self.sound or not self._can(self._unsound)
        for prop in self.open:
            if prop.id not in self.proved and self._is_inductive(prop):
                self.proved[prop.id] = k
        self.depth = k
        good = self.base.encoding.formulas.negated
        self.steps.require(good(self._unsound), k)
        for prop in self.open:
            nothing = self.steps.at(good(self.base.reported(prop)), k)
            self.steps.solver.add(z3.Implies(self._good_before[prop.id], nothing))
        self.steps.lengthen()
        self._require_well_formed()

    @property
    def _unsound(self) -> Condition:
        """That the translation, or a pool of the scenario, does not reach further."""
        encoding = self.base.encoding
        exhausted = encoding.reports.get(POOL_EXHAUSTED, False)
        return encoding.formulas.some([encoding.misfit, exhausted])

    def _require_well_formed(self) -> None:
        for condition in self.base.encoding.well_formed():
            self.steps.require(condition, self.steps.length)

    def _is_inductive(self, prop: Property) -> bool:
        """Whether no k steps lead to a state that violates the property."""
        before = self._good_before[prop.id]
        if self._can(self.base.reported(prop), before):
            return False
        judgements = self.judgements[prop.id]
        if judgements.says_nothing:
            return True
        formulas = self.base.encoding.formulas
        wrong = formulas.negated(self.base.encoding.busy)
        undecided = self.steps.question(self.base.undecided(judgements))
        while self._can(wrong, before, undecided):
            states, _ = self.steps.run()
            if not _accepts(judgements, states[-1]):
                return False
            other = formulas.negated(self.base.encoding.agrees(judgements.accepted[-1]))
            self.steps.solver.add(z3.Implies(undecided, self.steps.at(other, self.steps.length)))
        return True

    def _can(self, condition: Condition, *assumptions: Formula) -> bool:
        """Whether k steps can lead to such a state, all states on the way being different.

        That they are is asked for where Z3 makes two of them equal, and nowhere else.
        """
        if condition is False:
            return False
        question = self.steps.question(condition)
        while self.base.asking.check(self.steps.solver, question, *assumptions):
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
