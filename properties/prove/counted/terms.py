"""Values of a step that is executed without knowing the state it starts from.

A step of one thread touches what all share, what is its own, and sometimes what is another
thread's (whom it wakes, whom it notifies). So a value is a number, or an expression over three
kinds of unknowns: shared variables, and the own values of the participants of the step.
Participant 0 is the thread whose step it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from haiku_tuntap.model.language.compiler.operators import compute


@frozen(cache_hash=True)
class Shared:
    """A shared variable before the step, by its name."""

    name: str


@frozen(cache_hash=True)
class Own:
    """A value of a participant before the step: a local, a field of its own records, a role."""

    who: int
    key: Any


@frozen(cache_hash=True)
class Fn:
    """An operator over terms; see compiler/operators.py."""

    name: str
    args: tuple[Term, ...]


Term = int | Shared | Own | Fn

_NEUTRAL = {("add", 0), ("sub", 0), ("or", 0), ("xor", 0)}


def fn(name: str, *args: Term) -> Term:
    """The operator applied, simplified where that is easy."""
    if all(isinstance(a, int) for a in args):
        return int(compute(name, args))
    if name in ("both", "either"):
        return _junction(name, args)
    if len(args) == 2 and isinstance(args[1], int):
        if (name, args[1]) in _NEUTRAL:
            return args[0]
        if name == "and" and args[1] == 0:
            return 0
        if name in ("add", "sub") and args[1] < 0:
            return fn("sub" if name == "add" else "add", args[0], -args[1])
        if name in ("add", "sub") and _adds_number(args[0]):
            return _sum(args[0], _signed(name, args[1]))
    if name == "not" and isinstance(args[0], Fn) and args[0].name == "not":
        return args[0].args[0]
    return Fn(name, args)


def _adds_number(term: Term) -> bool:
    return isinstance(term, Fn) and term.name in ("add", "sub") and isinstance(term.args[1], int)


def _sum(term: Term, more: int) -> Term:
    """A variable plus or minus a number, and more."""
    assert isinstance(term, Fn)
    known = term.args[1]
    assert isinstance(known, int)
    total = _signed(term.name, known) + more
    return fn("add" if total >= 0 else "sub", term.args[0], abs(total))


def _signed(name: str, value: int) -> int:
    return value if name == "add" else -value


def _junction(name: str, args: tuple[Term, ...]) -> Term:
    decisive = name == "either"
    kept = []
    for arg in args:
        if isinstance(arg, int):
            if bool(arg) is decisive:
                return int(decisive)
        elif arg not in kept:
            kept.append(arg)
    if not kept:
        return int(not decisive)
    return kept[0] if len(kept) == 1 else Fn(name, tuple(kept))


def leaves(term: Term) -> Iterator[Shared | Own]:
    """The unknowns of a term."""
    if isinstance(term, Fn):
        for arg in term.args:
            yield from leaves(arg)
    elif not isinstance(term, int):
        yield term


def evaluate(term: Term, value: Callable[[Shared | Own], int | None]) -> int | None:
    """The number that a term is where its unknowns are known; None if one of them is not."""
    if isinstance(term, int):
        return term
    if not isinstance(term, Fn):
        return value(term)
    args = [evaluate(a, value) for a in term.args]
    return None if None in args else int(compute(term.name, args))


def substitute(term: Term, value: Callable[[Shared | Own], Term]) -> Term:
    """The term with its unknowns replaced, and simplified."""
    if isinstance(term, int):
        return term
    if isinstance(term, Fn):
        return fn(term.name, *(substitute(a, value) for a in term.args))
    return value(term)
