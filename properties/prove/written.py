"""Invariants as people read them: the formula of a conjunct, with names or with numbers.

A conjunct is Python over `Facts`. Asked of `Written`, it gives its own text:

    threads(asleep in send_queue.notify) <= send_queue.waiting + send_queue.notify.tokens

What stands for a field or a count there is the reader's choice: its name, or its number in some
state. Asking is also how a user's mistakes are found before anything is proved: a field that there
is not, or an `and` where `state.every(...)` is meant.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from attrs import define, field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.invariants import Conjunct, Place
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.routines import Bound
from haiku_tuntap.model.language.system import System
from haiku_tuntap.properties.loading import InputError, shorten, unknown
from haiku_tuntap.properties.prove.counted.positions import Named
from haiku_tuntap.properties.prove.theorems import THEOREMS, Theorem
from haiku_tuntap.properties.report.words import without_device

LOOSEST, JUNCTION, COMPARISON, SUM, ATOM = range(5)  # how tightly an operator binds


@frozen
class FieldOf:
    """A field of a shared record."""

    record: Any
    name: str


@frozen
class LocalOf:
    """A local of the only thread of its kind."""

    thread: str
    name: str


Leaf = FieldOf | LocalOf | Place


@frozen(eq=False)
class Words:
    """A number or a fact as text; `binds` says how tightly its operator binds."""

    text: str
    binds: int = ATOM

    def __add__(self, other: object) -> Words:
        return _joined(" + ", SUM, self, other)

    def __radd__(self, other: object) -> Words:
        return _joined(" + ", SUM, other, self)

    def __sub__(self, other: object) -> Words:
        return Words(f"{_at_least(self, SUM)} - {_at_least(other, ATOM)}", SUM)

    def __rsub__(self, other: object) -> Words:
        return Words(f"{_at_least(other, SUM)} - {_at_least(self, ATOM)}", SUM)

    def __mul__(self, other: object) -> Words:
        return Words(f"{_at_least(self, ATOM)} * {_at_least(other, ATOM)}", ATOM)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> Words:  # type: ignore[override]  # a text, not a truth
        return _joined(" == ", COMPARISON, self, other)

    def __ne__(self, other: object) -> Words:  # type: ignore[override]  # a text, not a truth
        return _joined(" != ", COMPARISON, self, other)

    def __lt__(self, other: object) -> Words:
        return _joined(" < ", COMPARISON, self, other)

    def __le__(self, other: object) -> Words:
        return _joined(" <= ", COMPARISON, self, other)

    def __gt__(self, other: object) -> Words:
        return _joined(" > ", COMPARISON, self, other)

    def __ge__(self, other: object) -> Words:
        return _joined(" >= ", COMPARISON, self, other)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a fact is about all states, so that Python cannot decide it: instead of `and`, `or`, "
            "`if` and `not`, say state.every(...), state.some(...), state.implies(..., ...), "
            "state.choose(..., ..., ...), and turn comparisons around"
        )


def _joined(operator: str, binds: int, *parts: object) -> Words:
    inner = binds + 1 if binds == COMPARISON else binds
    return Words(operator.join(_at_least(part, inner) for part in parts), binds)


def _at_least(value: object, binds: int) -> str:
    """The text of a value, in parentheses if its operator binds less tightly than that."""
    if isinstance(value, Words):
        return value.text if value.binds >= binds else f"({value.text})"
    if isinstance(value, Named):
        raise TypeError(f"{value} is a record and no number; name one of its fields")
    return str(getattr(value, "name", value))


@define(eq=False)
class Written:
    """The states of a system as facts see them, which come out as text.

    `show` says what stands for a field or a count; None for its name.
    """

    system: System
    show: Callable[[Leaf], str] | None = None
    instances: Instances = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.instances = Instances(self.system)

    def __getattr__(self, name: str) -> Any:
        monitors = {type(m).__name__.lower(): m for m in self.system.monitors}
        roots = {**self.system.roots, **monitors}
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in roots:
            raise AttributeError(_missing(f"the system of theorem {self.system.name}", name, roots))
        return Named(self, roots[name])

    def name_of(self, record: Any) -> str:
        """The name of a record, as traces have it."""
        return without_device(self.instances.of(record).name)

    def read(self, record: Any, name: str) -> Any:
        """An attribute of a record: a part, an operation, or a field."""
        if name.startswith("_"):
            raise AttributeError(name)
        declared = fields_of(type(record)).get(name)
        if declared is None:
            found = getattr(type(record), name, None)
            if found is None:
                raise AttributeError(_missing(self.name_of(record), name, fields_of(type(record))))
            return Bound(getattr(record, name).routine, Named(self, record))
        value = getattr(record, name)
        if declared.kind is FieldKind.PART:
            return Named(self, value)
        if declared.kind is FieldKind.FINAL and fields_of(type(value)):
            return Named(self, value)
        return self._leaf(FieldOf(record, name), without_value(f"{self.name_of(record)}.{name}"))

    def count(self, place: Place) -> Words:
        return self._leaf(place, f"threads({without_device(place.text)})")

    def kept(self, thread: str, local: str) -> Words:
        return self._leaf(LocalOf(thread, local), f"{thread}'s {local}")

    def _leaf(self, leaf: Leaf, name: str) -> Words:
        return Words(name if self.show is None else self.show(leaf))

    def implies(self, condition: Any, fact: Any) -> Words:
        parts = _at_least(condition, JUNCTION), _at_least(fact, COMPARISON)
        return Words(" implies ".join(parts), LOOSEST)

    def every(self, *facts: Any) -> Any:
        return _junction(" and ", facts)

    def some(self, *facts: Any) -> Any:
        return _junction(" or ", facts)

    def choose(self, condition: Any, yes: Any, no: Any) -> Words:
        chosen = f"{_at_least(yes, SUM)} if {_at_least(condition, JUNCTION)}"
        return Words(f"{chosen} else {_at_least(no, SUM)}", LOOSEST)


def _junction(operator: str, facts: tuple[Any, ...]) -> Any:
    if len(facts) == 1:
        return facts[0]
    return Words(operator.join(_at_least(fact, COMPARISON) for fact in facts), JUNCTION)


def without_value(name: str) -> str:
    """The name of a field; that of an atomic is its record's."""
    return name.removesuffix(".value")


