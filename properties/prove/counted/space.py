"""The local states that threads can be in, and the rules by which they change.

Found by a worklist: every thread template starts somewhere, and a move that some local states can
take leads to others. Whether enough threads are where the move needs them, and whether the shared
variables allow it, is left to the proof; so what is found here includes all that can happen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from attrs import Factory, define, evolve, field

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.exclusion import Exclusion, exclusion
from haiku_tuntap.properties.prove.counted.execute import WAKES_NOBODY
from haiku_tuntap.properties.prove.counted.joints import Joint, Rule
from haiku_tuntap.properties.prove.counted.local import MANY, LocalState
from haiku_tuntap.properties.prove.counted.moves import Edit, Everyone, Key, Move
from haiku_tuntap.properties.prove.counted.population import OTHER, CannotCountError, Role
from haiku_tuntap.properties.prove.counted.reads import counts
from haiku_tuntap.properties.prove.counted.surroundings import Known, Parts, Surroundings
from haiku_tuntap.properties.prove.counted.terms import (
    Own,
    Shared,
    Term,
    fn,
    leaves,
    substitute,
)

MOST_STATES = 50_000
TELL_EVERY = 256  # local states
MOST_VALUES = 16  # of a shared variable that threads keep in their locals


@define(eq=False)
class Space(Surroundings):
    """All local states of a population, and all rules; `tell` hears how many states there are."""

    tell: Callable[[int], None] = lambda count: None
    states: dict[LocalState, None] = Factory(dict)
    rules: list[Rule] = Factory(list)
    by_role: dict[Role, list[LocalState]] = Factory(dict)
    exclusion: Exclusion = field(init=False)
    changing: dict[Role, list[Rule]] = field(factory=dict)
    kept: set[str] = field(factory=set)
    derived: list[tuple[str, Term]] = field(factory=list)
    _pending: list[LocalState] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._find_kept()
        graphs = self.population.layout.graphs
        self.exclusion = exclusion(graphs, [joint.move for joint in self.joints])
        for joint in self.joints:
            joint.excluded = self.exclusion.excluded_from(joint.move)
        for template in self.templates:
            self._met(template.initial)
        while self._pending:
            self._visit(self._pending.pop())

    def referring(self, role: Role) -> list[LocalState] | None:
        """The local states of threads whose local refers to others; None if it is no local."""
        if role.template is None:
            return None
        found = []
        for state in self.states:
            if state.template != role.template:
                continue
            live = self.templates[role.template].location(state).live
            var = next((v for v in live if v.name == role.local and v.type.cls), None)
            if var is None:
                continue
            if role.many or self.look(state, ("local", var)) == OTHER:
                found.append(state)
        return found

    # --- the worklist -------------------------------------------------------------------------

    def _met(self, state: LocalState) -> None:
        if state not in self.states:
            self.states[state] = None
            if len(self.states) % TELL_EVERY == 0:
                self.tell(len(self.states))
            if len(self.states) > MOST_STATES:
                raise CannotCountError(
                    f"{self.templates[state.template].name} can be in more than {MOST_STATES:,} "
                    "local states; maybe a local of it counts without bound"
                )
            for role in state.roles:
                self.by_role.setdefault(role, []).append(state)
            self._pending.append(state)

    def _visit(self, state: LocalState) -> None:
        known = Known(self, state)
        self._take_part(self.acting.get((state.template, state.place), {}), known)
        self._take_part(self.meaning.get(state.template, {}), known)
        for role in state.roles:
            self._take_part(self.holding.get(role, {}), known)
            for rule in self.changing.get(role, ()):
                for after in self.swept(rule, state):
                    self._met(after)

    def _take_part(self, parts: Parts, known: Known) -> None:
        for alone, joints in parts.items():
            if self.holds(known, alone):
                for joint, who in joints:
                    self._join(joint, who, known)

    def _join(self, joint: Joint, who: int, known: Known) -> None:
        """A local state that decides alone to take part in a move."""
        state = known.state
        if state.roles & joint.excluded:
            return
        found = [self.look(state, leaf.key) for leaf in joint.leaves[who]]
        if None in found:
            return
        agreed = tuple(v for v in found if v is not None)
        joint.members[who].setdefault(agreed, []).append(state)
        others = [
            [agreed] if w == who else list(members) for w, members in enumerate(joint.members)
        ]
        for combination in itertools.product(*others):
            for values in self._values(joint):
                self._rule(joint, combination, values, who, state)

    def _values(self, joint: Joint) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(sorted(self.domains[s.name]) for s in joint.domains))

    def _rule(
        self,
        joint: Joint,
        combination: tuple[tuple[int, ...], ...],
        values: tuple[int, ...],
        who: int,
        state: LocalState,
    ) -> None:
        key = (combination, values)
        known = dict(zip(joint.domains, values, strict=True))
        agreed = {
            leaf: value
            for leaves_, found in zip(joint.leaves, combination, strict=True)
            for leaf, value in zip(leaves_, found, strict=True)
        }
        if key not in joint.rules:
            rule = self._new_rule(joint.move, joint.together, agreed, known)
            joint.rules[key] = rule
            if not any(isinstance(t, int) and bool(t) is not truth for t, truth in rule.guard):
                self._begin(joint, rule, combination, agreed, known)
            return
        rule = joint.rules[key]
        if rule.number >= 0:
            self._pair(rule, who, state, agreed, known)

    def _new_rule(
        self,
        move: Move,
        together: list[tuple[Term, bool]],
        agreed: dict[Own, int],
        known: dict[Shared, int],
    ) -> Rule:
        def put(leaf: Shared | Own) -> Term:
            return agreed.get(leaf, leaf) if isinstance(leaf, Own) else known.get(leaf, leaf)

        tests = [(substitute(term, put), truth) for term, truth in together]
        tests += [(fn("eq", leaf, value), True) for leaf, value in known.items()]
        return Rule(
            move=move,
            number=-1,
            guard=tuple(t for t in tests if not (isinstance(t[0], int) and bool(t[0]) is t[1])),
            shared=tuple((name, substitute(term, put)) for name, term in move.shared),
            everyone=tuple(
                Everyone(
                    e.role,
                    tuple(Edit(d.key, substitute(d.value, put)) for d in e.edits),
                    None if e.wakes is None else substitute(e.wakes, put),
                )
                for e in move.everyone
            ),
            reports=move.reports,
            pairs=tuple({} for _ in move.participants),
        )

    def _begin(
        self,
        joint: Joint,
        rule: Rule,
        combination: tuple[tuple[int, ...], ...],
        agreed: dict[Own, int],
        known: dict[Shared, int],
    ) -> None:
        """A rule that somebody can take for the first time."""
        rule.number = len(self.rules)
        self.rules.append(rule)
        for who, found in enumerate(combination):
            for member in list(joint.members[who][found]):
                self._pair(rule, who, member, agreed, known)
        for name, term in rule.shared:
            self._stored(name, term)
        for everyone in rule.everyone:
            self.changing.setdefault(everyone.role, []).append(rule)
            for member in list(self.by_role.get(everyone.role, ())):
                for after in self.swept(rule, member):
                    self._met(after)

    def _stored(self, name: str, term: Term) -> None:
        """A shared variable may get a value; what depends on its values is tried again."""
        if name not in self.domains:
            return
        if not isinstance(term, int):
            if name in self.kept:
                self.derived.append((name, term))
                self._derive(name, term)
            return
        if term in self.domains[name]:
            return
        self.domains[name].add(term)
        if len(self.domains[name]) > MOST_VALUES:
            raise CannotCountError(f"{name} may have any number of values, and a thread keeps one")
        for joint in self.joints:
            if any(s.name == name for s in joint.domains):
                again = [m for members in joint.members[0].values() for m in members]
                joint.members[0].clear()
                for member in again:
                    self._join(joint, 0, Known(self, member))
        for other, value in list(self.derived):
            if Shared(name) in leaves(value):
                self._derive(other, value)

    def _derive(self, name: str, term: Term) -> None:
        """Store what a term over shared variables may be."""
        found = [leaf for leaf in dict.fromkeys(leaves(term)) if isinstance(leaf, Shared)]
        domains = [sorted(self.domains[leaf.name]) for leaf in found]
        for values in itertools.product(*domains):
            known = dict(zip(found, values, strict=True))
            put = known.__getitem__
            self._stored(name, substitute(term, put))  # type: ignore[arg-type]  # all are Shared

    def _find_kept(self) -> None:
        """The shared variables that threads keep in their locals, and what those are made of."""
        self.kept = {s.name for joint in self.joints for s in joint.domains}
        before = -1
        while before != len(self.kept):
            before = len(self.kept)
            for joint in self.joints:
                for name, term in joint.move.shared:
                    if name in self.kept:
                        self.kept |= {s.name for s in leaves(term) if isinstance(s, Shared)}

    def _pair(
        self,
        rule: Rule,
        who: int,
        state: LocalState,
        agreed: dict[Own, int],
        known: dict[Shared, int],
    ) -> None:
        move = rule.move
        if state in rule.pairs[who]:
            return

        def put(leaf: Shared | Own) -> Term:
            if isinstance(leaf, Shared):
                return known[leaf]
            if leaf.who != who:
                return agreed[leaf]
            value = self.look(state, leaf.key)
            assert value is not None, (leaf, state)
            return value

        values = [(e.key, substitute(e.value, put), e.value) for e in move.edits[who]]
        wakes = move.wakes[who]
        woken = None if wakes is None else substitute(wakes, put)
        place = self._goes_to(rule, who, state, woken is not None)
        if place is None:
            rule.pairs[who][state] = ()
            return
        changed = self._changed(state, place, values, woken if isinstance(woken, int) else None)
        possible = tuple(s for s in changed if not self.exclusion.impossible(s.roles))
        if possible:
            rule.pairs[who][state] = possible
        for after in possible:
            self._met(after)

    def _goes_to(self, rule: Rule, who: int, state: LocalState, wakes: bool) -> int | None:
        """Where a participant stands after the rule; None if the path ends in the step."""
        if rule.move.target is None:
            return None
        if who == 0:
            return rule.move.target.number
        if not wakes:
            return state.place
        location = self.templates[state.template].location(state)
        if location.kind is not LocationKind.BLOCKED:
            rule.reports = (*rule.reports, WAKES_NOBODY)
            return None
        return state.place + 1

    def swept(self, rule: Rule, state: LocalState) -> tuple[LocalState, ...]:
        """What becomes of a thread that takes no part in a rule, but has a role that it changes."""
        edits, woken = [], None
        for everyone in rule.everyone:
            if everyone.role in state.roles:
                edits += [(e.key, e.value, e.value) for e in everyone.edits]
                woken = everyone.wakes if everyone.wakes is not None else woken
        place = state.place
        if woken is not None:
            assert isinstance(woken, int)
            if self.templates[state.template].location(state).kind is not LocationKind.BLOCKED:
                raise CannotCountError(f"{rule.move.source.label} wakes threads that do not sleep")
            place += 1
        changed = self._changed(state, place, edits, woken)
        if len(changed) > 1:
            raise CannotCountError(
                f"{rule.move.source.label} lowers a number of each thread in a list, and how large "
                "that is for each is not known"
            )
        # Who holds what only the thread of this rule can hold is not there.
        return (state,) if self.exclusion.impossible(changed[0].roles) else changed

    def _changed(
        self,
        state: LocalState,
        place: int,
        values: list[tuple[Key, Term, Term]],
        woken: int | None,
    ) -> tuple[LocalState, ...]:
        """A local state with new values, several if one of them is a counter that is not exact."""
        template = self.templates[state.template]
        fields, roles, locals_ = list(state.fields), set(state.roles), {}
        unsure: int | None = None
        for key, value, term in values:
            assert isinstance(value, int), (key, value)
            if key[0] == "role":
                (roles.add if value else roles.discard)(key[1])
            elif key[0] == "local":
                locals_[key[1]] = value
            elif key in template.fields:  # else it has one value only, or nobody ever reads it
                at = template.fields[key]
                if counts(term) and key not in template.queues:
                    if value < state.fields[at] == MANY:
                        unsure = at
                    value = min(value, MANY)
                fields[at] = value
        kept = template.locals_at(state.place)
        row = []
        for var in template.locals_at(place):
            row.append(locals_[var] if var in locals_ else state.locals[kept[var]])
        kind = template.graph.locations[place].kind
        stays = place == state.place
        result = woken if woken is not None else (state.woken if stays else 0)
        assert kind is not LocationKind.RESUMED or result is not None
        held = frozenset(roles)
        made = LocalState(state.template, place, result, tuple(row), tuple(fields), held)
        if unsure is None:
            return (self.settled(made),)
        # It may have been any number from MANY on, so it may be any from here to MANY.
        rows = [[*fields] for _ in range(fields[unsure], MANY + 1)]
        for value, fields_ in enumerate(rows, fields[unsure]):
            fields_[unsure] = value
        return tuple(dict.fromkeys(self.settled(evolve(made, fields=tuple(r))) for r in rows))
