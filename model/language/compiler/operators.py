"""Operators over small values: their types, and their results where all is known."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import ANY, BOOL, INT, Const, Expr, Op, ValueType

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.LShift: "shl",
    ast.RShift: "shr",
}

COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Is: "is",
    ast.IsNot: "isnot",
    ast.In: "contains",
    ast.NotIn: "contains",
}

_RESULT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "inv": lambda a: ~a,
    "neg": lambda a: -a,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "is": lambda a, b: a is b,
    "isnot": lambda a, b: a is not b,
    "not": lambda a: not a,
    "bool": bool,
    "both": lambda *values: all(values),
    "either": lambda *values: any(values),
    "choose": lambda test, yes, no: yes if test else no,
    "len": len,
    "first": lambda s: s[0],
    "rest": lambda s: s[1:],
    "join": lambda a, b: a + b,
    "single": lambda a: (a,),
    "contains": lambda s, a: a in s,
    "without": lambda s, a: tuple(e for e in s if e != a),
    "min": min,
    "max": max,
}

_TESTS = frozenset(
    ("eq", "ne", "lt", "le", "gt", "ge", "is", "isnot", "not", "bool", "contains", "both", "either")
)


def compute(name: str, values: Sequence[Any]) -> Any:
    """The operator's result on known values."""
    return _RESULT[name](*values)


def apply(name: str, args: Sequence[Expr]) -> Expr:
    """The operator applied; a constant if all operands are."""
    if all(isinstance(a, Const) for a in args):
        return constant(compute(name, [a.value for a in args if isinstance(a, Const)]))
    if name in ("both", "either"):
        return _short(name, args)
    if name == "join" and isinstance(args[0], Const) and args[0].value == ():
        return args[1]
    return Op(name, tuple(args), _type(name, args))


def _short(name: str, args: Sequence[Expr]) -> Expr:
    """and/or without the operands that do not matter."""
    neutral = name == "both"
    kept: list[Expr] = []
    for arg in args:
        if not isinstance(arg, Const):
            kept.append(arg)
        elif bool(arg.value) is not neutral:
            return constant(not neutral)
    return kept[0] if len(kept) == 1 and kept[0].type == BOOL else Op(name, tuple(kept), BOOL)


def _type(name: str, args: Sequence[Expr]) -> ValueType:
    if name in _TESTS:
        return BOOL
    if name == "choose":
        return args[2].type if args[1].type.name == "none" else args[1].type
    if name == "first":
        cls = args[0].type.cls
        return ValueType("ref", cls) if cls else ANY
    if name == "single":
        return ValueType("seq", args[0].type.cls)
    if name in ("rest", "without"):
        return args[0].type
    if name == "join":
        return args[1].type if args[0].type.cls is None else args[0].type
    if name in ("min", "max"):
        return args[0].type
    return INT
