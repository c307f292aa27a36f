"""Runs of a system as formulas: a copy of the transition relation for every step."""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field

from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import Move
from haiku_tuntap.properties.prove.finite.conditions import Condition
from haiku_tuntap.properties.prove.finite.encoding import Choice, Encoding, Formula


@define(eq=False)
class Unrolling:
    """Runs of `length` steps. The solver is given what is added, and keeps what it has learned."""

    encoding: Encoding
    length: int = 0
    solver: Any = field(factory=lambda: z3.SolverFor("QF_FD"))
    states: list[list[Any]] = Factory(list)
    moves: list[Any] = Factory(list)
    _asked: int = 0

    def __attrs_post_init__(self) -> None:
        self._add_state()

    def lengthen(self) -> None:
        """One step more."""
        self._add_state()
        self.length += 1
        self.require(self.encoding.transition, self.length - 1)

    def require(self, condition: Condition, time: int) -> None:
        """Add what must hold of the state at `time`, which counts steps."""
        self.solver.add(self.at(condition, time))

    def at(self, condition: Condition, time: int) -> Formula:
        """A condition on one state, said of the state at `time`."""
        if condition is True or condition is False:
            return z3.BoolVal(condition)
        return self._at(condition, time)

    def fresh(self) -> Formula:
        """A new name for a question."""
        self._asked += 1
        return z3.Bool(f"question {self._asked}")

    def question(self, condition: Condition) -> Formula:
        """A name for the question whether the condition holds of the last state."""
        question = self.fresh()
        self.solver.add(z3.Implies(question, self.at(condition, self.length)))
        return question

    def require_difference(self, first: int, second: int) -> None:
        """Add that the states at two times are different."""
        pairs = zip(self.states[first], self.states[second], strict=True)
        self.solver.add(z3.Or([one != other for one, other in pairs if one is not None]))

    def run(self) -> tuple[list[State], list[Move]]:
        """The run that Z3 found: all states, and the moves between them."""
        model = self.solver.model()
        encoding = self.encoding
        states = [
            tuple(
                _value(model, choice, variable)
                for choice, variable in zip(encoding.now, variables, strict=True)
            )
            for variables in self.states
        ]
        moves = [_value(model, encoding.move, variable) for variable in self.moves]
        return states, moves

    def holds(self, condition: Condition, time: int) -> bool:
        """Whether a condition holds in the run that Z3 found."""
        formula = self.solver.model().eval(self.at(condition, time), model_completion=True)
        return bool(z3.is_true(formula))

    def names(self, question: Formula) -> bool:
        """Whether the run that Z3 found is an answer to this question."""
        return bool(z3.is_true(self.solver.model().eval(question)))

    def _add_state(self) -> None:
        time = len(self.states)
        self.states.append([_copy(choice, time) for choice in self.encoding.now])
        if time:
            self.moves.append(_copy(self.encoding.move, time - 1))

    def _at(self, formula: Formula, time: int) -> Formula:
        encoding = self.encoding
        pairs = _pairs(encoding.now, self.states[time])
        if time < self.length:
            pairs += _pairs(encoding.next, self.states[time + 1])
            pairs += _pairs([encoding.move], [self.moves[time]])
        return substituted(formula, pairs)


def substituted(formula: Formula, pairs: list[tuple[Any, Any]]) -> Formula:
    """The formula with others in place of its variables.

    By Z3's C function: z3.substitute looks at the sort of every pair, which takes far longer.
    """
    if not pairs:
        return formula
    count = len(pairs)
    before = (z3.Ast * count)(*(variable.as_ast() for variable, _ in pairs))
    after = (z3.Ast * count)(*(other.as_ast() for _, other in pairs))
    made = z3.Z3_substitute(formula.ctx.ref(), formula.as_ast(), count, before, after)
    return z3.BoolRef(made, formula.ctx)


def _copy(choice: Choice, time: int) -> Any:
    if choice.variable is None:
        return None
    return z3.BitVec(f"{choice.name} at {time}", choice.variable.size())


def _pairs(choices: list[Choice], variables: list[Any]) -> list[tuple[Any, Any]]:
    return [
        (choice.variable, variable)
        for choice, variable in zip(choices, variables, strict=True)
        if choice.variable is not None
    ]


def _value(model: Any, choice: Choice, variable: Any) -> Any:
    if variable is None:
        return choice.values[0]
    return choice.values[model.eval(variable, model_completion=True).as_long()]
