"""Facts that an invariant may lack, found by trying many.

Houdini: take every fact of a simple shape, and take away those that some transition breaks, until
none does. (Most are taken away by some random runs, which is quicker.) What is left is true always.
If with it the driver's own conjuncts are kept, too, and the properties hold, the facts that this
needed are suggestions. The shapes:

    v >= 0                              for a shared number
    nobody is at p                      for a place: a thread, and what it is about to do
    somebody is at p  ->  v == k        for a shared variable and one of its first values

It may well find nothing: the heart of an invariant, such as the accounting of tokens, has no such
shape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.properties.prove.counted.facts import Counted
from haiku_tuntap.properties.prove.counted.induction import Change, Claim, Prover, claim
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.proof import Attempt
from haiku_tuntap.properties.prove.counted.runs import random_runs
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.theorems import Theorem

SMALL = (0, 1)  # values tried of a number that has no list of values
RUNS, STEPS = 40, 80  # by which most of the candidates are contradicted


@frozen
class Suggestion:
    """What was found: the `facts` with which the theorem would be `proved`.

    `tried` is how many facts there were at first, `true` how many of them hold always; `stopped`
    says that time ran out.
    """

    facts: tuple[str, ...]
    proved: bool
    tried: int
    true: int
    stopped: bool


@frozen
class Candidate:
    """A fact: somebody at `place` (always, without one) means that the variable has the value.

    Without a variable, that nobody is there; without a value, that the variable is not negative.
    """

    text: str
    place: frozenset[LocalState] | None
    variable: str | None
    value: int | None

    def holds(self, threads: Mapping[LocalState, int], shared: Mapping[str, int]) -> bool:
        """Whether it is true of one state."""
        if self.place is not None and not any(s in self.place for s, n in threads.items() if n):
            return True
        if self.variable is None:
            return False
        number = shared[self.variable]
        return number >= 0 if self.value is None else number == self.value

    def claim(self, counted: Counted) -> Claim:
        """The fact as a formula."""
        fact = z3.BoolVal(False)
        if self.variable is not None:
            number = z3.Int(self.variable)
            fact = number >= 0 if self.value is None else number == self.value
        if self.place is None:
            return claim(self.text, fact)
        return claim(self.text, z3.Implies(counted.counting(self.place, self.text) > 0, fact))


def candidates(space: Space) -> Iterator[Candidate]:
    """All facts of the shapes, each named by what it says."""
    variables = _variables(space)
    for name, values in variables.items():
        if not values:
            yield Candidate(f"{name} >= 0", None, name, None)
    for where, states in _places(space).items():
        yield Candidate(f"nobody is at {where}", states, None, None)
        for name, values in variables.items():
            for value in sorted(values) or SMALL:
                text = f"somebody is at {where} -> {name} == {value}"
                yield Candidate(text, states, name, value)


def likely(
    space: Space, one: frozenset[str], in_turn: frozenset[str], all_: Iterable[Candidate]
) -> list[Candidate]:
    """The candidates that no state of some runs contradicts."""
    left: dict[frozenset[LocalState] | None, list[Candidate]] = {}
    for candidate in all_:
        left.setdefault(candidate.place, []).append(candidate)
    place_of = {state: place for place in left if place is not None for state in place}
    for threads, shared in random_runs(space, one, in_turn, runs=RUNS, steps=STEPS):
        for place in {place_of.get(s) for s, n in threads.items() if n} | {None}:
            left[place] = [c for c in left.get(place, ()) if c.holds(threads, shared)]
    return [candidate for some in left.values() for candidate in some]


def _places(space: Space) -> dict[str, frozenset[LocalState]]:
    """The local states at each location."""
    grouped: dict[str, set[LocalState]] = {}
    for state in space.states:
        template = space.templates[state.template]
        location = template.location(state)
        if location.pending or template.graph.service:
            text = f"{template.name}: {location.kind.name.lower()} {location.label}"
            grouped.setdefault(text, set()).add(state)
    return {text: frozenset(states) for text, states in grouped.items()}


def _variables(space: Space) -> dict[str, frozenset[int]]:
    """The shared variables that are no references to threads, with their values, if few."""
    population = space.population
    found: dict[str, frozenset[int]] = {}
    for number, name in population.layout.slots:
        if number in population.own or population.canonical[number].number != number:
            continue
        kind = population.type_of(number, name)
        if population.refers_to_own(kind) or population.constant(number, name) is not None:
            continue
        place = f"{population.instance(number).name}.{name}"
        few = kind.name in ("ref", "status", "bool")
        found[place] = frozenset(space.domains[place]) if few else frozenset()
    return found


@define(eq=False)
class Houdini:
    """The greatest set of claims that is kept by every transition."""

    prover: Prover
    one: frozenset[str]
    seconds: float
    tell: Callable[[str, int, int], None]
    left: set[str] = Factory(set)
    stopped: bool = False

    def run(self) -> None:
        """Take claims away until the rest is inductive, or time runs out."""
        began = time.perf_counter()
        failed = {c.name for c in self.prover.initial_failures(self.one)}
        self.left = {c.name for c in self.prover.claims} - failed
        changed = True
        while changed and not self.stopped:
            changed = False
            for done, change in enumerate(self.prover.machine.changes):
                self.tell(f"{len(self.left)} facts left", done, len(self.prover.machine.changes))
                if time.perf_counter() - began > self.seconds:
                    self.stopped = True
                    break
                changed |= self._weed(change)

    def _weed(self, change: Change) -> bool:
        """Take away what a transition breaks; whether that was anything."""
        any_broken = False
        later = self.prover.after(change)
        while True:
            kept = {n: f for n, f in later.items() if n in self.left}
            if not kept:
                return any_broken
            model = self.prover.model_of_break(change, list(kept.values()), self.left)
            if model is None:
                return any_broken
            broken = {n for n, f in kept.items() if not z3.is_true(model.eval(f, True))}
            self.left -= broken
            any_broken = True


def suggest(
    driver: Driver,
    theorem: Theorem,
    seconds: float,
    tell: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Suggestion:
    """Look for facts with which the driver's invariant would be a proof."""
    simple = _try(driver, theorem, seconds / 4, tell, simple=True)
    if simple.proved:
        return simple
    return _try(driver, theorem, seconds, tell, simple=False)


