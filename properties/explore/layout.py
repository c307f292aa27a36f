"""Where each value of a system lies in a state: a flat tuple of small values.

A state is one slot per field that can change, then one block per thread: where it stands, what it
was woken with, its live locals, and the records that are its own. A field that nothing in this
system writes, or that is only ever given one value, is no state and becomes a constant of the
generated code. Locals that are never alive together share a slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
from attrs import Factory, define, frozen

from haiku_tuntap.model.language.compiler.liveness import expressions_of
from haiku_tuntap.model.language.compiler.types import type_of_annotation
from haiku_tuntap.model.language.graph import (
    INT,
    LIFE,
    STATUS,
    CheckAlive,
    Const,
    Expr,
    Instr,
    Life,
    Load,
    LocationKind,
    Store,
    ThreadGraph,
    ValueType,
    Var,
    instructions,
    walk,
)
from haiku_tuntap.model.language.instances import Instance, Instances
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.system import System

Cell = tuple[int, str]  # (number of a record, name of a field)
State = tuple[Any, ...]


@define(eq=False)
class Block:
    """The slots of one thread, in order: `first` is where it stands, `end` is behind the last."""

    first: int
    result: int
    end: int
    locals: dict[Var, int] = Factory(dict)
    scalars: list[int] = Factory(list)


def all_instructions(graphs: Sequence[ThreadGraph]) -> Iterator[Instr]:
    """Every instruction of every thread."""
    for graph in graphs:
        for location in graph.locations:
            for step in location.steps:
                yield from instructions(step.entry)


@define(eq=False)
class Layout:
    """The slots of a system's states, and its constants."""

    system: System
    instances: Instances
    graphs: Sequence[ThreadGraph]
    slots: dict[Cell, int] = Factory(dict)
    constants: dict[Cell, Any] = Factory(dict)
    blocks: list[Block] = Factory(list)
    names: list[str] = Factory(list)
    types: list[ValueType] = Factory(list)
    initial: State = ()

    def __attrs_post_init__(self) -> None:
        changing = self._changing_cells()
        values: list[Any] = []
        self._add_cells(changing, None, values)
        for index in range(len(self.graphs)):
            self._add_block(index, changing, values)
        self.initial = tuple(values)

    # --- reading states -----------------------------------------------------------------------

    def cell(self, state: State, record: object, field: str) -> Any:
        """The value of a record's field in `state`, as it is stored there."""
        cell = (self.instances.of(record).number, field)
        return state[self.slots[cell]] if cell in self.slots else self.constants[cell]

    def encode(self, value: Any) -> Any:
        """A Python value as it is stored in a state."""
        if value is None:
            return 0
        if isinstance(value, tuple):
            return tuple(self.encode(v) for v in value)
        if isinstance(value, (int, bool)):
            return int(value)
        if isinstance(value, str):
            return value  # a name: never state
        return self.instances.number(value)

    # --- what changes -------------------------------------------------------------------------

    def _changing_cells(self) -> set[Cell]:
        stored: dict[Cell, set[Any]] = {}
        together: list[list[Instance]] = []
        fields: list[str] = []
        for instr in all_instructions(self.graphs):
            if isinstance(instr, Store):
                value = instr.expr.value if isinstance(instr.expr, Const) else _VARIES
                for instance in self.targets(instr.ref, instr.cls):
                    stored.setdefault((instance.number, instr.name), set()).add(
                        value if value is _VARIES else self.encode(value)
                    )
            for access in accesses(instr):
                if not isinstance(access.ref, Const):
                    together.append(self.targets(access.ref, access.cls))
                    fields.append(access.name)
        changing = set()
        for instance in self.instances.all:
            for name, initial in self._initial_fields(instance):
                cell = (instance.number, name)
                values = stored.get(cell, set())
                undefined = values and instance.from_pool and _must_be_given(instance.cls, name)
                possible = values if undefined else values | {initial}
                if len(possible) > 1 or _VARIES in possible:
                    changing.add(cell)
                else:
                    self.constants[cell] = next(iter(possible))
        # A field read through a reference is found by one table: all its records have a slot.
        for group, name in zip(together, fields, strict=True):
            if any((i.number, name) in changing for i in group):
                changing |= {(i.number, name) for i in group}
        return changing

    def targets(self, ref: Expr, cls: type) -> list[Instance]:
        """The records that `ref` may mean."""
        if isinstance(ref, Const):
            return [self.instances.of(ref.value)]
        return self.instances.of_class(cls)

    def _initial_fields(self, instance: Instance) -> Iterator[tuple[str, Any]]:
        if instance.parent is None and self.instances.is_pooled(instance.cls):
            yield LIFE, int(Life.UNUSED if instance.from_pool else Life.ALIVE)
        for name, field in fields_of(instance.cls).items():
            if field.kind is not FieldKind.PART:
                yield name, self.encode(getattr(instance.object, name))

    # --- giving out slots ---------------------------------------------------------------------

    def _slot(self, name: str, value_type: ValueType, value: Any, values: list[Any]) -> int:
        values.append(value)
        self.names.append(name)
        self.types.append(value_type)
        return len(values) - 1

    def _add_cells(self, changing: set[Cell], block: int | None, values: list[Any]) -> None:
        for instance in self.instances.all:
            if instance.block != block:
                continue
            for name, initial in self._initial_fields(instance):
                cell = (instance.number, name)
                if cell in changing:
                    text = f"{instance.name}.{name}" if name != LIFE else instance.name
                    slot = self._slot(text, self.field_type(instance, name), initial, values)
                    self.slots[cell] = slot
                    if block is not None and not self.types[slot].names_records:
                        self.blocks[block].scalars.append(slot)

    def field_type(self, instance: Instance, name: str) -> ValueType:
        """The declared type of a record's field."""
        if name == LIFE:
            return ValueType("life")
        annotation = fields_of(instance.cls)[name].annotation
        return type_of_annotation(annotation, self.system.substitution)

    def _add_block(self, index: int, changing: set[Cell], values: list[Any]) -> None:
        graph = self.graphs[index]
        first = self._slot(f"{graph.name} at", ValueType("location"), 0, values)
        block = Block(first, first, 0, scalars=[first])
        self.blocks.append(block)
        if any(location.kind is LocationKind.BLOCKED for location in graph.locations):
            block.result = self._slot(f"{graph.name} woken with", STATUS, 0, values)
            block.scalars.append(block.result)
        self._add_locals(graph, block, values)
        self._add_cells(changing, index, values)
        block.end = len(values)

    def _add_locals(self, graph: ThreadGraph, block: Block, values: list[Any]) -> None:
        """Give slots to locals: greedily, apart those that are alive together."""
        rivals: dict[Var, set[Var]] = {}
        for location in graph.locations:
            for var in location.live:
                rivals.setdefault(var, set()).update(location.live - {var})
        taken: dict[int, set[Var]] = {}
        order = sorted(rivals, key=lambda v: (v.type.names_records, v.routine, v.name))
        for var in order:
            for slot, tenants in taken.items():
                same_kind = self.types[slot].names_records is var.type.names_records
                if same_kind and not tenants & rivals[var]:
                    break
            else:
                kind = var.type if var.type.names_records else INT
                slot = self._slot(f"{graph.name} local", kind, 0, values)
                taken[slot] = set()
                if not var.type.names_records:
                    block.scalars.append(slot)
            taken[slot].add(var)
            block.locals[var] = slot
            if var.type != self.types[slot] and self.types[slot].names_records:
                self.types[slot] = ValueType("any")


_VARIES: Any = object()


def _must_be_given(cls: type, name: str) -> bool:
    """Whether a record's field has no default, so that only what it is given is ever read."""
    return name != LIFE and attrs.fields_dict(cls)[name].default is attrs.NOTHING


@frozen
class Access:
    """A field that an instruction touches."""

    ref: Expr
    cls: type
    name: str
    writes: bool
    protected: bool


def accesses(instr: Instr) -> Iterator[Access]:
    """The fields that an instruction reads or writes."""
    for expr in expressions_of(instr):
        for part in walk(expr):
            if isinstance(part, Load):
                yield Access(part.ref, part.cls, part.name, False, part.protected)
    if isinstance(instr, Store):
        yield Access(instr.ref, instr.cls, instr.name, True, instr.protected)
    if isinstance(instr, CheckAlive):
        yield Access(instr.ref, instr.cls, LIFE, False, False)
