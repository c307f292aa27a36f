"""What a property is: where it looks, what it says, and what would refute it.

Properties are of two kinds, and one may be both:

- some states are wrong although nothing can move any more (`judge` and `judge_of_thread`, asked
  about every quiescent state), and
- some steps are wrong (`codes`, reported by the model itself or by a monitor).

What is wrong with one thread alone is for `judge_of_thread` to say. It may look at that thread, at
its own records, and at what all threads share; so it can be asked in a proof, where there is any
number of threads. A `judge` that compares threads can be asked of small systems only.

A monitor is a record whose observers hear events (model/kernel/events.py) inside the steps that
emit them. What it remembers is part of the state while its property is checked; what it remembers
of a single thread lies in a *shadow* of that thread, so that equal threads stay exchangeable.

`witness` names marks of which one must be reached, or the property had nothing to say in that
scenario: then it holds vacuously, and the check says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from attrs import frozen

from haiku_tuntap.model.language import System, Thread, record
from haiku_tuntap.properties.explore.view import ThreadView, View

T = TypeVar("T")

MonitorFactory = Callable[[System], object]


def no_judgement(view: View) -> Iterable[str]:
    """The judge of a property which only steps, or threads by themselves, can violate."""
    del view
    return ()


@record
class Nothing:
    """The monitor of a property that has nothing to look at in some scenario."""


@frozen(eq=False)
class Property:
    """Something that must hold of a driver in every scenario.

    `statement` says what must hold and what it leaves out; `source` where that comes from.
    `judge` yields the reasons for which a quiescent state violates it, `judge_of_thread` those
    for which one thread in it does. See the module's essay.
    """

    id: str
    title: str
    statement: str
    source: str
    codes: frozenset[str] = frozenset()
    judge: Callable[[View], Iterable[str]] = no_judgement
    judge_of_thread: Callable[[View, ThreadView], Iterable[str]] | None = None
    monitors: tuple[MonitorFactory, ...] = ()
    witness: frozenset[str] = frozenset()

    @property
    def is_about_states(self) -> bool:
        """Whether a state can violate it, and not only a step."""
        return self.judge is not no_judgement or self.judge_of_thread is not None

    def violations(self, view: View) -> Iterator[str]:
        """The reasons for which a quiescent state violates it."""
        yield from self.judge(view)
        if self.judge_of_thread is not None:
            for thread in view.threads:
                yield from self.judge_of_thread(view, thread)


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
