"""From Python annotations and values to the types of small values."""

from __future__ import annotations

import types
import typing
from enum import IntEnum
from typing import Any

from haiku_tuntap.model.language.graph import ANY, BOOL, INT, NONE, STATUS, Const, ValueType
from haiku_tuntap.model.language.records import is_record, is_record_class
from haiku_tuntap.model.language.system import Substitution
from haiku_tuntap.model.status import Status


def type_of_annotation(annotation: Any, substitution: Substitution) -> ValueType:
    """The type that an annotation declares; None in a union is left out (0 is its value)."""
    simple = {int: INT, bool: BOOL, Status: STATUS, type(None): NONE, None: NONE}
    if isinstance(annotation, type) and annotation in simple:
        return simple[annotation]
    if is_record_class(annotation):
        return ValueType("ref", substitution.resolve(annotation))
    if isinstance(annotation, typing.TypeVar):
        return ANY
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple:
        element = type_of_annotation(args[0], substitution)
        return ValueType("seq", element.cls)
    if origin in (typing.Union, types.UnionType):
        members = [type_of_annotation(a, substitution) for a in args if a is not type(None)]
        return members[0] if len(set(members)) == 1 else ANY
    return ANY


def may_be_none(annotation: Any) -> bool:
    """Whether None is among the values that an annotation allows."""
    return annotation is Any or type(None) in typing.get_args(annotation)


def constant(value: Any) -> Const:
    """A compile-time value with its type."""
    if isinstance(value, bool):
        return Const(value, BOOL)
    if isinstance(value, Status):
        return Const(value, STATUS)
    if isinstance(value, (int, IntEnum)):
        return Const(value, INT)
    if value is None:
        return Const(None, NONE)
    if is_record(value):
        return Const(value, ValueType("ref", type(value)))
    if isinstance(value, tuple):
        return Const(value, ValueType("seq", type(value[0]) if value else None))
    return Const(value, ANY)
