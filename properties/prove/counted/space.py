"""The local states that threads can be in, and the rules by which they change.

Found by a worklist: every thread template starts somewhere, and a move that some local states can
take leads to others. Whether enough threads are where the move needs them, and whether the shared
variables allow it, is left to the proof; so what is found here includes all that can happen.

A *rule* is a move with everything decided that local states decide: what remains are shared
variables. It has one list of (before, after) per participant.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from haiku_tuntap.model.language.graph import (
    Goto,
    Location,
    LocationKind,
    ThreadGraph,
    Var,
    instructions,
)
from haiku_tuntap.properties.prove.counted.exclusion import Exclusion, exclusion
from haiku_tuntap.properties.prove.counted.execute import WAKES_NOBODY, moves_of
from haiku_tuntap.properties.prove.counted.moves import (
    TEMPLATE,
    WOKEN,
    Edit,
    Everyone,
    Holder,
    Key,
    Move,
    Report,
)
from haiku_tuntap.properties.prove.counted.population import (
    OTHER,
    THREAD,
    CannotCountError,
    OwnRecord,
    Population,
    Role,
    is_shadow,
)
from haiku_tuntap.properties.prove.counted.terms import (
    Fn,
    Own,
    Shared,
    Term,
    evaluate,
    fn,
    leaves,
    substitute,
)

MANY = 1  # a counter of a thread's own that has reached this stands for this or more
MOST_STATES = 50_000
MOST_VALUES = 16  # of a shared variable that threads keep in their locals

SIGNALLED: Key = ("field", THREAD, "signalled")
"""What judges look at of a thread that sleeps, whether or not any step will."""


@frozen(cache_hash=True)
class LocalState:
    """What a thread has to itself: the place, and values in the order of its template's keys."""

    template: int
    place: int
    woken: int
    locals: tuple[int, ...]
    fields: tuple[int, ...]
    roles: frozenset[Role]


@define(eq=False)
class Template:
    """Threads with the same program.

    `fields` are the fields of their own records that change; `queues` those that say whether the
    thread sleeps in a semaphore of its own: 0 or 1.
    """

    index: int
    graph: ThreadGraph
    fields: dict[Key, int]
    initial: LocalState
    queues: frozenset[Key] = frozenset()
    unbounded: frozenset[Var] = frozenset()
    order: dict[int, dict[Var, int]] = Factory(dict)

    @property
    def name(self) -> str:
        return self.graph.name

    def location(self, state: LocalState) -> Location:
        return self.graph.locations[state.place]

    def locals_at(self, place: int) -> dict[Var, int]:
        """Where the live locals lie in a local state."""
        if place not in self.order:
            live = [
                v
                for v in self.graph.locations[place].live
                if v.type.name != "seq" and v not in self.unbounded
            ]
            live.sort(key=lambda v: (v.routine, v.name))
            self.order[place] = {v: i for i, v in enumerate(live)}
        return self.order[place]


@define(eq=False)
class Rule:
    """A move with all that local states decide put in. See the module's essay.

    `guard` are (term, truth) over shared variables, `shared` their new values.
    """

    move: Move
    number: int
    guard: tuple[tuple[Term, bool], ...]
    shared: tuple[tuple[str, Term], ...]
    everyone: tuple[Everyone, ...]
    reports: tuple[Report, ...]
    pairs: tuple[dict[LocalState, tuple[LocalState, ...]], ...]


@define(eq=False)
class Joint:
    """What the participants of a move must agree on: values that others' changes depend on."""

    move: Move
    alone: list[list[tuple[Term, bool]]]
    together: list[tuple[Term, bool]]
    leaves: list[list[Own]]
    domains: list[Shared]
    members: list[dict[tuple[int, ...], list[LocalState]]]
    rules: dict[Any, Rule] = Factory(dict)
    excluded: frozenset[Role] = frozenset()


