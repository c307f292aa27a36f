"""The templates and moves of a population, and what is to be known of a local state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import Factory, define, evolve, field

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.execute import moves_of
from haiku_tuntap.properties.prove.counted.joints import Joint, joint_of
from haiku_tuntap.properties.prove.counted.local import MANY, LocalState, Template
from haiku_tuntap.properties.prove.counted.moves import TEMPLATE, WOKEN, Holder, Key
from haiku_tuntap.properties.prove.counted.population import (
    THREAD,
    CannotCountError,
    OwnRecord,
    Population,
    Role,
    is_shadow,
)
from haiku_tuntap.properties.prove.counted.reads import (
    counts,
    edits_of,
    is_blind,
    reads_later,
    reads_of,
)
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, evaluate, leaves

Parts = dict[tuple[tuple[Term, bool], ...], list[tuple[Joint, int]]]
"""Moves, and which participant one can be in each, by what must be true of that one alone."""

SIGNALLED: Key = ("field", THREAD, "signalled")
"""What judges look at of a thread that sleeps, whether or not any step will."""


@define(eq=False)
class Known:
    """What is known of one local state; each term about it is computed once."""

    states: Surroundings
    state: LocalState
    numbers: dict[Term, int | None] = Factory(dict)

    def number(self, term: Term) -> int | None:
        if term not in self.numbers:
            self.numbers[term] = evaluate(term, self._look)
        return self.numbers[term]

    def _look(self, leaf: Shared | Own) -> int | None:
        assert isinstance(leaf, Own)
        return self.states.look(self.state, leaf.key)


@define(eq=False)
class Surroundings:
    """What local states are made of and looked at by; the worklist begins when it is complete."""

    population: Population
    templates: list[Template] = Factory(list)
    joints: list[Joint] = Factory(list)
    domains: dict[str, set[int]] = Factory(dict)
    needed: list[list[frozenset[int]]] = Factory(list)
    read_by_holders: set[Key] = Factory(set)
    acting: dict[tuple[int, int], Parts] = field(factory=dict)
    holding: dict[Role, Parts] = field(factory=dict)
    meaning: dict[int, Parts] = field(factory=dict)
    counters: set[Key] = field(factory=set)
    _unread: dict[tuple[int, int, frozenset[Role]], tuple[int, ...]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for index in range(len(self.population.layout.graphs)):
            self._add_template(index)
        self._find_domains()
        for template in self.templates:
            self._add_moves(template)
        self._find_reads()
        self._find_counters()

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
        for who, binding in enumerate(move.participants):
            if isinstance(binding, Holder):
                parts = self.holding.setdefault(binding.role, {})
            elif who > 0:
                parts = self.meaning.setdefault(binding.template, {})
            else:
                parts = self.acting.setdefault((move.template, move.source.number), {})
            parts.setdefault(tuple(joint.alone[who]), []).append((joint, who))

    def _find_reads(self) -> None:
        """Which own fields a thread still reads from each place on, and which others read."""
        mine: dict[tuple[int, int], set[Key]] = {}
        by_holders: set[Key] = set()
        by_anyone: set[Key] = set()
        for joint in self.joints:
            move = joint.move
            for who, key in reads_of(move):
                if who == 0:
                    mine.setdefault((move.template, move.source.number), set()).add(key)
                else:
                    holder = isinstance(move.participants[who], Holder)
                    (by_holders if holder else by_anyone).add(key)
        for template in self.templates:
            for location in template.graph.locations:
                if location.kind is LocationKind.BLOCKED:
                    mine.setdefault((template.index, location.number), set()).add(SIGNALLED)
            later = reads_later(template.graph, mine, template.index)
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
        edits = [(j.move, who, e) for j in self.joints for who, e in edits_of(j.move)]
        queues = {key for template in self.templates for key in template.queues}
        self.counters = {e.key for _, _, e in edits if e.key[0] == "field" and counts(e.value)}
        self.counters -= queues
        for joint in self.joints:
            move = joint.move
            terms = [term for _, term in move.shared]
            terms += [e.value for everyone in move.everyone for e in everyone.edits]
            terms += [w for w in (*move.wakes, *(e.wakes for e in move.everyone)) if w is not None]
            for term, _ in move.tests:
                if not is_blind(term, self.counters):
                    terms.append(term)
            for who, edit in edits_of(move):
                if not (counts(edit.value) and set(leaves(edit.value)) == {Own(who, edit.key)}):
                    terms.append(edit.value)
            for term in terms:
                for key in (leaf.key for leaf in leaves(term) if isinstance(leaf, Own)):
                    if key in self.counters:
                        raise CannotCountError(
                            f"{move.source.label} needs {key[1]}.{key[2]} exactly, of which it is "
                            f"only known whether it is {MANY} or more"
                        )

    def settled(self, state: LocalState) -> LocalState:
        """The local state with the fields that nobody will read as they were at first."""
        where = (state.template, state.place, state.roles)
        if where not in self._unread:
            self._unread[where] = tuple(self._unread_in(state))
        first = self.templates[state.template].initial.fields
        changed = [at for at in self._unread[where] if state.fields[at] != first[at]]
        if not changed:
            return state
        fields = list(state.fields)
        for at in changed:
            fields[at] = first[at]
        return evolve(state, fields=tuple(fields))

    def _unread_in(self, state: LocalState) -> Iterator[int]:
        """The fields that nobody reads later of a thread that stands there with such roles."""
        fields = self.templates[state.template].fields
        return (at for key, at in fields.items() if not self.is_needed(state, key))

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
