"""Bounded search: Z3 is asked for a run of 0, 1, 2 … steps that violates a property.

So the first run that is found is a shortest one. When there is no run of another step more, all
runs were looked at, and what was not refuted holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field

from haiku_tuntap.properties.explore.search import POOL_EXHAUSTED, Model
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.finite.asking import Asking, NoAnswerError
from haiku_tuntap.properties.prove.finite.conditions import Condition
from haiku_tuntap.properties.prove.finite.encoding import Encoding
from haiku_tuntap.properties.prove.finite.judging import Judgements
from haiku_tuntap.properties.prove.finite.ordering import Ordering
from haiku_tuntap.properties.prove.finite.runs import (
    Refutation,
    follow,
    is_quiescent,
    reports_from,
)
from haiku_tuntap.properties.prove.finite.unrolling import Unrolling

MISFIT = "a value came about that the translation does not foresee"


@define(eq=False)
class BoundedSearch:
    """Looks at all runs, shorter ones first.

    Runs of up to `depth` steps violate no property of `open`. If `complete`, there are none but
    those. Else `limit` says what ended the search.
    """

    model: Model
    encoding: Encoding
    properties: Sequence[Property]
    asking: Asking
    refuted: dict[str, Refutation] = Factory(dict)
    marks: set[str] = Factory(set)
    depth: int = -1
    complete: bool = False
    limit: str | None = None
    runs: Unrolling = field(init=False)
    ordering: Ordering = field(init=False)
    judgements: list[Judgements] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.runs = Unrolling(self.encoding)
        self.runs.require(self.encoding.is_state(self.model.layout.initial), 0)
        self.ordering = Ordering(self.encoding)
        self.judgements = [Judgements(p, self.model.layout) for p in self.properties]

    @property
    def open(self) -> list[Property]:
        """The properties that are not refuted."""
        return [p for p in self.properties if p.id not in self.refuted]

    def search(self) -> None:
        """Look at longer and longer runs, until all are seen or a limit is hit."""
        try:
            while self.open and not self.complete:
                self.deepen()
        except NoAnswerError as error:
            self.limit = str(error)

    def deepen(self) -> None:
        """Look at the runs that are one step longer than those before. NoAnswerError if hindered.

        Each is looked at in its last state: is it quiescent and wrong, does a step from it report
        something? A report is one step longer, so it is asked for last.
        """
        self.asking.depth = self.depth + 1
        if self._can(self._anything()):  # mostly not: one question in place of many
            self._exclude_misfits()
            self._ask_quiescent_states()
            self._ask_reports()
        self._look_for_marks()
        self.depth += 1
        self._lengthen()
        self.complete = not self.asking.check(self.runs.solver)

    def _lengthen(self) -> None:
        """One step more, and what is known of the state after it."""
        encoding, runs = self.encoding, self.runs
        runs.lengthen()
        self.ordering.require(runs)
        for slot, values in enumerate(encoding.domains.values):
            for value, first_round in values.items():
                if first_round > runs.length:
                    never = encoding.formulas.negated(encoding.now[slot].equals(value))
                    runs.require(never, runs.length)

    def _can(self, condition: Condition) -> bool:
        """Whether some run of this length ends in a state of which the condition holds."""
        if condition is False:
            return False
        return self.asking.check(self.runs.solver, self.runs.question(condition))

    def _anything(self) -> Condition:
        """That something is to be looked at more closely."""
        encoding, formulas = self.encoding, self.encoding.formulas
        wanted = [j for j in self.judgements if j.prop.id not in self.refuted]
        judged = formulas.some(self.undecided(j) for j in wanted if not j.says_nothing)
        quiescent = formulas.negated(encoding.busy)
        reported = [self.reported(prop) for prop in self.open]
        return formulas.some([self.unsound, formulas.every(quiescent, judged), *reported])

    @property
    def unsound(self) -> Condition:
        """That the translation, or a pool of the scenario, does not reach further."""
        exhausted = self.encoding.reports.get(POOL_EXHAUSTED, False)
        return self.encoding.formulas.some([self.encoding.misfit, exhausted])

    # --- the questions --------------------------------------------------------------------------

    def _exclude_misfits(self) -> None:
        if self._can(self.encoding.misfit):
            raise NoAnswerError(MISFIT)
        if self._can(self.encoding.reports.get(POOL_EXHAUSTED, False)):
            raise NoAnswerError("a pool of the scenario is too small for it")

    def _ask_quiescent_states(self) -> None:
        """Look at the quiescent states at the end of runs of this length."""
        formulas = self.encoding.formulas
        quiescent = self.runs.question(formulas.negated(self.encoding.busy))
        asked = {
            judgement: self.runs.question(self.undecided(judgement))
            for judgement in self.judgements
            if not judgement.says_nothing and judgement.prop.id not in self.refuted
        }
        while asked:
            somebody = self.runs.fresh()
            self.runs.solver.add(z3.Implies(somebody, z3.Or(list(asked.values()))))
            if not self.asking.check(self.runs.solver, quiescent, somebody):
                return
            states, moves = self.runs.run()
            follow(self.model, moves, states)
            if not is_quiescent(self.model, states[-1]):
                raise RuntimeError(f"{states[-1]} is quiescent in Z3 only")
            for judgement, undecided in list(asked.items()):
                if not self.runs.holds(self.undecided(judgement), self.runs.length):
                    continue
                reason = judgement.ask(states[-1])
                if reason is not None:
                    self._refute(judgement.prop, reason, moves, stuck=True)
                    del asked[judgement]
                else:
                    case = self.encoding.agrees(judgement.accepted[-1])
                    other = self.runs.at(formulas.negated(case), self.runs.length)
                    self.runs.solver.add(z3.Implies(undecided, other))

    def undecided(self, judgement: Judgements) -> Condition:
        """That a property has not yet accepted the state."""
        formulas = self.encoding.formulas
        return formulas.negated(
            formulas.some(self.encoding.agrees(case) for case in judgement.accepted)
        )

    def _ask_reports(self) -> None:
        """Look for steps that report a violation."""
        for prop in self.open:
            if not self._can(self.reported(prop)):
                continue
            states, moves = self.runs.run()
            follow(self.model, moves, states)
            for move, report in reports_from(self.model, states[-1]):
                if report.code in prop.codes:
                    self._refute(prop, report.text, [*moves, move], stuck=False)
                    break
            else:
                raise RuntimeError(f"from {states[-1]} nothing is reported but in Z3")

    def reported(self, prop: Property) -> Condition:
        """That a step from the state reports a violation of the property."""
        reports = self.encoding.reports
        return self.encoding.formulas.some(reports.get(c, False) for c in sorted(prop.codes))

    def _look_for_marks(self) -> None:
        """Note which of the situations that the properties are about come about."""
        for mark in sorted({m for p in self.properties for m in p.witness} - self.marks):
            if self._can(self.encoding.marks.get(mark, False)):
                self.marks.add(mark)

    def _refute(
        self, prop: Property, reason: str, moves: list[tuple[int, int]], *, stuck: bool
    ) -> None:
        self.refuted[prop.id] = Refutation(reason, tuple(moves), stuck, self.asking.seconds)