def joint_of(move: Move) -> Joint:
    """Split a move's tests and values into what one participant decides alone and the rest."""
    count = len(move.participants)
    alone: list[list[tuple[Term, bool]]] = [[] for _ in range(count)]
    together = []
    needed: list[set[Own]] = [set() for _ in range(count)]
    for term, truth in move.tests:
        found = set(leaves(term))
        whose = {leaf.who for leaf in found if isinstance(leaf, Own)}
        if len(whose) == 1 and not any(isinstance(leaf, Shared) for leaf in found):
            alone[whose.pop()].append((_of_anybody(term), truth))
        else:
            together.append((term, truth))
            _need(term, needed)
    for _, term in move.shared:
        _need(term, needed)
    domains: set[Shared] = set()
    for everyone in move.everyone:
        swept = [e.value for e in everyone.edits]
        for term in [*swept, *([] if everyone.wakes is None else [everyone.wakes])]:
            _need(term, needed)
            domains |= {leaf for leaf in leaves(term) if isinstance(leaf, Shared)}
    for who in range(count):
        values = [e.value for e in move.edits[who]]
        wakes = move.wakes[who]
        for term in [*values, *([] if wakes is None else [wakes])]:
            _need(term, needed, but=who)
            domains |= {leaf for leaf in leaves(term) if isinstance(leaf, Shared)}
    ordered = [sorted(n, key=repr) for n in needed]
    members: list[dict[tuple[int, ...], list[LocalState]]] = [{} for _ in range(count)]
    return Joint(move, alone, together, ordered, sorted(domains, key=repr), members)


def _of_anybody(term: Term) -> Term:
    """A term about one participant, whichever it is."""
    return substitute(term, lambda leaf: Own(0, leaf.key) if isinstance(leaf, Own) else leaf)


def _need(term: Term, needed: list[set[Own]], but: int | None = None) -> None:
    for leaf in leaves(term):
        if isinstance(leaf, Own) and leaf.who != but:
            needed[leaf.who].add(leaf)


@define(eq=False)
class Known:
    """What is known of one local state; each term about it is computed once."""

    space: Space
    state: LocalState
    numbers: dict[Term, int | None] = Factory(dict)

    def number(self, term: Term) -> int | None:
        if term not in self.numbers:
            self.numbers[term] = evaluate(term, self._look)
        return self.numbers[term]

    def _look(self, leaf: Shared | Own) -> int | None:
        assert isinstance(leaf, Own)
        return self.space.look(self.state, leaf.key)


