"""Equal threads are interchangeable: one of the states that differ only in which is which will do.

Threads with the same calls form a group. A state is brought into a canonical order by sorting the
blocks of each group, and by renaming every reference to a thread, or to a record of a moved
block, wherever it occurs: lock owners, wait queues, pools, locals. Any permutation gives a state
that behaves alike, so the result is sound even where the order chosen is not unique; it is only
smaller where it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from attrs import define, field

from haiku_tuntap.model.language.records import is_record
from haiku_tuntap.model.language.system import ThreadSpec
from haiku_tuntap.properties.explore.layout import Layout, State


def groups_of(layout: Layout) -> list[list[int]]:
    """The indices of threads that are interchangeable, where there are at least two."""
    found: dict[Any, list[int]] = {}
    for index, spec in enumerate(layout.system.threads):
        found.setdefault(_behaviour(spec, index, layout), []).append(index)
    return [g for g in found.values() if len(g) > 1]


def _behaviour(spec: ThreadSpec, index: int, layout: Layout) -> Any:
    """What two threads must have in common."""

    def shape(value: Any) -> Any:
        if is_record(value) and layout.instances.of(value).block == index:
            return type(value)
        return value

    calls = tuple((c.procedure, tuple(shape(a) for a in c.args)) for c in spec.calls)
    block = layout.blocks[index]
    size = (block.end - block.first, tuple(s - block.first for s in block.scalars))
    return spec.service, calls, tuple(sorted((c.__name__, n) for c, n in spec.pool.items())), size


@define(eq=False)
class Group:
    """One group of interchangeable threads."""

    layout: Layout
    threads: list[int]
    keys: list[Callable[[State], Any]] = field(init=False)
    numbers: list[list[int]] = field(init=False)
    owner: dict[int, int] = field(init=False)
    outside: list[int] = field(init=False)
    references: list[tuple[int, bool]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        layout = self.layout
        blocks = [layout.blocks[t] for t in self.threads]
        # The first slot twice, so that itemgetter gives a tuple even of one.
        self.keys = [itemgetter(b.first, *b.scalars) for b in blocks]
        self.numbers = [
            [i.number for i in layout.instances.all if i.block == t] for t in self.threads
        ]
        self.owner = {n: i for i, numbers in enumerate(self.numbers) for n in numbers}
        inside = {s for b in blocks for s in range(b.first, b.end)}
        slots = [s for s, t in enumerate(layout.types) if t.names_records]
        self.outside = [s for s in slots if s not in inside]
        self.references = [(s, layout.types[s].name == "seq") for s in slots]

    def order(self, state: State) -> Sequence[int] | None:
        """Which thread of the group comes where; None if they are in order."""
        keys = [key(state) for key in self.keys]
        if all(a < b for a, b in itertools.pairwise(keys)):
            return None
        ranks = self._ranks(state)
        order = sorted(range(len(keys)), key=lambda i: (keys[i], ranks[i]))
        return None if order == list(range(len(keys))) else order

    def _ranks(self, state: State) -> list[int]:
        """In which order the threads' records are first named outside their blocks."""
        ranks = [len(self.threads)] * len(self.threads)
        met = 0
        for slot in self.outside:
            value = state[slot]
            for number in value if isinstance(value, tuple) else (value,):
                thread = self.owner.get(number)
                if thread is not None and ranks[thread] == len(self.threads):
                    ranks[thread] = met
                    met += 1
        return ranks

    def permuted(self, state: State, order: Sequence[int]) -> State:
        """The state in which position i is taken by the thread that was at order[i]."""
        new = list(state)
        renamed: dict[int, int] = {}
        for position, old in enumerate(order):
            source = self.layout.blocks[self.threads[old]]
            target = self.layout.blocks[self.threads[position]]
            new[target.first : target.end] = state[source.first : source.end]
            renamed.update(zip(self.numbers[old], self.numbers[position], strict=True))
        for slot, is_sequence in self.references:
            value = new[slot]
            if is_sequence or isinstance(value, tuple):
                if value:
                    new[slot] = tuple([renamed.get(v, v) for v in value])
            elif value in renamed:
                new[slot] = renamed[value]
        return tuple(new)


@define(eq=False)
class Symmetry:
    """The groups of a system, and the canonical form of its states."""

    layout: Layout
    groups: list[Group] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.groups = [Group(self.layout, threads) for threads in groups_of(self.layout)]

    def canonical(self, state: State) -> State:
        """The representative of a state."""
        for group in self.groups:
            order = group.order(state)
            if order is not None:
                state = group.permuted(state, order)
        return state

    def canonical_with_names(self, state: State, names: list[int]) -> tuple[State, list[int]]:
        """The representative, and which thread of the given names stands at each index now."""
        names = list(names)
        for group in self.groups:
            order = group.order(state)
            if order is not None:
                state = group.permuted(state, order)
                moved = [names[group.threads[old]] for old in order]
                for position, name in enumerate(moved):
                    names[group.threads[position]] = name
        return state, names
