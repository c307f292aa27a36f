"""The steps as Python and the steps in Z3, asked about the same states."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import z3
from attrs import define, field

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import Move, take
from haiku_tuntap.properties.explore.search import Model
from haiku_tuntap.properties.prove.finite.encoding import Choice, Encoding


@define(eq=False)
class Answer:
    """What can be asked about one state."""

    successors: set[tuple[Move, State]]
    reports: set[str]
    quiescent: bool
    misfit: bool = False


def walk(model: Model, seed: int, count: int) -> list[State]:
    """Some reachable states: those met by random runs."""
    chance = random.Random(seed)
    found: dict[State, None] = {}
    while len(found) < count:
        before = len(found)
        state = model.layout.initial
        while True:
            if chance.random() < 0.2:
                found[state] = None
            following = sorted(by_python(model, state).successors)
            if not following:
                break
            state = chance.choice(following)[1]
        found[state] = None
        if len(found) == before and chance.random() < 0.1:
            break  # a system with few states
    return list(found)[:count]


def by_python(model: Model, state: State) -> Answer:
    """By the generated functions, as explore/search.py uses them."""
    successors: set[tuple[Move, State]] = set()
    model.program.noted.clear()
    quiescent = True
    for thread in range(len(model.layout.graphs)):
        location = model.location(state, thread)
        for choice in range(len(location.steps)):
            following = take(model, state, (thread, choice))
            if following is not None:
                successors.add(((thread, choice), following))
                quiescent = quiescent and location.kind is LocationKind.CALL
    codes = set()
    for index, step in model.program.noted:
        report = model.program.reports[index]
        codes.add(report.code)
        inside = model.program.steps[step].location.kind is not LocationKind.CALL
        quiescent = quiescent and not (report.fatal and inside)
    model.program.noted.clear()
    return Answer(successors, codes, quiescent)


@define(eq=False)
class ByZ3:
    """By the translation."""

    encoding: Encoding
    transition: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.transition = self.encoding.transition

    def answer(self, state: State) -> Answer:
        encoding = self.encoding
        reports = {code for code, when in encoding.reports.items() if self._holds(when, state)}
        quiescent = not self._holds(encoding.busy, state)
        misfit = self._holds(encoding.misfit, state)
        successors = set() if misfit else self._successors(state)
        return Answer(successors, reports, quiescent, misfit)

    def _successors(self, state: State) -> set[tuple[Move, State]]:
        """All solutions of the transition relation."""
        found: set[tuple[Move, State]] = set()
        choices = [self.encoding.move, *self.encoding.next]
        solver = z3.SolverFor("QF_FD")
        solver.add(self._in(state, self.transition))
        while solver.check() == z3.sat:
            model = solver.model()
            move, *following = (_value(model, choice) for choice in choices)
            assert (move, tuple(following)) not in found
            found.add((move, tuple(following)))
            variables = [choice.variable for choice in choices if choice.variable is not None]
            solver.add(z3.Or([v != model.eval(v, True) for v in variables]))
        return found

    def _holds(self, condition: Any, state: State) -> bool:
        if isinstance(condition, bool):
            return condition
        result = self._in(state, condition)
        assert z3.is_true(result) or z3.is_false(result)
        return z3.is_true(result)

    def _in(self, state: State, formula: Any) -> Any:
        """What a formula comes to in that state."""
        pairs = [
            (choice.variable, z3.BitVecVal(choice.values.index(value), choice.variable.size()))
            for choice, value in zip(self.encoding.now, state, strict=True)
            if choice.variable is not None
        ]
        return z3.simplify(z3.substitute(formula, *pairs))


def _value(model: Any, choice: Choice) -> Any:
    if choice.variable is None:
        return choice.values[0]
    return choice.values[model.eval(choice.variable, True).as_long()]


def disagreements(model: Model, states: Iterable[State]) -> Iterator[str]:
    """Where Python and Z3 answer differently."""
    translated = ByZ3(Encoding(model.layout))
    for state in states:
        ours, theirs = by_python(model, state), translated.answer(state)
        if theirs.misfit:
            yield f"a value is missing in {state}"
            continue
        if ours.successors != theirs.successors:
            yield f"other successors of {state}"
        if ours.reports != theirs.reports:
            yield f"{ours.reports} and {theirs.reports} are reported from {state}"
        if ours.quiescent != theirs.quiescent:
            yield f"{state} is quiescent for one of them"
