"""What is counted: which values all threads share, and which are a thread's own.

A thread template stands for any number of equal threads. What distinguishes one of them from the
others is its *local state*: where it stands, its live locals, the fields of records that are its
own, and its *roles*: what it is to shared records that refer to threads. That the mutex has an
owner is a shared fact; that I am the owner is a role of mine. So a wait queue becomes the set of
threads with the role "waits there" (its order is given up), and a reference from one thread to
another becomes a role of the one that is meant.

Records that are allocated are of two kinds. An immutable one (a net buffer) is nothing but its
value. Any other kind (a descriptor, a cookie) is one record that is used again and again, which is
right only if it is never allocated while somebody still uses it: an obligation of the proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language import System, Thread
from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.compiler.liveness import mark_live
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    LIFE,
    Assign,
    CheckAlive,
    Expr,
    Load,
    Local,
    Op,
    Store,
    ThreadGraph,
    ValueType,
    Var,
    instructions,
    walk,
)
from haiku_tuntap.model.language.instances import Instance, Instances, unused
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.properties.explore.layout import Layout, all_instructions


class CannotCountError(Exception):
    """The system has something that integers cannot stand for; the message says what."""


@frozen(cache_hash=True)
class OwnRecord:
    """A record of a thread's own, alike in all threads that have one: its class and place in it."""

    cls: type
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.cls.__name__, *self.path))


@frozen(cache_hash=True)
class Role:
    """That a thread, or a record of its own, is what `place` refers to.

    A place is a field of a shared record, or a local of a template's threads. `many` says that
    it may refer to several (a sequence).
    """

    place: str
    record: OwnRecord
    many: bool
    template: int | None = None
    local: str | None = None

    @property
    def variable(self) -> str:
        """The shared variable which says how many have the role."""
        return self.place


THREAD = OwnRecord(Thread)
OTHER = -1  # the code of a reference to another thread's record: who it is, its role says


