"""A measure: a tuple of numbers which is compared like a word in a dictionary.

Each of its levels is a weighted sum of how many threads stand where, and of shared variables; one
may count only while a condition holds, and is 0 otherwise: *`waiting`, while somebody is about to
release a token in close_fifo*. All are whole numbers and never negative. So a tuple that gets less
in every step, however much the levels after the one that got less may grow, ends the run.
"""

from __future__ import annotations

from collections.abc import Mapping

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, frozen

from haiku_tuntap.model.language.graph import Location
from haiku_tuntap.properties.prove.counted.facts import truth
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Fn, Shared, Term


@frozen
class SomebodyAt:
    """That a thread stands at one of some places; `text` says so by what is done there."""

    text: str
    states: frozenset[LocalState]


@frozen
class Test:
    """That a test of shared variables comes out so."""

    term: Term
    outcome: bool

    @property
    def text(self) -> str:
        """The condition in words."""
        shown = show(self.term)
        return shown if self.outcome else f"not {shown}"

    def formula(self) -> z3.BoolRef:
        """The condition of a state."""
        found = truth(self.term)
        return found if self.outcome else z3.Not(found)


Condition = SomebodyAt | Test

_SIGNS = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "add": "+", "sub": "-"}


def show(term: Term) -> str:
    """A term over shared variables, for people."""
    if isinstance(term, Shared):
        return term.name
    if isinstance(term, Fn):
        args = [show(a) for a in term.args]
        sign = _SIGNS.get(term.name)
        return f" {sign} ".join(args) if sign else f"{term.name}({', '.join(args)})"
    return str(term)


@frozen
class Level:
    """One number of a measure: weights of local states and of variables, and when it counts."""

    weights: Mapping[LocalState, int] = Factory(dict)
    variables: Mapping[str, int] = Factory(dict)
    condition: Condition | None = None

    def threads(self, space: Space) -> list[str]:
        """The templates whose threads weigh something somewhere."""
        weighing = {state.template for state, weight in self.weights.items() if weight}
        return sorted(space.templates[template].name for template in weighing)

    def by_location(self, space: Space) -> list[tuple[str, Location, int, int]]:
        """What a thread weighs where: its template, the location, the least weight and the most."""
        found: dict[tuple[int, int], set[int]] = {}
        for state in space.states:
            weight = self.weights.get(state, 0)
            found.setdefault((state.template, state.place), set()).add(weight)
        return [
            (
                space.templates[template].name,
                space.templates[template].graph.locations[place],
                min(weights),
                max(weights),
            )
            for (template, place), weights in sorted(found.items())
            if any(weights)
        ]