@define(eq=False)
class Space:
    """All local states of a population, and all rules."""

    population: Population
    templates: list[Template] = Factory(list)
    states: dict[LocalState, None] = Factory(dict)
    joints: list[Joint] = Factory(list)
    rules: list[Rule] = Factory(list)
    domains: dict[str, set[int]] = Factory(dict)
    needed: list[list[frozenset[int]]] = Factory(list)
    read_by_holders: set[Key] = Factory(set)
    by_role: dict[Role, list[LocalState]] = Factory(dict)
    exclusion: Exclusion = field(init=False)
    acting: dict[tuple[int, int], list[Joint]] = field(factory=dict)
    holding: dict[Role, list[tuple[Joint, int]]] = field(factory=dict)
    meaning: dict[int, list[tuple[Joint, int]]] = field(factory=dict)
    changing: dict[Role, list[Rule]] = field(factory=dict)
    kept: set[str] = field(factory=set)
    counters: set[Key] = field(factory=set)
    derived: list[tuple[str, Term]] = field(factory=list)
    _pending: list[LocalState] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for index in range(len(self.population.layout.graphs)):
            self._add_template(index)
        self._find_domains()
        for template in self.templates:
            self._add_moves(template)
        self._find_reads()
        self._find_kept()
        self._find_counters()
        graphs = self.population.layout.graphs
        self.exclusion = exclusion(graphs, [joint.move for joint in self.joints])
        for joint in self.joints:
            joint.excluded = self.exclusion.excluded_from(joint.move)
        for template in self.templates:
            self._met(template.initial)
        while self._pending:
            self._visit(self._pending.pop())

    # --- setting up ---------------------------------------------------------------------------

    def _add_template(self, index: int) -> None:
        population = self.population
        fields: dict[Key, int] = {}
        queues = set()
        values = []
        for number, (block, own) in population.own.items():
            if block != index:
                continue
            for cell in population.layout.slots:
                if cell[0] == number:
                    key = ("field", own, cell[1])
                    fields[key] = len(fields)
                    if population.type_of(*cell).name == "seq":
                        queues.add(key)
                    values.append(population.initial(*cell))
        graph = population.layout.graphs[index]
        initial = LocalState(index, 0, 0, (), tuple(values), frozenset())
        self.templates.append(
            Template(
                index, graph, fields, initial, frozenset(queues), frozenset(population.unbounded)
            )
        )

    def _find_domains(self) -> None:
        """The first values of shared variables; others are added as they are met."""
        layout = self.population.layout
        for cell in layout.slots:
            number, name = cell
            if number not in self.population.own:
                place = f"{self.population.instance(number).name}.{name}"
                self.domains[place] = {self.population.initial(*cell)}

    def _add_moves(self, template: Template) -> None:
        for location in template.graph.locations:
            for move in moves_of(self.population, template.index, location):
                if move.retry:
                    raise CannotCountError(
                        f"{location.label} gives RETRY: threads that stand before it are not all "
                        "able to take it, and that is not counted; let them sleep instead"
                    )
                self._add_joint(joint_of(move))

    def _add_joint(self, joint: Joint) -> None:
        move = joint.move
        self.joints.append(joint)
        self.acting.setdefault((move.template, move.source.number), []).append(joint)
        for who, binding in enumerate(move.participants):
            if isinstance(binding, Holder):
                self.holding.setdefault(binding.role, []).append((joint, who))
            elif who > 0:
                self.meaning.setdefault(binding.template, []).append((joint, who))

    def _find_reads(self) -> None:
        """Which own fields a thread still reads from each place on, and which others read."""
        mine: dict[tuple[int, int], set[Key]] = {}
        by_holders: set[Key] = set()
        by_anyone: set[Key] = set()
        for joint in self.joints:
            move = joint.move
            for who, key in _reads(move):
                if who == 0:
                    mine.setdefault((move.template, move.source.number), set()).add(key)
                else:
                    holder = isinstance(move.participants[who], Holder)
                    (by_holders if holder else by_anyone).add(key)
        for template in self.templates:
            for location in template.graph.locations:
                if location.kind is LocationKind.BLOCKED:
                    mine.setdefault((template.index, location.number), set()).add(SIGNALLED)
            later = _reads_later(template.graph, mine, template.index)
            self.needed.append(
                [
                    frozenset(
                        at
                        for key, at in template.fields.items()
                        if key in keys | by_anyone or is_shadow(key[1].cls)
                    )
                    for keys in later
                ]
            )
        self.read_by_holders = by_holders

    def _find_counters(self) -> None:
        """The own fields that are counted up or down: from MANY on, nobody may tell them apart."""
        edits = [(j.move, who, e) for j in self.joints for who, e in _edits(j.move)]
        queues = {key for template in self.templates for key in template.queues}
        self.counters = {e.key for _, _, e in edits if e.key[0] == "field" and _counts(e.value)}
        self.counters -= queues
        for joint in self.joints:
            move = joint.move
            terms = [term for _, term in move.shared]
            terms += [e.value for everyone in move.everyone for e in everyone.edits]
            terms += [w for w in (*move.wakes, *(e.wakes for e in move.everyone)) if w is not None]
            for term, _ in move.tests:
                if not _is_blind(term, self.counters):
                    terms.append(term)
            for who, edit in _edits(move):
                if not (_counts(edit.value) and set(leaves(edit.value)) == {Own(who, edit.key)}):
                    terms.append(edit.value)
            for term in terms:
                for key in (leaf.key for leaf in leaves(term) if isinstance(leaf, Own)):
                    if key in self.counters:
                        raise CannotCountError(
                            f"{move.source.label} needs {key[1]}.{key[2]} exactly, of which it is "
                            f"only known whether it is {MANY} or more"
                        )

    def _settled(self, state: LocalState) -> LocalState:
        """The local state with the fields that nobody will read as they were at first."""
        template = self.templates[state.template]
        needed = self.needed[state.template][state.place]
        first = template.initial.fields
        held = {role.record.cls for role in state.roles}
        fields = list(state.fields)
        for key, at in template.fields.items():
            if at not in needed and not (key in self.read_by_holders and key[1].cls in held):
                fields[at] = first[at]
        return evolve(state, fields=tuple(fields)) if tuple(fields) != state.fields else state

    def is_needed(self, state: LocalState, key: Key) -> bool:
        """Whether anybody may still read a field; if not, its value is not kept."""
        at = self.templates[state.template].fields.get(key)
        held = any(role.record.cls is key[1].cls for role in state.roles)
        needed = self.needed[state.template][state.place]
        return at in needed or (key in self.read_by_holders and held)

    # --- looking into local states ------------------------------------------------------------

    def look(self, state: LocalState, key: Key) -> int | None:
        """A value of a local state; None if a thread of that template has no such thing."""
        template = self.templates[state.template]
        if key == WOKEN:
            return state.woken
        if key == TEMPLATE:
            return state.template
        if key[0] == "role":
            return int(key[1] in state.roles)
        if key[0] == "local":
            at = template.locals_at(state.place).get(key[1])
            return None if at is None else state.locals[at]
        if key in template.fields:
            return state.fields[template.fields[key]]
        return self._constant(state.template, key[1], key[2])

    def _constant(self, template: int, own: OwnRecord, name: str) -> int | None:
        population = self.population
        for number, (block, key) in population.own.items():
            if block == template and key == own:
                return population.constant(number, name)
        return None

    def holds(self, known: Known, tests: Iterable[tuple[Term, bool]]) -> bool:
        """Whether a local state passes tests about it."""
        for term, truth in tests:
            value = known.number(term)
            if value is None or bool(value) is not truth:
                return False
        return True

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
        for joint in self.acting.get((state.template, state.place), ()):
            self._join(joint, 0, known)
        for joint, who in self.meaning.get(state.template, ()):
            self._join(joint, who, known)
        for role in state.roles:
            for joint, who in self.holding.get(role, ()):
                self._join(joint, who, known)
            for rule in self.changing.get(role, ()):
                for after in self.swept(rule, state):
                    self._met(after)

    def _join(self, joint: Joint, who: int, known: Known) -> None:
        """A local state that can be a participant of a move."""
        state = known.state
        if state.roles & joint.excluded:
            return
        if not self.holds(known, joint.alone[who]):
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
            self._stored(name, substitute(term, lambda leaf, known=known: known[leaf]))  # type: ignore[misc]

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
                if _counts(term) and key not in template.queues:
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
            return (self._settled(made),)
        # It may have been any number from MANY on, so it may be any from here to MANY.
        rows = [[*fields] for _ in range(fields[unsure], MANY + 1)]
        for value, fields_ in enumerate(rows, fields[unsure]):
            fields_[unsure] = value
        return tuple(dict.fromkeys(self._settled(evolve(made, fields=tuple(r))) for r in rows))