def _missing(what: str, name: str, names: Iterable[str]) -> str:
    known = list(names)
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    instead = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}"
    return f"{what} has no {name}; {instead}"


def text_of(fact: Any) -> str:
    """The text of a fact."""
    return str(fact).lower() if isinstance(fact, bool) else _at_least(fact, LOOSEST)


def formula(conjunct: Conjunct, state: Written) -> str:
    """A conjunct's formula. InputError, with the line, if its function does not give one."""
    try:
        found = conjunct.holds(state)
    except Exception as error:
        known = isinstance(error, (AttributeError, TypeError))
        text = str(error) if known else f"{type(error).__name__}: {error}"
        raise _refused(conjunct, text, error) from error
    if isinstance(found, bool) or (isinstance(found, Words) and found.binds < SUM):
        return text_of(found)
    said = "nothing" if found is None else _at_least(found, LOOSEST)
    raise _refused(
        conjunct,
        f"it gives {said}, which is no fact; return a comparison, state.every(...), "
        "state.some(...) or state.implies(..., ...)",
    )


def require_good_invariants(driver: Driver) -> None:
    """InputError if a conjunct of the driver names no theorem, or one that there is not."""
    for conjunct in driver.invariants.values():
        if not conjunct.theorems:
            raise _refused(conjunct, f"it names no theorem; there are {', '.join(THEOREMS)}")
        for theorem in conjunct.theorems:
            if theorem not in THEOREMS:
                raise _refused(conjunct, unknown("theorem", theorem, THEOREMS))


def formulas(driver: Driver, theorem: Theorem) -> dict[str, str]:
    """The formulas of a driver's conjuncts for a theorem, by name. Raises as `formula`."""
    system = theorem.build(driver).system
    written = Written(system)
    return {
        name: formula(conjunct, written)
        for name, conjunct in driver.invariants.items()
        if theorem.has(conjunct)
    }


def _refused(conjunct: Conjunct, problem: str, error: Exception | None = None) -> InputError:
    code = conjunct.holds.__code__
    line = code.co_firstlineno
    for frame in traceback.extract_tb(error.__traceback__ if error else None):
        if frame.filename == code.co_filename and frame.lineno is not None:
            line = frame.lineno
    return InputError(f"{shorten(code.co_filename)}:{line}: invariant {conjunct.name}: {problem}")
