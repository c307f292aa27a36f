"""The steps that a measure has to lower, and what each does to numbers of threads and variables.

A thread stands at a *spot*: a location of its template, or, where that is too coarse, a location
together with its locals and its own fields. What others refer to it (its roles) does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.moves import Everyone
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Fn, Shared, Term

Spot = Any
"""(template, place), or a local state without roles."""

Shift = tuple[Spot, Spot]


@frozen(cache_hash=True)
class Effect:
    """What a step does: the actor's shift, one of each other side's, all of `swept`.

    `rises` says by how much, at most, a shared variable rises; None if that is not known.
    """

    actor: Shift
    others: tuple[frozenset[Shift], ...]
    swept: frozenset[Shift]
    rises: tuple[tuple[str, int | None], ...]

    def shifts(self) -> Iterator[Shift]:
        """All shifts that threads may make."""
        yield self.actor
        for side in self.others:
            yield from side
        yield from self.swept


@frozen
class InternalStep:
    """A rule taken by an actor that stands at one spot."""

    rule: Rule
    effect: Effect


@define(eq=False)
class Spots:
    """Where threads of a space can stand; those of templates in `fine` are told apart further."""

    space: Space
    fine: frozenset[int] = frozenset()
    known: dict[LocalState, Spot] = Factory(dict)
    _swept: dict[tuple[Everyone, ...], frozenset[Shift]] = field(factory=dict)

    def of(self, state: LocalState) -> Spot:
        """The spot of a thread in a local state."""
        if state not in self.known:
            found: Spot = (state.template, state.place)
            if state.template in self.fine:
                found = evolve(state, roles=frozenset())
            self.known[state] = found
        return self.known[state]

    def steps(self) -> list[InternalStep]:
        """All steps but those that begin a call."""
        return [s for rule in self.space.rules if is_internal(rule) for s in self._steps_of(rule)]

    def _steps_of(self, rule: Rule) -> Iterator[InternalStep]:
        others = tuple(frozenset(self._shifts(rule, who)) for who in range(1, len(rule.pairs)))
        swept = frozenset(s for s in self._sweeps(rule) if s[0] != s[1])
        rises = tuple(sorted(rises_of(rule)))
        for actor in dict.fromkeys(self._shifts(rule, 0)):
            yield InternalStep(rule, Effect(actor, others, swept, rises))

    def _shifts(self, rule: Rule, who: int) -> Iterator[Shift]:
        for before, after in rule.pairs[who].items():
            for a in after or (before,):
                yield self.of(before), self.of(a)

    def _sweeps(self, rule: Rule) -> frozenset[Shift]:
        if rule.everyone not in self._swept:
            self._swept[rule.everyone] = frozenset(
                (self.of(state), self.of(after))
                for everyone in rule.everyone
                for state in self.space.by_role.get(everyone.role, ())
                for after in self.space.swept(rule, state)
            )
        return self._swept[rule.everyone]


def is_internal(rule: Rule) -> bool:
    """Whether the driver's threads do it by themselves.

    Not the beginning of a call, which is the environment's; nor what breaks a rule beyond repair,
    after which there is nothing.
    """
    return rule.move.source.kind is not LocationKind.CALL and rule.move.target is not None


def rises_of(rule: Rule) -> Iterator[tuple[str, int | None]]:
    """By how much shared variables rise at most. One that is set is taken to be no less than 0."""
    known = {
        term.args[0].name: term.args[1]
        for term, yes in rule.guard
        if yes and isinstance(term, Fn) and term.name == "eq" and isinstance(term.args[0], Shared)
    }
    for name, term in rule.shared:
        yield name, _rise(name, term, known.get(name, 0))


def _rise(name: str, term: Term, before: Term) -> int | None:
    if isinstance(term, int):
        return term - before if isinstance(before, int) else None
    if isinstance(term, Shared) and term.name == name:
        return 0
    if isinstance(term, Fn) and term.name in ("add", "sub") and term.args[0] == Shared(name):
        by = term.args[1]
        if isinstance(by, int):
            return by if term.name == "add" else -by
    return None
