"""Which values each slot of a system may have: its domain.

The steps are taken with conditions of which nothing is known (conditions.py), from the initial
state on, until nothing new comes. What a thread keeps for itself is told apart by where it stands.

This looks at each slot by itself, and so a counter that is raised and lowered would grow for ever,
and a queue could hold the same thread many times. Such values are left out: numbers when there are
`MOST_NUMBERS`, sequences that name a record twice. Leaving values out is no assumption. That one
is written which is not in the domain is a misfit, and whether a misfit can be reached is asked.

The steps are taken in rounds, each from what the rounds before found. So a value of round n takes n
steps or more to come about, which saves the bounded search much work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.joins import Joins
from haiku_tuntap.properties.explore.layout import Layout
from haiku_tuntap.properties.prove.finite.conditions import MAYBE, Conditions, Table
from haiku_tuntap.properties.prove.finite.steps import Ending, Stepping

MOST_NUMBERS = 16  # values of one slot

Place = tuple[int, int]  # a thread's index, and the number of a location
Values = dict[Any, int]  # with the round in which each came


@define(eq=False)
class Domains:
    """The values of all slots; of a thread's own slots also by the place where it stands."""

    layout: Layout
    conditions: Conditions = Factory(Conditions)
    values: list[Values] = Factory(list)
    at: dict[Place, dict[int, Values]] = Factory(dict)
    own: list[frozenset[int]] = Factory(list)
    joins: Joins = Factory(Joins)
    pending: dict[Place, None] = Factory(dict)
    readers: dict[int, dict[Place, None]] = Factory(dict)
    round: int = 0

    def __attrs_post_init__(self) -> None:
        self.values = [{value: 0} for value in self.layout.initial]
        for thread, block in enumerate(self.layout.blocks):
            own = {block.result, *block.locals.values()} - {block.first}
            self.own.append(frozenset(own))
            self._stands((thread, 0), {slot: {0: 0} for slot in own})
        while self.pending:
            places = list(self.pending)
            self.pending.clear()
            found = [(place, ending) for place in places for ending in self._endings(place)]
            self.round += 1
            for place, ending in found:
                self._end(place, ending)

    def table(self, place: Place, slot: int) -> Values:
        """The values of a slot while a thread that takes a step stands at `place`."""
        thread, number = place
        if slot == self.layout.blocks[thread].first:
            return {number: self.values[slot].get(number, 0)}
        return self.at[place].get(slot, self.values[slot])

    def _endings(self, place: Place) -> Iterator[Ending]:
        """How the steps from a place can end, as far as is known."""
        thread, number = place
        location = self.layout.graphs[thread].locations[number]

        def read(slot: int) -> Table:
            self.readers.setdefault(slot, {})[place] = None
            values = self.table(place, slot)
            return dict.fromkeys(values, True if len(values) == 1 else MAYBE)

        for step in location.steps:
            stepping = Stepping(self.layout, self.conditions, thread, location, read, self.joins)
            yield from stepping.take(step, MAYBE).endings

    def _end(self, place: Place, ending: Ending) -> None:
        thread = place[0]
        own = {slot: ending.changes.get(slot, known) for slot, known in self.at[place].items()}
        self._stands((thread, ending.location.number), own)
        firsts = {block.first: index for index, block in enumerate(self.layout.blocks)}
        for slot, table in ending.changes.items():
            if slot not in self.own[thread]:
                self._add(slot, self.values[slot], table)
            if slot in firsts and firsts[slot] != thread:
                self._woken(firsts[slot], ending)

    def _woken(self, thread: int, ending: Ending) -> None:
        """A step woke another thread: it stands where it goes on."""
        block = self.layout.blocks[thread]
        for number in ending.changes[block.first]:
            asleep = (thread, number - 1)
            if self._sleeps(asleep) and asleep in self.at:
                woken_with = {block.result: ending.changes[block.result]}
                self._stands((thread, number), {**self.at[asleep], **woken_with})

    def _sleeps(self, place: Place) -> bool:
        thread, number = place
        return self.layout.graphs[thread].locations[number].kind is LocationKind.BLOCKED

    def _stands(self, place: Place, own: Mapping[int, Iterable[Any]]) -> None:
        """A thread may stand at a place with such values of its own slots."""
        thread, number = place
        block = self.layout.blocks[thread]
        if place not in self.at:
            self.at[place] = {slot: {} for slot in self.own[thread]}
            self.pending[place] = None
            self._add(block.first, self.values[block.first], [number])
        for slot, values in own.items():
            if self._add(slot, self.at[place][slot], values):
                self.pending[place] = None
                if self._sleeps(place) and (thread, number + 1) in self.at and slot != block.result:
                    self._stands((thread, number + 1), {slot: values})
            self._add(slot, self.values[slot], values)

    def _add(self, slot: int, known: Values, more: Iterable[Any]) -> bool:
        """Take values into a domain; whether one is new."""
        number = self.layout.types[slot].name not in ("location", "seq", "ref", "any")
        grew = False
        for value in more:
            if value in known or (isinstance(value, tuple) and len(set(value)) < len(value)):
                continue
            if number and len(known) >= MOST_NUMBERS:
                continue
            known[value] = self.round
            grew = True
        if grew and known is self.values[slot]:
            self.pending.update(self.readers.get(slot, {}))
        return grew
