"""Facts that an invariant may lack, found by trying many.

Houdini: take every fact of a simple shape, and take away those that some transition breaks, until
none does. What is left is true always. If with it the driver's own conjuncts are kept, too, the
facts that this needed are suggestions. The shapes:

    v >= 0                              for a shared number
    nobody is at p                      for a place: a thread, and what it is about to do
    somebody is at p  ->  v == k        for a shared variable and one of its first values

It may well find nothing: the heart of an invariant, such as the accounting of tokens, has no such
shape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.properties.prove.counted.facts import Counted
from haiku_tuntap.properties.prove.counted.induction import Change, Claim, Prover, claim
from haiku_tuntap.properties.prove.counted.proof import Attempt
from haiku_tuntap.properties.prove.theorems import Theorem

SMALL = (0, 1)  # values tried of a number that has no list of values


@frozen
class Suggestion:
    """What was found: `facts` that would make the invariant inductive, if it is `proved` then.

    `tried` is how many facts there were at first, `true` how many are always; `stopped` says that
    time ran out.
    """

    facts: tuple[str, ...]
    proved: bool
    tried: int
    true: int
    stopped: bool


def candidates(counted: Counted) -> Iterator[Claim]:
    """All facts of the shapes, each named by what it says."""
    places = _places(counted)
    variables = _variables(counted)
    for name, values in variables.items():
        if not values:
            yield claim(f"{name} >= 0", z3.Int(name) >= 0)
    for place, number in places.items():
        yield claim(f"nobody is at {place}", number == 0)
        for name, values in variables.items():
            for value in sorted(values) or SMALL:
                fact = z3.Implies(number > 0, z3.Int(name) == value)
                yield claim(f"somebody is at {place} -> {name} == {value}", fact)


def _places(counted: Counted) -> dict[str, z3.ArithRef]:
    """The numbers of threads at each location."""
    space = counted.space
    grouped: dict[str, set[object]] = {}
    for state in space.states:
        template = space.templates[state.template]
        location = template.location(state)
        if location.entry_name is not None or template.graph.service:
            text = f"{template.name}: {location.kind.name.lower()} {location.label}"
            grouped.setdefault(text, set()).add(state)
    return {
        text: counted.counting(frozenset(states), text)  # type: ignore[arg-type]  # LocalStates
        for text, states in grouped.items()
    }


def _variables(counted: Counted) -> dict[str, frozenset[int]]:
    """The shared variables that are no references to threads, with their values, if few."""
    population = counted.space.population
    found: dict[str, frozenset[int]] = {}
    for number, name in population.layout.slots:
        if number in population.own or population.canonical[number].number != number:
            continue
        kind = population.type_of(number, name)
        if population.refers_to_own(kind) or population.constant(number, name) is not None:
            continue
        place = f"{population.instance(number).name}.{name}"
        few = kind.name in ("ref", "status", "bool")
        found[place] = frozenset(counted.space.domains[place]) if few else frozenset()
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
    """Look for facts with which the driver's invariant would be inductive."""
    attempt = Attempt(driver, theorem, tell)
    attempt.prepare(candidates)
    declared = set(attempt.why)
    prover = Prover(attempt.machine(), attempt.claims)
    houdini = Houdini(prover, attempt.one, seconds, tell)
    houdini.run()
    found = houdini.left - declared
    proved = declared <= houdini.left and not houdini.stopped
    tried = len(attempt.claims) - len(declared)
    needed = prover.needed_of(declared, found) if proved else ()
    return Suggestion(tuple(sorted(needed)), proved, tried, len(found), houdini.stopped)
