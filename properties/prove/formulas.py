"""Formulas over many parts, made by Z3's C functions.

z3.And, z3.Or and z3.Sum look at the sorts of all their arguments, which takes longer than most of
what is then asked. Here all arguments must be of the right sort already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types


def every(formulas: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """All of them; true if there are none."""
    return z3.BoolRef(_made(z3.Z3_mk_and, formulas), z3.main_ctx())


def some(formulas: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """One of them or more; false if there are none."""
    return z3.BoolRef(_made(z3.Z3_mk_or, formulas), z3.main_ctx())


def total(numbers: Sequence[z3.ArithRef]) -> z3.ArithRef:
    """Their sum; 0 if there are none."""
    if not numbers:
        return z3.IntVal(0)
    return z3.ArithRef(_made(z3.Z3_mk_add, numbers), z3.main_ctx())


def _made(make: Callable[..., Any], parts: Sequence[z3.ExprRef]) -> Any:
    count = len(parts)
    array = (z3.Ast * count)(*(part.as_ast() for part in parts))
    return make(z3.main_ctx().ref(), count, array)