def _fewest(
    prover: Prover,
    wanted: set[str],
    helpers: set[str],
    seconds: float,
    tell: Callable[[str, int, int], None],
) -> list[str]:
    """Few of the helpers that are enough for the wanted claims, as far as time allows.

    Those that a proof has used are left out one by one, at first many at a time.
    """
    left = prover.needed_of(wanted, helpers)
    began, size = time.perf_counter(), len(left)
    while size:
        at = 0
        while at < len(left) and time.perf_counter() - began < seconds:
            tell(f"{len(left)} facts are enough", at, len(left))
            fewer = left[:at] + left[at + size :]
            if prover.keeps(wanted | set(fewer)):
                left = fewer
            else:
                at += size
        size //= 2
    return left


def _try(
    driver: Driver,
    theorem: Theorem,
    seconds: float,
    tell: Callable[[str, int, int], None],
    *,
    simple: bool,
) -> Suggestion:
    """Look among the facts that say nothing of places and variables together, or among all."""
    attempt = Attempt(driver, theorem, tell)
    tried: list[Candidate] = []

    def more(counted: Counted) -> Iterator[Claim]:
        tell("runs", 0, 1)
        found = candidates(counted.space)
        tried.extend(c for c in found if not simple or c.place is None or c.variable is None)
        for candidate in likely(counted.space, attempt.one, attempt.turns, tried):
            yield candidate.claim(counted)

    attempt.prepare(more)
    wanted = [
        claim(f"{f.prop.id}: {f.reason} ({i})", z3.Not(f.formula))
        for i, f in enumerate(attempt.forbidden)
    ]
    attempt.claims += wanted
    declared = {*attempt.why, *(c.name for c in wanted)}
    prover = Prover(attempt.machine(), attempt.claims)
    houdini = Houdini(prover, attempt.one, seconds, tell)
    houdini.run()
    found = houdini.left - declared
    proved = declared <= houdini.left and not houdini.stopped
    needed = _fewest(prover, declared, found, seconds, tell) if proved else ()
    return Suggestion(tuple(sorted(needed)), proved, len(tried), len(found), houdini.stopped)
