"""Schedules: whose turn it is, as values that Hypothesis can choose and shrink.

*Few preemptions.* A thread runs until it sleeps or is done, and then the first that can runs. In a
few places the turn is taken away from it. Most races need one or two such places, and a schedule
without any is the plainest that there is, so this is what shrinks well.

*Priorities.* Each thread has one, the highest that can step does, and at a few steps whoever runs
drops below all others (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees
of Finding Bugs", 2010). It finds what needs several threads to go on in turns.

A thread that snoozes gives its turn away in both; else one that polls would run for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import define, field, frozen
from hypothesis import strategies as st

MOST_THREADS = 10
LONGEST_RUN = 24  # steps between two preemptions; a system call takes fewer
DEEPEST_CHANGE = 120  # steps; longer than most runs


class Turns(Protocol):
    """A schedule that is being followed."""

    def choose(self, able: Sequence[int]) -> int:
        """Which of the threads that can step does."""

    def give_away(self, thread: int) -> None:
        """The thread that has just run wants others to run."""


@frozen
class Preemption:
    """After so many steps since the last one, the turn goes to another thread that can step."""

    after: int
    to: int

    def __str__(self) -> str:
        return f"after {self.after} steps to number {self.to} of the others"


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
    """The threads from the highest priority down, and the steps at which the running one drops."""

    order: tuple[int, ...]
    drops: tuple[int, ...] = ()

    def turns(self) -> Turns:
        """Follow it from the beginning."""
        return _ByPriority(list(self.order), frozenset(self.drops))

    def __str__(self) -> str:
        return f"priorities {self.order}; whoever runs drops at steps {self.drops or 'none'}"


Schedule = FewPreemptions | Priorities


@define
class _RunUntilBlocked:
    """FewPreemptions on its way."""

    left: list[Preemption]
    running: int | None = None
    steps: int = 0

    def choose(self, able: Sequence[int]) -> int:
        others = [thread for thread in able if thread != self.running]
        if self.left and self.steps >= self.left[0].after and others:
            preemption = self.left.pop(0)
            self.running = others[preemption.to % len(others)]
            self.steps = 0
        elif self.running not in able:
            self.running = able[0]
        self.steps += 1
        assert self.running is not None
        return self.running

    def give_away(self, thread: int) -> None:
        self.running = None


@define
class _ByPriority:
    """Priorities on their way."""

    order: list[int]
    drops: frozenset[int]
    steps: int = field(default=0)

    def choose(self, able: Sequence[int]) -> int:
        chosen = min(able, key=self.order.index)
        if self.steps in self.drops:
            self.give_away(chosen)
            chosen = min(able, key=self.order.index)
        self.steps += 1
        return chosen

    def give_away(self, thread: int) -> None:
        self.order.remove(thread)
        self.order.append(thread)


def few_preemptions(most: int = 4) -> st.SearchStrategy[FewPreemptions]:
    """Run until blocked, with at most so many preemptions."""
    preemption = st.builds(
        Preemption, st.integers(0, LONGEST_RUN), st.integers(0, MOST_THREADS - 1)
    )
    return st.builds(FewPreemptions, st.lists(preemption, max_size=most).map(tuple))


def priorities(most: int = 4) -> st.SearchStrategy[Priorities]:
    """Random priorities, with at most so many drops."""
    return st.builds(
        Priorities,
        st.permutations(range(MOST_THREADS)).map(tuple),
        st.sets(st.integers(0, DEEPEST_CHANGE), max_size=most).map(lambda s: tuple(sorted(s))),
    )


def schedules() -> st.SearchStrategy[Schedule]:
    """Either kind; it shrinks to few preemptions."""
    return st.one_of(few_preemptions(), priorities())
