"""The value of an expression as a table (conditions.py), in a state that is not known.

Where Python would fail (the first of an empty queue, a field of None) there is no value. That is
noted as a misfit, under the condition that it comes to that: a misfit that can be reached makes
the verdict UNDETERMINED.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection

from attrs import Factory, define

from haiku_tuntap.model.language.compiler.operators import compute
from haiku_tuntap.model.language.graph import Const, Expr, Load, Local, Op, Part, Result, Var
from haiku_tuntap.properties.explore.layout import Layout
from haiku_tuntap.properties.prove.finite.conditions import Condition, Conditions, Table

# References are numbers in a state, so that they are equal where records are the same.
_ON_NUMBERS = {"is": "eq", "isnot": "ne"}

_UNDEFINED = (TypeError, IndexError, ValueError)


@define(eq=False)
class Path:
    """A way through a step: when it is taken, and what was written on it so far."""

    condition: Condition
    locals: dict[Var, Table] = Factory(dict)
    slots: dict[int, Table] = Factory(dict)
    assigned: set[Var] = Factory(set)

    def copy(self, condition: Condition) -> Path:
        """The same way up to here, taken under another condition from here on."""
        return Path(condition, dict(self.locals), dict(self.slots), set(self.assigned))


@define(eq=False)
class Evaluator:
    """Evaluates the expressions of one thread's steps.

    `read` gives the table of a slot in the state before the step.
    """

    layout: Layout
    conditions: Conditions
    thread: int
    read: Callable[[int], Table]
    misfits: list[Condition] = Factory(list)

    def value(self, expr: Expr, path: Path, where: Condition = True) -> Table:
        """The table of an expression; it is needed only under the condition `where`."""
        match expr:
            case Const(value=value):
                return {self.layout.encode(value): True}
            case Local(var=var):
                return self.local(var, path)
            case Result():
                return self.slot(self.layout.blocks[self.thread].result, path)
            case Load(ref=ref, cls=cls, name=name):
                cells = {i.number: (i.number, name) for i in self.layout.targets(ref, cls)}
                return self._through(ref, path, where, lambda n: self.cell(cells[n], path), cells)
            case Part(ref=ref, cls=cls, name=name):
                instances = self.layout.instances
                parts = {
                    i.number: instances.number(getattr(i.object, name))
                    for i in self.layout.targets(ref, cls)
                }
                return self._through(ref, path, where, lambda n: {parts[n]: True}, parts)
            case Op(name="both" | "either" as name, args=args):
                return self._short(name, args, path, where)
            case Op(name="choose", args=(test, yes, no)):
                chosen = self.truth(test, path, where)
                otherwise = self.conditions.negated(chosen)
                return self.conditions.chosen(
                    chosen,
                    self.value(yes, path, self.conditions.every(where, chosen)),
                    self.value(no, path, self.conditions.every(where, otherwise)),
                )
            case Op(name=name, args=args):
                tables = [self.value(a, path, where) for a in args]
                return self._operation(_ON_NUMBERS.get(name, name), tables, path, where)
        raise AssertionError(expr)

    def truth(self, expr: Expr, path: Path, where: Condition = True) -> Condition:
        """When an expression counts as true."""
        return self.conditions.truth(self.value(expr, path, where))

    def local(self, var: Var, path: Path) -> Table:
        """A local variable."""
        if var not in path.locals:
            slot = self.layout.blocks[self.thread].locals.get(var)
            path.locals[var] = {0: True} if slot is None else self.read(slot)
        return path.locals[var]

    def slot(self, slot: int, path: Path) -> Table:
        """A slot as it is now."""
        return path.slots[slot] if slot in path.slots else self.read(slot)

    def slots_of(self, ref: Expr, cls: type, name: str) -> dict[int, int]:
        """The slots of a field, by the record that `ref` means."""
        cells = [(i.number, name) for i in self.layout.targets(ref, cls)]
        return {c[0]: self.layout.slots[c] for c in cells if c in self.layout.slots}

    def misfit(self, path: Path, *conditions: Condition) -> None:
        """Note that there is no value under these conditions."""
        self.misfits.append(self.conditions.every(path.condition, *conditions))

    def cell(self, cell: tuple[int, str], path: Path) -> Table:
        """A field of a record, given by its number, as it is now."""
        if cell in self.layout.slots:
            return self.slot(self.layout.slots[cell], path)
        return {self.layout.constants[cell]: True}

    def _through(
        self,
        ref: Expr,
        path: Path,
        where: Condition,
        found: Callable[[int], Table],
        known: Collection[int],
    ) -> Table:
        """What is found at the record that `ref` means."""
        records = self.value(ref, path, where)
        pairs = []
        for number, condition in records.items():
            if number in known:
                pairs += [
                    (value, self.conditions.every(condition, has))
                    for value, has in found(number).items()
                ]
            else:
                self.misfit(path, where, condition)
        return self.conditions.gathered(pairs)

    def _short(self, name: str, args: tuple[Expr, ...], path: Path, where: Condition) -> Table:
        """`and`, `or`: what comes later is only evaluated if it still matters."""
        conditions = self.conditions
        truths: list[Condition] = []
        for arg in args:
            truth = self.truth(arg, path, where)
            truths.append(truth)
            goes_on = truth if name == "both" else conditions.negated(truth)
            where = conditions.every(where, goes_on)
        result = conditions.every(*truths) if name == "both" else conditions.some(truths)
        if result is True or result is False:
            return {int(result): True}
        return {1: result, 0: conditions.negated(result)}

    def _operation(self, name: str, tables: list[Table], path: Path, where: Condition) -> Table:
        pairs = []
        for combination in itertools.product(*(table.items() for table in tables)):
            condition = self.conditions.every(*(c for _, c in combination))
            if condition is False:
                continue
            try:
                value = compute(name, [v for v, _ in combination])
            except _UNDEFINED:
                self.misfit(path, where, condition)
            else:
                pairs.append((int(value) if isinstance(value, bool) else value, condition))
        return self.conditions.gathered(pairs)
