"""From a state of a finite system to the state of the counted form that stands for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import Factory, define, field
from finite import Finite

from haiku_tuntap.model.language.graph import LIFE, Life, LocationKind, ValueType, Var
from haiku_tuntap.model.language.instances import Instance
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.prove.counted.local import MANY, LocalState
from haiku_tuntap.properties.prove.counted.population import OTHER, OwnRecord, Population, Role
from haiku_tuntap.properties.prove.counted.reads import counts
from haiku_tuntap.properties.prove.counted.runs import CountedState
from haiku_tuntap.properties.prove.counted.space import Space

Read = Callable[[State], Any]


@define(eq=False)
class Abstraction:
    """Which counted state stands for which state of a finite system.

    `names` are the shared variables in the order of their values.
    """

    space: Space
    finite: Finite
    names: list[str] = Factory(list)
    _shared: list[tuple[Read, Callable[[Any], int]]] = field(factory=list)
    _places: list[tuple[Read, Role]] = field(factory=list)
    _fields: list[list[tuple[Read, ValueType]]] = field(factory=list)
    _counters: list[list[bool]] = field(factory=list)
    _constant: list[tuple[Read, ValueType, int | None, int, str]] = field(factory=list)
    _locals: dict[tuple[int, int], list[tuple[Var, int]]] = field(factory=dict)
    _known: dict[Any, LocalState] = field(factory=dict)
    _references: list[Read] = field(factory=list)
    _last: tuple[State, set[int]] = field(default=((), set()))
    _meanings: list[tuple[int | None, int | None, OwnRecord]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        counters = {
            edit.key
            for joint in self.space.joints
            for edits in joint.move.edits
            for edit in edits
            if counts(edit.value)
        }
        self._meanings = [
            (self.canonical(i), i.block, _own_record(i)) for i in self.finite.layout.instances.all
        ]
        self._references = self._find_references()
        self._add_shared()
        for thread, template in enumerate(self.finite.template_of):
            keys = self.space.templates[template].fields
            kinds = [self._own_field(thread, template, key[1], key[2]) for key in keys]
            self._fields.append(kinds)
            queues = self.space.templates[template].queues
            self._counters.append([key in counters and key not in queues for key in keys])
        self._add_constants()

    @property
    def population(self) -> Population:
        return self.space.population

    def of(self, state: State) -> CountedState:
        """The counted state that stands for a state."""
        roles: list[set[Role]] = [set() for _ in self.finite.template_of]
        kept: Counter[str] = Counter()
        for read, role in self._places:
            for number in _several(read(state)):
                roles[self._thread_of(number, role)].add(role)
        values = [self._values(state, thread, roles, kept) for thread in range(len(roles))]
        self._check_constants(state)
        threads = Counter(
            self._local_state(state, thread, values[thread], frozenset(roles[thread]))
            for thread in range(len(roles))
        )
        shared = [code(read(state)) for read, code in self._shared]
        shared += [kept[name] for name in self.names[len(shared) :]]
        return CountedState(frozenset(threads.items()), tuple(shared))

    # --- what is a thread's own -----------------------------------------------------------------

    def _values(
        self, state: State, thread: int, roles: list[set[Role]], kept: Counter[str]
    ) -> tuple[int, ...]:
        """The live locals, as codes; whom they mean gets the role."""
        block = self.finite.layout.blocks[thread]
        place = state[block.first]
        found = []
        for var, slot in self._live(thread, place):
            value = state[slot]
            if var in self.population.unbounded:
                kept[self._name_of(self.finite.template_of[thread], var)] = value
            elif self.population.refers_to_own(var.type):
                role = self._role_of(self.finite.template_of[thread], var)
                for number in _several(value):
                    roles[self._thread_of(number, role)].add(role)
                    kept[role.variable] += 1
            if var.type.name != "seq" and var not in self.population.unbounded:
                found.append(self._code(value, var.type, thread))
        return tuple(found)

    def _live(self, thread: int, place: int) -> list[tuple[Var, int]]:
        """The locals that the counted form keeps there, in its order, and where they lie."""
        template = self.finite.template_of[thread]
        if (thread, place) not in self._locals:
            layout = self.finite.layout
            theirs = {(v.routine, v.name): v for v in layout.graphs[thread].locations[place].live}
            wanted = self.space.templates[template].graph.locations[place].live
            assert len({(v.routine, v.name) for v in wanted}) == len(wanted)
            ordered = [*self.space.templates[template].locals_at(place)]
            ordered += [v for v in wanted if v not in ordered]
            slots = layout.blocks[thread].locals
            self._locals[(thread, place)] = [
                (v, slots[theirs[(v.routine, v.name)]]) for v in ordered
            ]
        return self._locals[(thread, place)]

    def _name_of(self, template: int, var: Var) -> str:
        return f"{self.space.templates[template].name}'s {var.name}"

    def _role_of(self, template: int, var: Var) -> Role:
        place = self._name_of(template, var)
        record = self.population.own_record(var.type)
        return Role(place, record, var.type.name == "seq", template, var.name)

    def _local_state(
        self, state: State, thread: int, locals_: tuple[int, ...], roles: frozenset[Role]
    ) -> LocalState:
        block = self.finite.layout.blocks[thread]
        key = (thread, state[block.first : block.end], roles)
        if key not in self._known:
            template = self.finite.template_of[thread]
            place = state[block.first]
            kind = self.space.templates[template].graph.locations[place].kind
            woken = state[block.result] if kind is LocationKind.RESUMED else 0
            fields = []
            for (read, type_), counts in zip(
                self._fields[thread], self._counters[thread], strict=True
            ):
                value = self._code(read(state), type_, thread)
                fields.append(min(value, MANY) if counts else value)
            made = LocalState(template, place, woken, locals_, tuple(fields), roles)
            self._known[key] = self.space.settled(made)
        return self._known[key]

    def _own_field(
        self, thread: int, template: int, own: OwnRecord, name: str
    ) -> tuple[Read, ValueType]:
        number = self.population.number_of(own, template)
        return self._read(self._own(thread, own), name), self.population.type_of(number, name)

    def _own(self, thread: int, own: OwnRecord) -> Instance:
        instances = self.finite.layout.instances
        return next(
            i
            for i in instances.all
            if i.block == thread and not instances.is_pooled(i.whole.cls) and _own_record(i) == own
        )

    # --- what is shared -------------------------------------------------------------------------

    def _add_shared(self) -> None:
        population = self.population
        for number, name in population.layout.slots:
            if number in population.own or name == LIFE:
                continue
            instance = population.instance(number)
            if population.canonical[number] is not instance or instance.cls in population.immutable:
                continue
            kind = population.type_of(number, name)
            read = self._read_alike(instance, name)
            self.names.append(f"{instance.name}.{name}")
            if population.refers_to_own(kind):
                self._places.append(
                    (read, Role(self.names[-1], population.own_record(kind), kind.name == "seq"))
                )
                self._shared.append((read, lambda value: len(_several(value))))
            else:
                self._shared.append((read, self._coding(kind)))
        self.names += sorted(
            {
                self._name_of(template.index, var)
                for template in self.space.templates
                for location in template.graph.locations
                for var in location.live
                if population.refers_to_own(var.type) or var in population.unbounded
            }
        )

    def _read_alike(self, instance: Instance, name: str) -> Read:
        """A field of a shared record; of the one in use if such records are allocated."""
        instances = self.finite.layout.instances.all
        alike = [i for i in instances if self.canonical(i) == instance.number]
        reads = [self._read(i, name) for i in alike]
        if len(reads) == 1:
            return reads[0]
        lives = [self._read(i.whole, LIFE) for i in alike]
        kind = self.population.type_of(instance.number, name)

        def read(state: State) -> Any:
            in_use = self._in_use(state)
            used = [r for i, r in zip(alike, reads, strict=True) if i.whole.number in in_use]
            old = [r for r, life in zip(reads, lives, strict=True) if life(state) != Life.UNUSED]
            values = [r(state) for r in used or old or reads]
            codes = {self._code(value, kind, None) for value in values}
            assert len(codes) == 1, f"which {instance.name} is meant is not clear"
            return values[0]

        return read

    def _in_use(self, state: State) -> set[int]:
        """The numbers of records that a thread will still use, or a shared field refers to."""
        if self._last[0] is not state:
            found = {read(state) for read in self._references}
            for thread, block in enumerate(self.finite.layout.blocks):
                live = self._live(thread, state[block.first])
                found |= {state[slot] for var, slot in live if var.type.name == "ref"}
            self._last = (state, found)
        return self._last[1]

    def _find_references(self) -> list[Read]:
        """The shared fields that may refer to a record."""
        layout = self.finite.layout
        return [
            self._read(instance, name)
            for instance in layout.instances.all
            if instance.block is None or layout.instances.is_pooled(instance.whole.cls)
            for name, declared in fields_of(instance.cls).items()
            if declared.kind is not FieldKind.PART
            and layout.field_type(instance, name).name == "ref"
        ]

    def canonical(self, instance: Instance) -> int | None:
        """How the counted form stores a reference to what stands for this record; None if own."""
        population = self.population
        if instance.cls in population.immutable:
            return 1
        if population.layout.instances.is_pooled(instance.whole.cls):
            theirs = population.layout.instances
            same = next(i for i in theirs.all if _own_record(i) == _own_record(instance))
            return population.canonical[same.number].number
        if instance.block is not None:
            return None
        found = population.layout.instances.by_object.get(id(instance.object))
        if found is None:  # a monitor: each system has its own
            found = next(i for i in population.layout.instances.all if i.name == instance.name)
        return population.canonical[found.number].number

    def _read(self, instance: Instance, name: str) -> Read:
        layout = self.finite.layout
        cell = (instance.number, name)
        if cell in layout.slots:
            slot = layout.slots[cell]
            return lambda state: state[slot]
        constant = layout.constants.get(cell, 0)
        return lambda state: constant

    # --- what should not change -----------------------------------------------------------------

    def _add_constants(self) -> None:
        """Fields that change here although the counted form takes them for constants."""
        population = self.population
        for number, name in self.finite.layout.slots:
            instance = self.finite.layout.instances.all[number - 1]
            if name == LIFE or instance.cls in population.immutable:
                continue
            there = self.canonical(instance)
            if there is None:
                assert instance.block is not None
                template = self.finite.template_of[instance.block]
                there = population.number_of(_own_record(instance), template)
            if (there, name) in population.layout.slots:
                continue
            kind = population.type_of(there, name)
            read = self._read(instance, name)
            expected = population.constant(there, name)
            assert expected is not None
            self._constant.append((read, kind, instance.block, expected, f"{instance.name}.{name}"))

    def _check_constants(self, state: State) -> None:
        for read, kind, block, expected, name in self._constant:
            assert self._code(read(state), kind, block) == expected, name

    # --- values ---------------------------------------------------------------------------------

    def _code(self, value: Any, kind: ValueType, thread: int | None) -> int:
        """A value as the counted form stores it."""
        if isinstance(value, tuple):
            return len(value)
        if kind.name not in ("ref", "any") or not value:
            return int(value)
        reference: int = value
        shared, block, own = self._meanings[reference - 1]
        if shared is not None:
            return shared
        return self.population.codes[own] if block == thread else OTHER

    def _coding(self, kind: ValueType) -> Callable[[Any], int]:
        return lambda value: self._code(value, kind, None)

    def _thread_of(self, number: int, role: Role) -> int:
        _, block, own = self._meanings[number - 1]
        assert block is not None
        assert own == role.record
        return block


def _own_record(instance: Instance) -> OwnRecord:
    names: list[str] = []
    part = instance
    while part.parent is not None:
        names.insert(0, part.name.removeprefix(f"{part.parent.name}."))
        part = part.parent
    return OwnRecord(part.cls, tuple(names))


def _several(value: Any) -> tuple[int, ...]:
    """The numbers of the records that a place refers to."""
    if isinstance(value, tuple):
        return value
    return (value,) if value else ()