def _reads(move: Move) -> Iterator[tuple[int, Key]]:
    """What a move reads of its participants, as (participant, key)."""
    terms = [term for term, _ in move.tests] + [term for _, term in move.shared]
    terms += [e.value for everyone in move.everyone for e in everyone.edits]
    terms += [wakes for wakes in move.wakes if wakes is not None]
    for term in terms:
        yield from _fields_in(term)
    for who, edits in enumerate(move.edits):
        for edit in edits:
            # That a field is changed by itself tells nobody anything.
            yield from (read for read in _fields_in(edit.value) if read != (who, edit.key))


def _fields_in(term: Term) -> Iterator[tuple[int, Key]]:
    for leaf in leaves(term):
        if isinstance(leaf, Own) and leaf.key[0] == "field":
            yield leaf.who, leaf.key


def _edits(move: Move) -> Iterator[tuple[int, Edit]]:
    for who, edits in enumerate(move.edits):
        for edit in edits:
            yield who, edit


def _is_blind(term: Term, counters: set[Key]) -> bool:
    """Whether a test says the same of all values of a counter from MANY on."""
    found = set(leaves(term))
    if not any(isinstance(leaf, Own) and leaf.key in counters for leaf in found):
        return True
    if len(found) > 1:
        return False
    far = MANY + 2 + sum(abs(n) for n in _numbers(term))
    return len({bool(substitute(term, lambda _, n=n: n)) for n in range(MANY, far)}) == 1  # type: ignore[misc]


def _numbers(term: Term) -> Iterator[int]:
    if isinstance(term, int):
        yield term
    elif isinstance(term, Fn):
        for arg in term.args:
            yield from _numbers(arg)


def _reads_later(
    graph: ThreadGraph, mine: Mapping[tuple[int, int], set[Key]], template: int
) -> list[set[Key]]:
    """For each location the own fields that are read there or later."""
    later = [set(mine.get((template, location.number), ())) for location in graph.locations]
    changed = True
    while changed:
        changed = False
        for location in reversed(graph.locations):
            following = [
                instr.location.number
                for step in location.steps
                for instr in instructions(step.entry)
                if isinstance(instr, Goto)
            ]
            if location.kind is LocationKind.BLOCKED:
                following.append(location.number + 1)
            found = set().union(later[location.number], *(later[n] for n in following))
            if found != later[location.number]:
                later[location.number] = found
                changed = True
    return later


def _counts(term: Term) -> bool:
    """Whether a value is counted up or down: it may grow without bound."""
    return getattr(term, "name", None) in ("add", "sub")
