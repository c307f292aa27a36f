"""Where each value of a system lies in a state: a flat tuple of small values.

A state is one slot per field that can change, then one block per thread: where it stands, what it
was woken with, its live locals, and the records that are its own. What is the same in all states
(fold.py) becomes a constant of the generated code, what nobody reads of a thread is left out, and
locals that are never alive together share a slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.compiler.liveness import expressions_of, mark_live
from haiku_tuntap.model.language.compiler.types import type_of_annotation
from haiku_tuntap.model.language.graph import (
    INT,
    LIFE,
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
from haiku_tuntap.model.language.records import fields_of
from haiku_tuntap.model.language.system import System
from haiku_tuntap.properties.explore.fold import UNKNOWN, VARIES, Cell, Folding, OrNone, is_one

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
    """The slots of a system's states, and its constants.

    With `keeps_references` locals that can only mean one record are not replaced by it, so that
    one sees who uses it.
    """

    system: System
    instances: Instances
    graphs: Sequence[ThreadGraph]
    keeps_references: bool = False
    slots: dict[Cell, int] = Factory(dict)
    constants: dict[Cell, Any] = Factory(dict)
    blocks: list[Block] = Factory(list)
    names: list[str] = Factory(list)
    types: list[ValueType] = Factory(list)
    initial: State = ()
    folding: Folding = field(init=False)

    def __attrs_post_init__(self) -> None:
        # What is narrowed by the first is folded by the second.
        for _ in range(2):
            self.folding = Folding(self.instances, self.graphs, self.keeps_references)
            self.folding.simplify()
        for graph in self.graphs:
            mark_live(graph.locations)
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
        """The fields that have several values; a field that is found by a table, with its kin."""
        changing = {
            c
            for c, value in self.folding.cells.items()
            if value is VARIES or isinstance(value, OrNone)
        }
        read: set[Cell] = set()
        for instr in all_instructions(self.graphs):
            for access in accesses(instr):
                group = {(i.number, access.name) for i in self.targets(access.ref, access.cls)}
                if not isinstance(access.ref, Const) and group & changing:
                    changing |= group
                if not access.writes:
                    read |= group
        threads = {self.instances.number(spec.thread) for spec in self.system.threads}
        kept = {name for number, name in read if number in threads}
        changing -= {c for c in changing if c[0] in threads and c[1] not in kept}
        for cell, value in self.folding.cells.items():
            if cell not in changing and (is_one(value) or value is UNKNOWN):
                self.constants[cell] = 0 if value is UNKNOWN else self.encode(value)
        return changing

    def targets(self, ref: Expr, cls: type) -> list[Instance]:
        """The records that `ref` may mean."""
        return self.folding.targets(ref, cls)

    def _initial(self, cell: Cell) -> Any:
        if cell[1] == LIFE:
            instance = self.instances.all[cell[0] - 1]
            return int(Life.UNUSED if instance.from_pool else Life.ALIVE)
        return self.encode(getattr(self.instances.all[cell[0] - 1].object, cell[1]))

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
            for name in (LIFE, *fields_of(instance.cls)):
                cell = (instance.number, name)
                if cell in changing:
                    text = f"{instance.name}.{name}" if name != LIFE else instance.name
                    kind = self.field_type(instance, name)
                    slot = self._slot(text, kind, self._initial(cell), values)
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
        self._add_locals(graph, block, values)
        self._add_cells(changing, index, values)
        block.end = len(values)

    def _add_locals(self, graph: ThreadGraph, block: Block, values: list[Any]) -> None:
        """Give slots to locals: greedily, apart those that are alive together.

        What a sleeper is woken with is one of them, alive from the sleep to the next step.
        """
        woken_with = Var("woken with", "", INT)
        rivals: dict[Var, set[Var]] = {}
        for location in graph.locations:
            sleeps = location.kind in (LocationKind.BLOCKED, LocationKind.RESUMED)
            alive = location.live | {woken_with} if sleeps else location.live
            for var in alive:
                rivals.setdefault(var, set()).update(alive - {var})
        taken: dict[int, set[Var]] = {}
        order = sorted(rivals, key=lambda v: (v.type.names_records, v.routine, v.name))
        for var in order:
            for slot, tenants in taken.items():
                if _kind(self.types[slot]) == _kind(var.type) and not tenants & rivals[var]:
                    break
            else:
                kind = var.type if var.type.names_records else INT
                slot = self._slot(f"{graph.name} local", kind, 0, values)
                taken[slot] = set()
                if not var.type.names_records:
                    block.scalars.append(slot)
            taken[slot].add(var)
            block.locals[var] = slot
            if var.type != self.types[slot] and _kind(var.type) == "reference":
                self.types[slot] = ValueType("any")
        block.result = block.locals.pop(woken_with, block.first)


def _kind(value_type: ValueType) -> str:
    """Values that may share a slot: numbers, references, or sequences of references."""
    if not value_type.names_records:
        return "number"
    return "sequence" if value_type.name == "seq" else "reference"


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
