"""What came of an attempt to prove a theorem, as plain data: for reports, for JSON, for people.

Where it fails there are two kinds of counterexamples. A *broken step* leads from a state of the
invariant out of it, so that the invariant is not inductive. A *forbidden state* is a state of the
invariant of which a property complains. Neither need be reachable: they say that the invariant is
too weak, or that the driver is wrong, and only a run can tell which.
"""

from __future__ import annotations

from attrs import frozen

from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.prove.ranking.outcome import NOT_TRIED, ProgressOutcome


@frozen
class Crowd:
    """Threads that stand alike: how many, of which kind, and where, before and after the step.

    `after` is None where the step leaves them alone.
    """

    number: int
    kind: str
    before: str
    after: str | None = None


@frozen
class Variable:
    """A shared variable before and after the step; `after` is None where it stays."""

    name: str
    before: str
    after: str | None = None


@frozen
class StateShown:
    """A state, or two: classes of threads and variables, those that differ or matter.

    `elsewhere` is how many more threads there are.
    """

    crowds: tuple[Crowd, ...]
    variables: tuple[Variable, ...]
    elsewhere: int


@frozen
class BrokenFact:
    """A conjunct that is not true: its name, why it should be, and its formula.

    `numbers` is the formula with the numbers of the state put in, and `before` with those of the
    state before the step, if there was one. A fact about the counting itself has no formula.
    """

    name: str
    why: str
    formula: str | None
    numbers: str | None
    before: str | None = None


@frozen
class Step:
    """The step of one thread: what it does, and where, in the model and in Haiku."""

    thread: str
    action: str
    where: Where | None
    source: str | None


@frozen
class BrokenStep:
    """A counterexample to induction: a step after which facts are not true that were before."""

    facts: tuple[BrokenFact, ...]
    step: Step
    states: StateShown


@frozen
class ForbiddenState:
    """A state of the invariant, or a step from one, that a property forbids."""

    property: str
    reason: str
    states: StateShown
    step: Step | None


@frozen
class Outcome:
    """An attempt. `proved` are the ids of the properties that are proved.

    `problems` say in words what else is missing for a proof: where Z3 gave up, what integers
    cannot stand for. `states`, `classes`, `transitions` and `queries` say how large it was.
    `progress` is what came of looking for a measure, which rests on the invariant.
    """

    proved: frozenset[str] = frozenset()
    conjuncts: tuple[str, ...] = ()
    at_first: tuple[BrokenFact, ...] = ()
    broken: tuple[BrokenStep, ...] = ()
    forbidden: tuple[ForbiddenState, ...] = ()
    problems: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    progress: ProgressOutcome = NOT_TRIED
    states: int = 0
    classes: int = 0
    transitions: int = 0
    queries: int = 0
    seconds: float = 0.0
