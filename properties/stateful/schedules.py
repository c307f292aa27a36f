"""Schedules: whose turn it is, as values that Hypothesis can choose and shrink.

*Few preemptions.* A thread runs until it sleeps or is done, and then the first that can runs. In a
few places the turn is taken away from it. Most races need one or two such places, and a schedule
without any is the plainest that there is, so this is what shrinks well. What is counted are the
*openings*: the steps before which a preemption can matter. It cannot between two calls, as the
first step of a call does nothing yet; nor before an unlock, for which all others have to wait.

*Priorities.* Each thread has one, the highest that can step does, and at a few openings whoever
runs drops below all others (Burckhardt and others, "A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs", 2010). It finds what needs several threads to go on in turns.

A thread that snoozes gives its turn away in both; else one that polls would run for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from attrs import define, frozen
from hypothesis import strategies as st

T = TypeVar("T")

MOST_THREADS = 8
LONGEST_RUN = 7  # openings before a preemption; few system calls have more
DEEPEST_DROP = 40  # openings; most runs have no more


class Turns(Protocol):
    """A schedule that is being followed."""

    def choose(self, able: Sequence[int], opening: bool) -> int:
        """Which of the threads that can step does.

        `opening`: a preemption of the one that ran last can matter here.
        """

    def give_away(self, thread: int) -> None:
        """The thread that has just run wants others to run."""


@frozen
class Preemption:
    """The first turn that has so many openings more ends there, and another thread has its turn.

    That is number `to` of the others that can step.
    """

    after: int
    to: int

    def __str__(self) -> str:
        return f"at opening {self.after} of a turn, to number {self.to} of the others"


@frozen
class FewPreemptions:
    """Run until blocked, but for these preemptions."""

    preemptions: tuple[Preemption, ...] = ()

    def turns(self) -> Turns:
        """Follow it from the beginning."""
        return _RunUntilBlocked(list(self.preemptions))

    def __str__(self) -> str:
        listed = "; ".join(map(str, self.preemptions)) or "none"
        return f"each runs until it sleeps; preemptions: {listed}"


@frozen
class Priorities:
    """The threads from the highest priority down; at these openings whoever runs drops."""

    order: tuple[int, ...]
    drops: tuple[int, ...] = ()

    def turns(self) -> Turns:
        """Follow it from the beginning."""
        return _ByPriority(list(self.order), frozenset(self.drops))

    def __str__(self) -> str:
        return f"priorities {self.order}; whoever runs drops at openings {self.drops or 'none'}"


Schedule = FewPreemptions | Priorities


@define
class _RunUntilBlocked:
    """FewPreemptions on its way."""

    left: list[Preemption]
    running: int | None = None
    openings: int = 0

    def choose(self, able: Sequence[int], opening: bool) -> int:
        if self.running not in able:
            self.running = able[0]
            self.openings = 0
        elif opening:
            self.openings += 1
            others = [thread for thread in able if thread != self.running]
            if self.left and self.openings > self.left[0].after and others:
                self.running = others[self.left.pop(0).to % len(others)]
                self.openings = 0
        assert self.running is not None
        return self.running

    def give_away(self, thread: int) -> None:
        self.running = None


@define
class _ByPriority:
    """Priorities on their way."""

    order: list[int]
    drops: frozenset[int]
    openings: int = 0

    def choose(self, able: Sequence[int], opening: bool) -> int:
        chosen = min(able, key=self.order.index)
        if opening:
            self.openings += 1
            if self.openings in self.drops:
                self.give_away(chosen)
                chosen = min(able, key=self.order.index)
        return chosen

    def give_away(self, thread: int) -> None:
        self.order.remove(thread)
        self.order.append(thread)


def some(element: st.SearchStrategy[T], *sizes: int) -> st.SearchStrategy[tuple[T, ...]]:
    """Tuples of these sizes, drawn evenly, unlike those of `lists`; they shrink to the first."""
    return st.sampled_from(sizes).flatmap(lambda size: st.tuples(*[element] * size))


def few_preemptions() -> st.SearchStrategy[FewPreemptions]:
    """Run until blocked, but for a few preemptions."""
    preemption = st.builds(
        Preemption, st.integers(0, LONGEST_RUN), st.integers(0, MOST_THREADS - 1)
    )
    return st.builds(FewPreemptions, some(preemption, 0, 1, 1, 2, 3, 4))


def priorities() -> st.SearchStrategy[Priorities]:
    """Random priorities with a few drops."""
    return st.builds(
        Priorities,
        st.permutations(range(MOST_THREADS)).map(tuple),
        some(st.integers(1, DEEPEST_DROP), 0, 1, 2, 3, 4),
    )


def schedules() -> st.SearchStrategy[Schedule]:
    """Either kind; it shrinks to few preemptions."""
    return st.one_of(few_preemptions(), few_preemptions(), priorities())
