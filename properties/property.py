"""What a property is: where it looks, what it says, and what would refute it.

Properties are of two kinds, and one may be both:

- some states are wrong although nothing can move any more (`judge`, asked about every quiescent
  state), and
- some steps are wrong (`codes`, reported by the model itself or by a monitor).

A monitor is a record whose observers hear events (model/kernel/events.py) inside the steps that
emit them. What it remembers is part of the state while its property is checked; what it remembers
of a single thread lies in a *shadow* of that thread, so that equal threads stay exchangeable.

`witness` names marks of which one must be reached, or the property had nothing to say in that
scenario: then it holds vacuously, and the check says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from attrs import frozen

from haiku_tuntap.model.language import System, Thread, record
from haiku_tuntap.properties.explore.view import View

T = TypeVar("T")

MonitorFactory = Callable[[System], object]


def no_judgement(view: View) -> Iterable[str]:
    """The judge of a property which only steps can violate."""
    del view
    return ()


@record
class Nothing:
    """The monitor of a property that has nothing to look at in some scenario."""


@frozen(eq=False)
class Property:
    """Something that must hold of a driver in every scenario.

    `statement` says what must hold and what it leaves out; `source` where that comes from.
    `judge` yields the reasons for which a quiescent state violates it.
    """

    id: str
    title: str
    statement: str
    source: str
    codes: frozenset[str] = frozenset()
    judge: Callable[[View], Iterable[str]] = no_judgement
    monitors: tuple[MonitorFactory, ...] = ()
    witness: frozenset[str] = frozenset()


def with_monitors(system: System, properties: Sequence[Property]) -> System:
    """The system with the monitors that these properties need, each once."""
    factories = dict.fromkeys(f for p in properties for f in p.monitors)
    system.monitors = tuple(factory(system) for factory in factories)
    return system


def shadow(shadows: tuple[T, ...], thread: Thread) -> T:
    """The one of `shadows` that belongs to `thread`."""
    return next(s for s in shadows if _shadowed(s) is thread)


def _shadowed(record: Any) -> Thread:
    thread: Thread = record.shadow_of
    return thread
