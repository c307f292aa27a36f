"""Asking properties about quiescent states that Z3 finds.

A property judges a state in Python, which Z3 cannot read. So Z3 is asked for a quiescent state, and
the property about that. What it says depends on the slots that it looked at and on nothing else;
so what is learned is not the one state, but that all quiescent states agree which have the same
values in these slots. Z3 is asked for one that does not, until there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import Factory, define

from haiku_tuntap.properties.explore.layout import Layout, State
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Property

Case = tuple[tuple[int, Any], ...]  # slots with their values


class WatchedState(tuple[Any, ...]):
    """A state that notes which of its slots are looked at."""

    looked_at: set[int]

    def __new__(cls, state: State) -> WatchedState:
        made = super().__new__(cls, state)
        made.looked_at = set()
        return made

    def __getitem__(self, slot: Any) -> Any:
        self.looked_at.add(slot)
        return super().__getitem__(slot)

    def __iter__(self) -> Iterator[Any]:
        self.looked_at.update(range(len(self)))
        return super().__iter__()


@define(eq=False)
class Judgements:
    """What one property has said: the cases in which a quiescent state violates it, or does not."""

    prop: Property
    layout: Layout
    accepted: list[Case] = Factory(list)

    @property
    def says_nothing(self) -> bool:
        """Whether it accepts every state."""
        return not self.prop.is_about_states

    def ask(self, state: State) -> str | None:
        """Why a quiescent state violates the property; if it does not, its case is accepted."""
        watched = WatchedState(state)
        for reason in self.prop.violations(View(self.layout, watched)):
            return reason
        self.accepted.append(tuple((slot, state[slot]) for slot in sorted(watched.looked_at)))
        return None