@define(eq=False)
class Population:
    """The records of a system, as its counted form sees them."""

    layout: Layout
    one: frozenset[str] = frozenset()
    canonical: dict[int, Instance] = Factory(dict)
    own: dict[int, tuple[int, OwnRecord]] = Factory(dict)
    codes: dict[OwnRecord, int] = Factory(dict)
    immutable: frozenset[type] = frozenset()
    own_classes: frozenset[type] = field(init=False)
    unbounded: set[Var] = Factory(set)

    def __attrs_post_init__(self) -> None:
        forget_lives(self.layout.graphs)
        instances = self.layout.instances
        pooled = {i.cls for i in instances.all if i.from_pool and i.parent is None}
        self.immutable = frozenset(c for c in pooled if _is_immutable(c))
        for instance in instances.all:
            self.canonical[instance.number] = self._canonical(instance)
        for instance in instances.all:
            whole = self.canonical[instance.number].whole
            recycled = instances.is_pooled(whole.cls)
            if instance.block is not None and not recycled:
                self._add_own(instance, instance.block)
        self._find_unbounded()
        self.own_classes = frozenset(record.cls for record in self.codes if not record.path)
        self._check_names()

    def _canonical(self, instance: Instance) -> Instance:
        """The record that stands for all of its class, if those are allocated."""
        if not self.layout.instances.is_pooled(instance.whole.cls):
            return instance
        first = next(i for i in self.layout.instances.all if i.cls is instance.whole.cls)
        found = first.object
        for name in _path(instance):
            found = getattr(found, name)
        return self.layout.instances.of(found)

    def _add_own(self, instance: Instance, block: int) -> None:
        key = OwnRecord(instance.whole.cls, _path(instance))
        if any(key == k and block == b for b, k in self.own.values()):
            raise CannotCountError(f"a thread has two records of class {key.cls.__name__}")
        self.own[instance.number] = (block, key)
        self.codes.setdefault(key, OTHER - 1 - len(self.codes))

    def _find_unbounded(self) -> None:
        """The locals that may hold a number without bound, in a thread of which there is one.

        They are variables like the shared ones, for there is only one of each.
        """
        graphs = [g for g in self.layout.graphs if g.name in self.one]
        counted: set[tuple[int, str]] = set()
        before = -1
        while before != len(counted) + len(self.unbounded):
            before = len(counted) + len(self.unbounded)
            for instr in all_instructions(self.layout.graphs):
                if isinstance(instr, Store) and self._is_unbounded(instr.expr, counted):
                    targets = self.layout.targets(instr.ref, instr.cls)
                    counted |= {(i.number, instr.name) for i in targets}
            for instr in all_instructions(graphs):
                if isinstance(instr, Assign) and self._is_unbounded(instr.expr, counted):
                    self.unbounded.add(instr.var)

    def _check_names(self) -> None:
        """Locals that are shared, or give a role, are known by their names."""
        for graph in self.layout.graphs:
            for location in graph.locations:
                named: dict[str, Var] = {}
                for var in location.live:
                    if var not in self.unbounded and not self.refers_to_own(var.type):
                        continue
                    if named.setdefault(var.name, var) is not var:
                        raise CannotCountError(
                            f"{graph.name} needs two locals named {var.name} at once, of "
                            f"{named[var.name].routine} and {var.routine}; rename one of them"
                        )

    def _is_unbounded(self, expr: Expr, counted: set[tuple[int, str]]) -> bool:
        for part in walk(expr):
            if isinstance(part, Op) and part.name in ("add", "sub"):
                return True
            if isinstance(part, Op) and part.type.name == "bool":
                return False
            if isinstance(part, Local) and part.var in self.unbounded:
                return True
            if isinstance(part, Load):
                targets = self.layout.targets(part.ref, part.cls)
                if any((i.number, part.name) in counted for i in targets):
                    return True
        return False

    # --- records ------------------------------------------------------------------------------

    def instance(self, number: int) -> Instance:
        return self.layout.instances.all[number - 1]

    def part(self, record: OwnRecord, name: str) -> OwnRecord:
        return OwnRecord(record.cls, (*record.path, name))

    def number_of(self, record: OwnRecord, template: int) -> int:
        """The number of a template's own record."""
        for number, (block, key) in self.own.items():
            if block == template and key == record:
                return number
        raise CannotCountError(f"{record} is referred to, and not every thread has one")

    def targets(self, ref: Expr, cls: type) -> Iterator[Instance]:
        """The records that a reference may mean, one for all that are allocated."""
        found = {self.canonical[i.number].number for i in self.layout.targets(ref, cls)}
        return (self.instance(number) for number in sorted(found))

    def has(self, template: int, record: OwnRecord) -> bool:
        """Whether the threads of a template have such a record."""
        return (template, record) in self.own.values()

    def recycled(self, label: str) -> Instance | None:
        """The record that stands for all of the class which a step allocates, by its label."""
        found = (r for r in self.all_recycled() if label == f"allocate({r.cls.__name__})")
        return next(found, None)

    def all_recycled(self) -> list[Instance]:
        """The records each of which stands for all of its class."""
        found: dict[int, Instance] = {}
        for instance in self.layout.instances.all:
            if (
                instance.from_pool
                and instance.parent is None
                and instance.cls not in self.immutable
            ):
                whole = self.canonical[instance.number]
                found[whole.number] = whole
        return list(found.values())

    def as_new(self, label: str) -> Iterator[tuple[str, int]]:
        """The fields that change of the record which a step allocates, as they are when new."""
        record = self.recycled(label)
        if record is None:
            return
        fresh = unused(record.cls, self.layout.system.substitution)
        for part in self.layout.instances.all:
            if part.whole is not record:
                continue
            found = fresh
            for name in _path(part):
                found = getattr(found, name)
            for name, declared in fields_of(part.cls).items():
                if declared.kind is not FieldKind.PART and self.constant(part.number, name) is None:
                    value = getattr(found, name)
                    yield (
                        f"{part.name}.{name}",
                        len(value) if isinstance(value, tuple) else int(value or 0),
                    )

    # --- fields -------------------------------------------------------------------------------

    def type_of(self, number: int, name: str) -> ValueType:
        return self.layout.field_type(self.instance(number), name)

    def constant(self, number: int, name: str) -> int | None:
        """The value of a field that never changes, as a code; None if it does."""
        values = set()
        for instance in self._alike(number):
            cell = (instance.number, name)
            if cell in self.layout.slots:
                return None
            values.add(self._code(self.layout.constants[cell], self.type_of(*cell)))
        return values.pop() if len(values) == 1 else None

    def initial(self, number: int, name: str) -> int:
        """The value of a scalar field, or the length of a sequence, in the initial state."""
        cell = (number, name)
        slots = self.layout.slots
        found = self.layout.initial[slots[cell]] if cell in slots else self.layout.constants[cell]
        return self._code(found, self.type_of(*cell))

    def refers_to_own(self, kind: ValueType) -> bool:
        """Whether values of this type refer to threads, or to records of their own."""
        return kind.cls is not None and any(
            issubclass(own, kind.cls) or issubclass(kind.cls, own) for own in self.own_classes
        )

    def holds_immutable(self, kind: ValueType) -> bool:
        """Whether values of this type are, or hold, immutable records."""
        return kind.cls is not None and kind.cls in self.immutable

    def own_record(self, kind: ValueType) -> OwnRecord:
        """The own records that values of this type refer to."""
        found = [c for c in self.own_classes if kind.cls and issubclass(c, kind.cls)]
        if len(found) != 1:
            raise CannotCountError(f"a reference to {kind.cls} may mean records of several kinds")
        return OwnRecord(found[0])

    def _alike(self, number: int) -> list[Instance]:
        whole = self.canonical[number]
        return [i for i in self.layout.instances.all if self.canonical[i.number] is whole]

    def _code(self, value: Any, kind: ValueType) -> int:
        if isinstance(value, tuple):
            return len(value)
        if kind.name in ("ref", "any") and value:
            return self.code_of(value)
        return int(value)

    def code_of(self, number: int) -> int:
        """A reference to the record of that number as it is stored."""
        if number in self.own:
            return self.codes[self.own[number][1]]
        return self.canonical[number].number


