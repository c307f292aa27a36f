"""Counting together what no fact tells apart.

There are thousands of local states and rules, but an invariant looks at a few dozen places. Local
states that are in the same places form a *class*, and are counted by one integer; rules that do the
same to classes are one *transition*. Nothing is lost: whatever the facts say before and after a
rule, they say before and after its transition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.moves import Everyone, Report
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Term

Shift = tuple[int, int]
"""One thread goes from a class to a class."""


@frozen
class Transition:
    """What some rules do to classes.

    Each participant makes one of its `sides` shifts; `swept` are the classes that move as a whole,
    but for the participants. `begins` is the template of which a thread begins a call. `ends` says
    that nothing changes, because a rule was broken.
    """

    guard: tuple[tuple[Term, bool], ...]
    shared: tuple[tuple[str, Term], ...]
    sides: tuple[tuple[Shift, ...], ...]
    swept: tuple[Shift, ...]
    begins: int | None
    reports: tuple[Report, ...]
    ends: bool


@define(eq=False)
class Classes:
    """The classes and transitions of a space, for some places: sets of local states."""

    space: Space
    places: Sequence[frozenset[LocalState]]
    of: dict[LocalState, int] = Factory(dict)
    members: list[list[LocalState]] = Factory(list)
    transitions: dict[Transition, list[Rule]] = Factory(dict)
    _sweeps: dict[tuple[Everyone, ...], dict[LocalState, LocalState]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._partition()
        for rule in self.space.rules:
            self.transitions.setdefault(self._transition(rule), []).append(rule)

    def inside(self, number: int) -> frozenset[int]:
        """The places, by index, that a class is in."""
        state = self.members[number][0]
        return frozenset(i for i, place in enumerate(self.places) if state in place)

    def _partition(self) -> None:
        """Put local states together, so that whoever is swept along stays together."""
        signature: dict[LocalState, tuple[int, ...]] = dict.fromkeys(self.space.states, ())
        for index, place in enumerate(self.places):
            for state in place:
                signature[state] = (*signature[state], index)
        self.of = _numbered(signature)
        targets = self._targets()
        while True:
            refined = {
                state: (number, *(self.of[t] for t in targets.get(state, ())))
                for state, number in self.of.items()
            }
            after = _numbered(refined)
            if len(set(after.values())) == len(set(self.of.values())):
                break
            self.of = after
        self.members = [[] for _ in range(len(set(self.of.values())))]
        for state, number in self.of.items():
            self.members[number].append(state)

    def _targets(self) -> dict[LocalState, tuple[LocalState, ...]]:
        """What each local state that may be swept along becomes, per rule that does it."""
        found: dict[LocalState, dict[LocalState, None]] = {}
        for rule in self.space.rules:
            if rule.everyone and rule.move.target is not None:
                for state, target in self._sweep(rule).items():
                    found.setdefault(state, {})[target] = None
        return {state: tuple(targets) for state, targets in found.items()}

    def _sweep(self, rule: Rule) -> dict[LocalState, LocalState]:
        """What becomes of each local state that a rule may sweep along."""
        if rule.everyone not in self._sweeps:
            roles = [everyone.role for everyone in rule.everyone]
            states = {s: None for role in roles for s in self.space.by_role.get(role, ())}
            self._sweeps[rule.everyone] = {s: self.space.swept(rule, s)[0] for s in states}
        return self._sweeps[rule.everyone]

    def _transition(self, rule: Rule) -> Transition:
        ends = rule.move.target is None
        sides = []
        for pairs in rule.pairs:
            shifts: dict[Shift, None] = {}
            for before, after in pairs.items():
                for a in after or (before,):
                    shifts[(self.of[before], self.of[a])] = None
            sides.append(tuple(sorted(shifts)))
        swept = () if ends else self._swept(rule)
        begins = rule.move.template if rule.move.source.kind is LocationKind.CALL else None
        return Transition(rule.guard, rule.shared, tuple(sides), swept, begins, rule.reports, ends)

    def _swept(self, rule: Rule) -> tuple[Shift, ...]:
        shifts: dict[Shift, None] = {}
        for state, target in self._sweep(rule).items():
            if self.of[state] != self.of[target]:
                shifts[(self.of[state], self.of[target])] = None
        return tuple(sorted(shifts))


def _numbered(signature: Mapping[LocalState, tuple[int, ...]]) -> dict[LocalState, int]:
    numbers: dict[tuple[int, ...], int] = {}
    return {s: numbers.setdefault(key, len(numbers)) for s, key in signature.items()}
