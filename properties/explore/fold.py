"""What is the same in all states of a system, and the graph without it.

A scenario uses little of a kernel: nobody selects, the queue for the other direction is never
touched, an allocation cannot fail. So most branches can go one way only. This is the usual
conditional constant propagation: it starts from the assumption that every field keeps its first
value and that nothing is executed, follows what can then be executed from the threads' starts, and
gives up one assumption after the other until nothing contradicts them. What remains is written
into the graph: constants in place of fields and locals, and no branches that are never taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from attrs import Factory, define, frozen

from haiku_tuntap.model.language.compiler.operators import apply, compute
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    LIFE,
    Assign,
    Branch,
    CheckAlive,
    Const,
    Expr,
    ForEach,
    Goto,
    Instr,
    Life,
    Load,
    Local,
    Location,
    LocationKind,
    Op,
    Part,
    Result,
    Store,
    ThreadGraph,
    Var,
    Violation,
    Wake,
)
from haiku_tuntap.model.language.instances import Instance, Instances
from haiku_tuntap.model.language.records import FieldKind, fields_of, is_record
from haiku_tuntap.properties.explore.narrow import Narrowing

Cell = tuple[int, str]  # (number of a record, name of a field)


@frozen
class OrNone:
    """The value of a reference that is either None or this one record."""

    record: Any


UNKNOWN: Any = object()  # nothing that could be executed so far gives it a value
VARIES: Any = object()  # it may have several


@define(eq=False)
class Folding:
    """The values of fields and locals that are the same in all states."""

    instances: Instances
    graphs: Sequence[ThreadGraph]
    keeps_references: bool = False  # leave locals that mean records as they are
    cells: dict[Cell, Any] = Factory(dict)
    variables: dict[Var, Any] = Factory(dict)
    reached: set[Location] = Factory(set)
    there: frozenset[Var] = frozenset()  # the locals that are not None where we are rewriting
    changed: bool = True

    def __attrs_post_init__(self) -> None:
        for instance in self.instances.all:
            self.cells.update(_initial_values(instance, self.instances))
        for record, name in self.instances.system.parameters:
            self.cells[(self.instances.of(record).number, name)] = VARIES
        while self.changed:
            self.changed = False
            for graph in self.graphs:
                self._run(graph)

    # --- what is known ------------------------------------------------------------------------

    def value(self, expr: Expr) -> Any:
        """The one value of an expression; UNKNOWN or VARIES if there is none."""
        match expr:
            case Const(value=value):
                return value
            case Local(var=var):
                known = self.variables.get(var, UNKNOWN)
                if isinstance(known, OrNone) and var in self.there:
                    return known.record
                return known
            case Result():
                return VARIES
            case Load(ref=ref, cls=cls, name=name):
                if self.value(ref) is UNKNOWN:
                    return UNKNOWN
                return _common(self.cells[(i.number, name)] for i in self.targets(ref, cls))
            case Part(ref=ref, name=name):
                whole = self.value(ref)
                if whole is None:
                    return UNKNOWN  # nobody gets there: what None has is never used
                return getattr(whole, name) if is_one(whole) else _blur(whole)
            case Op(name=name, args=args):
                return self._operation(name, [self.value(a) for a in args])
        raise AssertionError(expr)

    def _operation(self, name: str, values: list[Any]) -> Any:
        decisive = {"both": False, "either": True}.get(name)
        if decisive is not None and any(is_one(v) and bool(v) is decisive for v in values):
            return decisive
        if any(v is UNKNOWN for v in values):
            return UNKNOWN
        if not all(is_one(v) for v in values):
            return VARIES
        if name == "first" and not values[0]:
            return UNKNOWN
        return compute(name, values)

    def targets(self, ref: Expr, cls: type) -> list[Instance]:
        """The records that `ref` may mean."""
        known = self.value(ref)
        if known is None:
            return []
        if isinstance(known, OrNone):
            return [self.instances.of(known.record)]
        if is_one(known):
            return [self.instances.of(known)]
        if isinstance(ref, Part):
            wholes = self.targets(ref.ref, ref.cls)
            return [self.instances.of(getattr(i.object, ref.name)) for i in wholes]
        return self.instances.of_class(cls)

    # --- finding out --------------------------------------------------------------------------

    def _run(self, graph: ThreadGraph) -> None:
        """Everything that the thread can execute, as far as is known."""
        met: set[Location] = set()
        pending = [graph.locations[0]]
        while pending:
            location = pending.pop()
            if location in met:
                continue
            met.add(location)
            if location.kind is LocationKind.BLOCKED:
                pending.append(graph.locations[location.number + 1])
            for step in location.steps:
                for instr in self._executed(step.entry):
                    self._effect(instr)
                    if isinstance(instr, Goto):
                        pending.append(instr.location)
        self.reached |= met

    def _executed(self, entry: Instr) -> Iterator[Instr]:
        """The instructions of a step that can be executed, as far as is known."""
        met: set[Instr] = set()
        pending: list[Instr] = [entry]
        while pending:
            instr = pending.pop()
            if instr not in met:
                met.add(instr)
                yield instr
                pending.extend(self.following(instr))

    def following(self, instr: Instr) -> list[Instr]:
        """The instructions that may come next."""
        if isinstance(instr, Violation) and instr.fatal:
            return []
        if isinstance(instr, Branch):
            test = self.value(instr.test)
            if test is UNKNOWN:
                return []
            if is_one(test):
                chosen = instr.next if test else instr.otherwise
                return [chosen] if chosen is not None else []
        found = list(instr.successors())
        if isinstance(instr, ForEach) and self._may_have_elements(instr.sequence):
            assert instr.body is not None
            found.append(instr.body)
        return found

    def _may_have_elements(self, sequence: Expr) -> bool:
        value = self.value(sequence)
        return value is not UNKNOWN and value != ()

    def _effect(self, instr: Instr) -> None:
        match instr:
            case Assign(var=var, expr=expr):
                self._learn_variable(var, self.value(expr))
            case ForEach(var=var):
                self._learn_variable(var, VARIES)
            case Store(ref=ref, cls=cls, name=name, expr=expr):
                value = self.value(expr)
                for instance in self.targets(ref, cls):
                    cell = (instance.number, name)
                    self._learn(self.cells, cell, value)

    def _learn_variable(self, var: Var, value: Any) -> None:
        self._learn(self.variables, var, value)

    def _learn(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        before = table.get(key, UNKNOWN)
        after = _common([before, value])
        if after is not before and not _same(after, before):
            table[key] = after
            self.changed = True

    # --- writing it into the graph ------------------------------------------------------------

    def simplify(self) -> None:
        """Put the constants into the graphs, and take out what is never executed."""
        for graph in self.graphs:
            for location in graph.locations:
                if location not in self.reached:
                    location.steps.clear()
                for step in location.steps:
                    for instr in list(self._executed(step.entry)):
                        self._simplify(instr)
            narrowing = Narrowing(graph)
            for instr, there in narrowing.before.items():
                self.there = there
                self._simplify(instr)
            self.there = frozenset()

    def _simplify(self, instr: Instr) -> None:
        match instr:
            case Branch(test=test):
                value = self.value(test)
                if is_one(value):
                    instr.next = instr.next if value else instr.otherwise
                    instr.otherwise = None
                    instr.test = constant(True)
                else:
                    instr.test = self.rewrite(test)
            case Assign(expr=expr):
                instr.expr = self.rewrite(expr)
            case Store(ref=ref, expr=expr):
                instr.ref, instr.expr = self.rewrite(ref), self.rewrite(expr)
            case Wake(thread=thread, result=result):
                instr.thread, instr.result = self.rewrite(thread), self.rewrite(result)
            case ForEach(sequence=sequence):
                instr.sequence = self.rewrite(sequence)
            case CheckAlive(ref=ref):
                instr.ref = self.rewrite(ref)

    def rewrite(self, expr: Expr) -> Expr:
        """The expression with what is known put in."""
        value = self.value(expr)
        kept = self.keeps_references and is_record(value) and _is_through_local(expr)
        if is_one(value) and not kept:
            return Const(value, expr.type) if value is not None else constant(None)
        match expr:
            case Load(ref=ref):
                return attrs.evolve(expr, ref=self.rewrite(ref))
            case Part(ref=ref):
                return attrs.evolve(expr, ref=self.rewrite(ref))
            case Op(name=name, args=args):
                return apply(name, [self.rewrite(a) for a in args])
        return expr


def _is_through_local(expr: Expr) -> bool:
    """Whether it means a record that a local means, or a part of it."""
    return isinstance(expr, Local) or (isinstance(expr, Part) and _is_through_local(expr.ref))


def _initial_values(instance: Instance, instances: Instances) -> Iterator[tuple[Cell, Any]]:
    if instance.parent is None and instances.is_pooled(instance.cls):
        life = Life.UNUSED if instance.from_pool else Life.ALIVE
        yield (instance.number, LIFE), int(life)
    for name, field in fields_of(instance.cls).items():
        if field.kind is FieldKind.PART:
            continue
        given = attrs.fields_dict(instance.cls)[name].default is attrs.NOTHING
        undefined = instance.from_pool and given
        yield (instance.number, name), UNKNOWN if undefined else getattr(instance.object, name)


def is_one(value: Any) -> bool:
    """Whether this is a value, and not a statement about several."""
    return value is not UNKNOWN and value is not VARIES and not isinstance(value, OrNone)


def _blur(value: Any) -> Any:
    return UNKNOWN if value is UNKNOWN else VARIES


def _same(left: Any, right: Any) -> bool:
    if left is right:
        return True
    if isinstance(left, OrNone) and isinstance(right, OrNone):
        return left.record is right.record
    if not is_one(left) or not is_one(right) or (left is None) is not (right is None):
        return False
    return bool(left == right)


def _common(values: Iterable[Any]) -> Any:
    """What holds of all `values`, leaving out those not known yet."""
    found = UNKNOWN
    for value in values:
        if value is UNKNOWN or _same(found, value):
            continue
        found = value if found is UNKNOWN else _joined(found, value)
    return found


def _joined(left: Any, right: Any) -> Any:
    """What holds of two values that differ."""
    records = [v.record if isinstance(v, OrNone) else v for v in (left, right) if v is not None]
    if all(is_record(r) for r in records) and all(r is records[0] for r in records):
        return OrNone(records[0])
    return VARIES
