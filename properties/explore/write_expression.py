"""Writing expressions as Python over a state, with the system's constants put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve

from haiku_tuntap.model.language.graph import (
    Const,
    Expr,
    Load,
    Local,
    Op,
    Part,
    Result,
    ValueType,
    Var,
)
from haiku_tuntap.properties.explore.layout import Layout

_PYTHON = {
    "add": "({} + {})",
    "sub": "({} - {})",
    "and": "({} & {})",
    "or": "({} | {})",
    "xor": "({} ^ {})",
    "shl": "({} << {})",
    "shr": "({} >> {})",
    "inv": "(~{})",
    "neg": "(-{})",
    "eq": "({} == {})",
    "ne": "({} != {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "gt": "({} > {})",
    "ge": "({} >= {})",
    "is": "({} == {})",
    "isnot": "({} != {})",
    "not": "(not {})",
    "bool": "(not not {})",
    "choose": "({1} if {0} else {2})",
    "len": "len({})",
    "first": "{}[0]",
    "rest": "{}[1:]",
    "join": "({} + {})",
    "single": "({},)",
    "contains": "({1} in {0})",
    "without": "tuple([e for e in {0} if e != {1}])",
    "min": "min({}, {})",
    "max": "max({}, {})",
}


@define(eq=False)
class Path:
    """What is known on one path through a step.

    `copied` says whether the new state has been begun; `assigned` are the locals set on the way;
    `defined` those that have a Python name; `alive` the references already checked.
    """

    depth: int
    copied: bool = False
    woke: bool = False
    resumed: bool = False
    assigned: frozenset[Var] = frozenset()
    defined: frozenset[Var] = frozenset()
    alive: frozenset[Expr] = frozenset()

    def deeper(self) -> Path:
        """The same, one level further in."""
        return evolve(self, depth=self.depth + 1)

    def merge(self, sides: list[Path]) -> None:
        """Go on behind the meeting point of `sides`, of which there is at least one."""
        self.copied = all(s.copied for s in sides)
        self.woke = any(s.woke for s in sides)
        self.assigned = frozenset().union(*(s.assigned for s in sides))
        self.defined = sides[0].defined.intersection(*(s.defined for s in sides))
        self.alive = sides[0].alive.intersection(*(s.alive for s in sides))


class ExpressionWriter:
    """Writes the expressions of one thread's steps."""

    def __init__(self, layout: Layout, *, packed: bool) -> None:
        self.layout = layout
        self.packed = packed
        sequences = [i for i, t in enumerate(layout.types) if t.name == "seq"]
        # Where the high byte of a packed sequence lies: behind all slots.
        self.high = {slot: len(layout.types) + i for i, slot in enumerate(sequences)}
        self.tables: dict[tuple[Any, ...], str] = {}
        self.var_names: dict[Var, str] = {}
        self.thread = 0

    def is_packed(self, kind: ValueType) -> bool:
        """Whether a value of this type is stored as its number in a list, in two bytes."""
        return self.packed and kind.name == "seq"

    def var(self, var: Var) -> str:
        """The Python name of a local."""
        return self.var_names.setdefault(var, f"v{len(self.var_names)}")

    def python(self, expr: Expr, path: Path) -> str:
        """An expression as Python."""
        match expr:
            case Const(value=value):
                return repr(self.layout.encode(value))
            case Local(var=var):
                return self.var(var)
            case Result():
                return f"{self._state(path)}[{self.layout.blocks[self.thread].result}]"
            case Load(ref=ref, cls=cls, name=name):
                slot = self.slot_of(ref, cls, name, path)
                if slot is None:
                    return self._constant_of(ref, cls, name, path)
                if not self.is_packed(expr.type):
                    return f"{self._state(path)}[{slot}]"
                high = self.slot_of(ref, cls, name, path, self.high)
                return f"Q[{self._state(path)}[{slot}] | {self._state(path)}[{high}] << 8]"
            case Part(ref=ref, cls=cls, name=name):
                whole = self.layout.targets(ref, cls)
                instances = self.layout.instances
                parts = {i.number: instances.number(getattr(i.object, name)) for i in whole}
                return f"{self.table(parts)}[{self.python(ref, path)}]"
            case Op(name="both", args=args):
                return "(" + " and ".join(self.python(a, path) for a in args) + ")"
            case Op(name="either", args=args):
                return "(" + " or ".join(self.python(a, path) for a in args) + ")"
            case Op(name=name, args=args):
                return _PYTHON[name].format(*(self.python(a, path) for a in args))
        raise AssertionError(expr)

    def _state(self, path: Path) -> str:
        return "n" if path.copied else "s"

    def slot_of(
        self,
        ref: Expr,
        cls: type,
        name: str,
        path: Path,
        places: Mapping[int, int] | None = None,
    ) -> str | None:
        """The index of a field's slot as Python; None if the field is a constant.

        With `places` it is the place that they give to the slot.
        """
        cells = [(i.number, name) for i in self.layout.targets(ref, cls)]
        slots = {c[0]: self.layout.slots[c] for c in cells if c in self.layout.slots}
        if places is not None:
            slots = {number: places[slot] for number, slot in slots.items()}
        if not slots:
            return None
        if isinstance(ref, Const):
            return str(next(iter(slots.values())))
        return f"{self.table(slots)}[{self.python(ref, path)}]"

    def field_type(self, ref: Expr, cls: type, name: str) -> ValueType:
        """The type of a field that has a slot."""
        return self.layout.field_type(self.layout.targets(ref, cls)[0], name)

    def _constant_of(self, ref: Expr, cls: type, name: str, path: Path) -> str:
        values = {
            i.number: self.layout.constants[(i.number, name)] for i in self.layout.targets(ref, cls)
        }
        return f"{self.table(values)}[{self.python(ref, path)}]"

    def table(self, values: dict[int, Any]) -> str:
        """The name of a tuple with `values` by a record's number; None, which fails, elsewhere."""
        size = max(values, default=0) + 1
        row = tuple(values.get(i) for i in range(size))
        return self.tables.setdefault(row, f"T{len(self.tables)}")
