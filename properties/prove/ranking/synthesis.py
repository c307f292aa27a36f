"""Finding a measure, level by level.

A level must not be raised by any step that is left; the steps that it lowers need no other level,
and are taken away. Steps that the invariant excludes are taken away at once. So weights are looked
for (linear.py) until no step is left. Where there are none, a level may count only while

- somebody is in a loop: whoever holds a mutex in the loop keeps others from some of their steps,
- or a test of variables comes out one way, if no step that is left changes these variables,

because then only steps that are possible meanwhile must not raise it. And where that does not
help, the threads that are left are told apart by their locals and fields, too.

Nothing here needs to be right: what is found is checked (checker.py). It only has to be found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, evolve, field

from haiku_tuntap.properties.prove.counted.induction import Change, Claim, Prover
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Shared, Term, leaves
from haiku_tuntap.properties.prove.formulas import every, some
from haiku_tuntap.properties.prove.ranking.lemmas import counters, lists_of_others
from haiku_tuntap.properties.prove.ranking.linear import Weights, weights_for
from haiku_tuntap.properties.prove.ranking.loops import loops_of
from haiku_tuntap.properties.prove.ranking.measure import Condition, Level, SomebodyAt, Test
from haiku_tuntap.properties.prove.ranking.steps import InternalStep, Spots


@define(eq=False)
class Synthesis:
    """Looks for a measure for what was proved. `left` are the steps that no level lowers.

    `claims` are the invariant, and which counters are never negative.
    """

    proof: Proof
    claims: Sequence[Claim]
    tell: Callable[[str, int, int], None]
    levels: list[Level] = Factory(list)
    left: list[InternalStep] = field(init=False)
    spots: Spots = field(init=False)
    prover: Prover = field(init=False)
    variables: frozenset[str] = field(init=False)
    _changes: dict[int, Change] = field(factory=dict)
    _possible: dict[tuple[int, Condition | None], bool] = field(factory=dict)
    _signed: dict[str, bool] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.spots = Spots(self.space)
        self.left = self.spots.steps()
        self.prover = Prover(self.proof.machine, self.claims)
        self.variables = frozenset(counters(self.space)) | lists_of_others(self.space)
        for change in self.proof.machine.changes:
            self._changes |= {rule.number: change for rule in change.rules}

    @property
    def space(self) -> Space:
        return self.proof.counted.space

    def run(self) -> None:
        """Add levels while there are some to find."""
        total = len(self.left)
        while self.left:
            self.tell("ranking", total - len(self.left), total)
            found = (
                self._add_level(None)
                or self._leave_out_impossible()
                or self._look_at_stores()
                or any(self._add_level(c) for c in self._in_loops())
                or self._tell_apart()
                or any(self._add_level(c) for c in self._tests())
            )
            if not found:
                return

    # --- one level ----------------------------------------------------------------------------

    def _add_level(self, condition: Condition | None) -> bool:
        """Take away what a level that counts while the condition holds can lower."""
        steps = self.left
        if condition is not None:
            steps = [s for s in steps if self._is_possible(s.rule, condition)]
        weights = weights_for([s.effect for s in steps], self.lowered_variables(steps))
        if weights is None:
            return False
        lowered = {
            id(s) for s in steps if s.effect in weights.lowered and self._only_while(s, condition)
        }
        if not lowered:
            return False
        self.levels.append(self._level(weights, condition))
        self.left = [s for s in self.left if id(s) not in lowered]
        return True

    def _level(self, weights: Weights, condition: Condition | None) -> Level:
        of = {state: weights.spots.get(self.spots.of(state), 0) for state in self.space.states}
        return Level({s: w for s, w in of.items() if w}, weights.variables, condition)

    def lowered_variables(self, steps: Sequence[InternalStep] | None = None) -> frozenset[str]:
        """The variables that some step (of those left) lowers and that are never negative."""
        names = {
            name
            for step in (self.left if steps is None else steps)
            for name, rise in step.effect.rises
            if rise is not None and rise < 0 and name in self.variables
        }
        return frozenset(n for n in names if self._is_never_negative(n))

    def _is_never_negative(self, name: str) -> bool:
        if name not in self._signed:
            self._signed[name] = self.prover.is_possible(z3.Int(name) < 0)
        return not self._signed[name]

    # --- steps that are impossible ------------------------------------------------------------

    def _is_possible(self, rule: Rule, condition: Condition | None) -> bool:
        """Whether a rule can be taken while the condition holds."""
        key = (rule.number, condition)
        if key not in self._possible:
            formula = [] if condition is None else [self._formula(condition)]
            change = self._changes.get(rule.number)
            guard = [] if change is None else change.guard
            self._possible[key] = self.prover.is_possible(every([*guard, *formula]))
        return self._possible[key]

    def _formula(self, condition: Condition) -> z3.BoolRef:
        """The condition as far as the proof's classes tell local states apart, or a weaker one."""
        if isinstance(condition, Test):
            return condition.formula()
        classes = self.proof.machine.classes
        numbers = sorted({classes.of[state] for state in condition.states})
        return some([self.proof.machine.sizes[n] > 0 for n in numbers])

    def _leave_out_impossible(self) -> bool:
        possible = [s for s in self.left if self._is_possible(s.rule, None)]
        fewer = len(possible) < len(self.left)
        self.left = possible
        return fewer

    def _look_at_stores(self) -> bool:
        """Where the invariant says that a store of a number lowers a variable, remember that."""
        stores = [self._with_lowering_stores(step) for step in self.left]
        more = stores != self.left
        self.left = stores
        return more

    def _with_lowering_stores(self, step: InternalStep) -> InternalStep:
        stored = dict(step.rule.shared)
        rises = tuple(
            (name, -1 if rise == 0 and self._lowers(step.rule, name, stored[name]) else rise)
            for name, rise in step.effect.rises
        )
        return evolve(step, effect=evolve(step.effect, rises=rises))

    def _lowers(self, rule: Rule, name: str, stored: Term) -> bool:
        """Whether a variable is always more before than the number that a rule stores."""
        if not isinstance(stored, int) or name not in self.variables:
            return False
        change = self._changes.get(rule.number)
        guard = [] if change is None else change.guard
        return not self.prover.is_possible(every([*guard, z3.Int(name) <= stored]))

    # --- conditions ---------------------------------------------------------------------------

    def _only_while(self, step: InternalStep, condition: Condition | None) -> bool:
        """Whether a step can be taken only while the condition holds."""
        if condition is None:
            return True
        if isinstance(condition, Test):
            return not self._is_possible(step.rule, Test(condition.term, not condition.outcome))
        inside = {self.spots.of(state) for state in condition.states}
        return step.effect.actor[0] in inside

    def _in_loops(self) -> Iterator[Condition]:
        """That somebody is in a loop which nobody enters any more."""
        for text, loop in loops_of(self.space, self.spots, self.left).items():
            entering = any(
                before not in loop and after in loop
                for step in self.left
                for before, after in step.effect.shifts()
            )
            if not entering:
                states = frozenset(s for s in self.space.states if self.spots.of(s) in loop)
                yield SomebodyAt(text, states)

    def _tests(self) -> Iterator[Condition]:
        """Tests of variables that no step changes any more."""
        changed = {name for step in self.left for name, _ in step.effect.rises}
        tested: dict[Term, None] = {}
        for step in self.left:
            for term, _ in step.rule.guard:
                names = {leaf.name for leaf in leaves(term) if isinstance(leaf, Shared)}
                if names and not names & changed:
                    tested[term] = None
        for term in tested:
            yield Test(term, True)
            yield Test(term, False)

    # --- telling threads apart ----------------------------------------------------------------

    def _tell_apart(self) -> bool:
        """Look at locals and fields of the threads whose steps are left."""
        fine = self.spots.fine | {step.rule.move.template for step in self.left}
        if fine == self.spots.fine:
            return False
        coarse = self.spots
        left = {(step.rule.number, step.effect.actor) for step in self.left}
        self.spots = Spots(self.space, frozenset(fine))
        self.left = [
            step
            for step in self.spots.steps()
            if (step.rule.number, _coarse(step.effect.actor, coarse)) in left
        ]
        return True


def _coarse(shift: tuple[Any, Any], spots: Spots) -> tuple[Any, Any]:
    before, after = (spots.of(spot) if isinstance(spot, LocalState) else spot for spot in shift)
    return before, after