def population_of(system: System, one: frozenset[str]) -> Population:
    """The population of a system of templates; of `one` there is one thread."""
    instances = Instances(system)
    graphs = compile_threads(system, instances)
    return Population(Layout(system, instances, graphs, keeps_references=True), one)


def _path(instance: Instance) -> tuple[str, ...]:
    """The names of the parts that lead from the outermost record to this one."""
    names: list[str] = []
    while instance.parent is not None:
        names.insert(0, _part_name(instance))
        instance = instance.parent
    return tuple(names)


def _part_name(instance: Instance) -> str:
    assert instance.parent is not None
    whole = instance.parent.object
    return next(
        name
        for name, f in fields_of(type(whole)).items()
        if f.kind is FieldKind.PART and getattr(whole, name) is instance.object
    )


def _is_immutable(cls: type) -> bool:
    return all(f.kind is FieldKind.FINAL for f in fields_of(cls).values())


def is_shadow(cls: type) -> bool:
    """Whether records of a class are a monitor's, which the judges of properties read."""
    return "shadow_of" in fields_of(cls)


def forget_lives(graphs: Sequence[ThreadGraph]) -> None:
    """Do without the checks that memory is used only while allocated, and find anew what is live.

    Then a live local that means a record says that the thread will still use it.
    """
    for graph in graphs:
        for location in graph.locations:
            for step in location.steps:
                for instr in instructions(step.entry):
                    if isinstance(instr, CheckAlive) or (
                        isinstance(instr, Store) and instr.name == LIFE
                    ):
                        instr.ref = constant(None)
        mark_live(graph.locations)
