"""Of runs that differ in the order of independent steps, one is enough.

Two steps of two threads commute if neither writes what the other reads or writes. Runs that differ
in the order of such neighbours have the same length and lead to the same state. So of each class
of them it is enough to look at the one in which no step of a thread directly follows an
independent step of a later thread: exchanging such neighbours, again and again, leads to it.
(Peephole partial order reduction: Wang, Yang, Kahlon, Gupta, TACAS 2008.)

That is for questions about the last state of a run only: what lies between is not the same.
"""

from __future__ import annotations

from attrs import define, field

from haiku_tuntap.properties.prove.finite.conditions import Condition
from haiku_tuntap.properties.prove.finite.encoding import Choice, Encoding
from haiku_tuntap.properties.prove.finite.unrolling import Unrolling, substituted


@define(eq=False)
class Ordering:
    """That a move and the move after it are in order, as a condition on `now` and both."""

    encoding: Encoding
    next_move: Choice = field(init=False)
    condition: Condition = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.next_move = Choice("next move", self.encoding.move.values)
        formulas = self.encoding.formulas
        self.condition = formulas.every(*self._rules())

    def require(self, runs: Unrolling) -> None:
        """Let the last two moves of these runs be in order."""
        if runs.length >= 2:
            formula = self.condition
            if formula is not True and self.next_move.variable is not None:
                formula = substituted(formula, [(self.next_move.variable, runs.moves[-1])])
            runs.require(formula, runs.length - 2)

    def _rules(self) -> list[Condition]:
        """For each place that an earlier thread may be at: who may not have moved just before."""
        encoding, formulas = self.encoding, self.encoding.formulas
        places = [place for place, own in encoding.footprints.items() if own.writes]
        rules = []
        for earlier in places:
            footprint = encoding.footprints[earlier]
            independent = [
                self._steps(encoding.move, later)
                for later in places
                if later[0] > earlier[0] and footprint.commutes_with(encoding.footprints[later])
            ]
            if independent:
                follows = self._steps(self.next_move, earlier)
                wrong = formulas.every(follows, formulas.some(independent))
                rules.append(formulas.negated(wrong))
        return rules

    def _steps(self, move: Choice, place: tuple[int, int]) -> Condition:
        """That a move is one from that place."""
        thread, number = place
        encoding = self.encoding
        stands = encoding.now[encoding.layout.blocks[thread].first].equals(number)
        moves = [move.equals(value) for value in move.values if value[0] == thread]
        return encoding.formulas.every(stands, encoding.formulas.some(moves))
