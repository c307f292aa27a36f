"""Facts that an invariant may lack, found by trying many.

Houdini: take every fact of a simple shape, and take away those that some transition breaks, until
none does. (Most are taken away by some random runs, which is quicker.) What is left is true always.
If with it the driver's own conjuncts are kept, too, and what a property forbids is excluded, the
facts that this needed are suggestions. The shapes:

    v >= 0                              for a shared number
    nobody is at p                      for a place: a thread, and what it is about to do
    somebody is at p  ->  v == k        for a shared variable and one of its first values

It may well find nothing: the heart of an invariant, such as the accounting of tokens, has no such
shape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, evolve, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.language.records import FieldKind, fields_of, is_record_class
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.facts import Counted
from haiku_tuntap.properties.prove.counted.induction import Change, Claim, Prover, claim
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.positions import standing_of
from haiku_tuntap.properties.prove.counted.proof import Attempt, forbidden_steps
from haiku_tuntap.properties.prove.counted.runs import random_runs
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.limits import OutOfTimeError, within
from haiku_tuntap.properties.prove.outcome import SuggestedFact, Suggestion
from haiku_tuntap.properties.prove.theorems import Theorem

SMALL = (0, 1)  # values tried of a number that has no list of values
RUNS, STEPS = 40, 80  # by which most of the candidates are contradicted


@frozen
class Candidate:
    """A fact: somebody at `place` (always, without one) means that the variable has the value.

    Without a variable, that nobody is there; without a value, that the variable is not negative.
    `where` says the place in words.
    """

    where: str | None
    place: frozenset[LocalState] | None
    variable: str | None
    value: int | None

    @property
    def text(self) -> str:
        """The fact in words."""
        fact = f"{self.variable} >= 0" if self.value is None else f"{self.variable} == {self.value}"
        if self.where is None:
            return fact
        if self.variable is None:
            return f"nobody is at {self.where}"
        return f"somebody is at {self.where} -> {fact}"

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

    def code(self, paths: Mapping[str, str]) -> str | None:
        """The fact as an invariant says it, if there is a path to the variable."""
        fact = None
        if self.variable is not None:
            path = paths.get(self.variable)
            if path is None:
                return None
            fact = f"{path} >= 0" if self.value is None else f"{path} == {self.value}"
        if self.where is None:
            return fact
        there = f'state.count(standing("{self.where}"))'
        return f"{there} == 0" if fact is None else f"state.implies({there} > 0, {fact})"


def paths_of(space: Space) -> dict[str, str]:
    """How an invariant reaches each shared variable: `state.device.flags.value`."""
    layout, canonical = space.population.layout, space.population.canonical
    monitors = {type(m).__name__.lower(): m for m in layout.system.monitors}
    found: dict[str, str] = {}
    roots = {**layout.system.roots, **monitors}
    pending = [(f"state.{name}", root) for name, root in roots.items() if name.isidentifier()]
    met: set[int] = set()
    while pending:
        path, record = pending.pop(0)
        number = layout.instances.number(record)
        if number in met:
            continue
        met.add(number)
        for name, declared in fields_of(type(record)).items():
            value = getattr(record, name)
            is_record = declared.kind is FieldKind.FINAL and is_record_class(type(value))
            if declared.kind is FieldKind.PART or is_record:
                pending.append((f"{path}.{name}", value))
            found.setdefault(f"{canonical[number].name}.{name}", f"{path}.{name}")
    return found


def candidates(space: Space) -> Iterator[Candidate]:
    """All facts of the shapes, each named by what it says."""
    variables = _variables(space)
    for name, values in variables.items():
        if not values:
            yield Candidate(None, None, name, None)
    for where, states in _places(space).items():
        yield Candidate(where, states, None, None)
        for name, values in variables.items():
            for value in sorted(values) or SMALL:
                yield Candidate(where, states, name, value)


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
            grouped.setdefault(standing_of(space, state), set()).add(state)
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
    tell: Callable[[str, int, int], None]
    left: set[str] = Factory(set)

    def run(self) -> None:
        """Take claims away until the rest is inductive."""
        failed = {c.name for c in self.prover.initial_failures(self.one)}
        self.left = {c.name for c in self.prover.claims} - failed
        changed = True
        while changed:
            changed = False
            for done, change in enumerate(self.prover.machine.changes):
                self.tell(f"{len(self.left)} facts left", done, len(self.prover.machine.changes))
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
    properties: Sequence[Property],
    seconds: float,
    tell: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Suggestion:
    """Look for facts with which the driver's invariant would prove some of a theorem's properties.

    First among the facts that say nothing of places and variables together, for a quarter of the
    time; then among all.
    """
    began = time.perf_counter()
    found = _try(Attempt(driver, theorem, within(seconds / 4, tell)), properties, simple=True)
    if len(found.proved) < len(properties):
        left = began + seconds - time.perf_counter()
        attempt = Attempt(driver, theorem, within(left, tell))
        among_all = _try(attempt, properties, simple=False)
        found = max(among_all, found, key=lambda suggestion: len(suggestion.proved))
    return evolve(found, seconds=time.perf_counter() - began)


def _try(attempt: Attempt, properties: Sequence[Property], *, simple: bool) -> Suggestion:
    tried: list[Candidate] = []
    try:
        return _search(attempt, properties, tried, simple=simple)
    except OutOfTimeError:
        return Suggestion(tried=len(tried), stopped=True)


def _search(
    attempt: Attempt, properties: Sequence[Property], tried: list[Candidate], *, simple: bool
) -> Suggestion:
    """Look among the simple facts or all, which are put into `tried`. May raise OutOfTimeError."""

    def more(counted: Counted) -> Iterator[Claim]:
        attempt.tell("runs", 0, 1)
        found = candidates(counted.space)
        tried.extend(c for c in found if not simple or c.place is None or c.variable is None)
        for candidate in likely(counted.space, attempt.one, attempt.turns, tried):
            yield candidate.claim(counted)

    attempt.prepare(more)
    goals = Goals(attempt, properties)
    prover = Prover(attempt.machine(), [*attempt.claims, *goals.claims])
    houdini = Houdini(prover, attempt.one, attempt.tell)
    houdini.run()
    if prover.undetermined:
        return Suggestion(tried=len(tried), stopped=True)
    true = houdini.left - goals.names
    proved = goals.reached(prover, houdini.left)
    facts = sorted(goals.fewest(prover, proved, true)) if proved else []
    paths, by_text = paths_of(attempt.counted.space), {c.text: c for c in tried}
    return Suggestion(
        facts=tuple(SuggestedFact(fact, by_text[fact].code(paths)) for fact in facts),
        proved=tuple(prop.id for prop in proved),
        tried=len(tried),
        true=tuple(sorted(true)),
    )


@define(eq=False)
class Goals:
    """What is to be true in the end: the driver's invariant, and of each property that it holds.

    That is a claim for each state that the property forbids; the steps that it forbids must be
    excluded by what is true before them.
    """

    attempt: Attempt
    properties: Sequence[Property]
    claims: list[Claim] = Factory(list)
    of: dict[str, set[str]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        for number, forbidden in enumerate(self.attempt.forbidden):
            if forbidden.prop not in self.properties:
                continue
            name = f"{forbidden.prop.id}, {number}"
            self.of.setdefault(forbidden.prop.id, set()).add(name)
            self.claims.append(claim(name, z3.Not(forbidden.formula)))

    @property
    def names(self) -> set[str]:
        return {*self.attempt.why, *(c.name for c in self.claims)}

    def reached(self, prover: Prover, true: set[str]) -> list[Property]:
        """The properties that are proved, if the invariant is, by what is always true."""
        if not self.attempt.why.keys() <= true:
            return []
        return [
            prop
            for prop in self.properties
            if self.of.get(prop.id, set()) <= true
            and all(prover.excluders(f, true) is not None for f in _steps(prover, prop))
        ]

    def fewest(self, prover: Prover, proved: Sequence[Property], true: set[str]) -> list[str]:
        """Few facts that are enough for those properties, as far as time allows.

        Those that a proof has used are left out one by one, at first many at a time.
        """
        left = sorted(self._needed(prover, proved, true))
        size = len(left)
        try:
            while size:
                at = 0
                while at < len(left):
                    self.attempt.tell(f"{len(left)} facts are enough", at, len(left))
                    fewer = left[:at] + left[at + size :]
                    if self._are_enough(prover, proved, set(fewer)):
                        left = fewer
                    else:
                        at += size
                size //= 2
        except OutOfTimeError:
            pass  # then a few more than needed are shown
        return left

    def _are_enough(self, prover: Prover, proved: Sequence[Property], facts: set[str]) -> bool:
        wanted = self._wanted(proved) | facts
        steps = (f for prop in proved for f in _steps(prover, prop))
        return prover.keeps(wanted) and all(
            prover.excluders(formula, wanted) is not None for formula in steps
        )

    def _wanted(self, proved: Sequence[Property]) -> set[str]:
        return set(self.attempt.why).union(*(self.of.get(prop.id, set()) for prop in proved))

    def _needed(self, prover: Prover, proved: Sequence[Property], true: set[str]) -> set[str]:
        """The facts that a proof of those properties uses."""
        declared, wanted = set(self.attempt.why), self._wanted(proved)
        excluding: set[str] = set()
        for formula in (f for prop in proved for f in _steps(prover, prop)):
            if prover.excluders(formula, declared | excluding) is None:
                excluding |= (prover.excluders(formula, declared | true) or set()) & true
        return excluding | prover.needed_of(wanted | excluding, true - excluding)


def _steps(prover: Prover, prop: Property) -> list[z3.BoolRef]:
    return [forbidden.formula for forbidden in forbidden_steps(prop, prover.machine)]
