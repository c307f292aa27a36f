"""Conditions, and tables of values under conditions.

All values of a finite system are small: numbers, references, short tuples of references. So a
value that is not known is written as a *table*: which values it may have, and under which condition
it has each. An operator on tables applies the compiler's own operator to the values, combination
by combination, and combines the conditions. Nothing about operators is written a second time, and
a queue needs no encoding: it is a tuple, in FIFO order.

A condition is True, False or opaque. `Conditions` itself knows of an opaque one only that it may
hold, which serves to find out what values are possible at all (domains.py). `Formulas` are those
of Z3, which serve to say when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import define

from haiku_tuntap.properties.prove.formulas import every, some

Condition = Any  # True, False, or opaque
Table = dict[Any, Condition]  # of any two conditions at most one holds

MAYBE = object()


def do_not_look() -> None:
    """There is no limit to look at."""


@define(eq=False)
class Conditions:
    """Conditions of which no more is known than whether they can hold.

    Tables can be large and many. `look` is called for each, and ends the work by an exception.
    """

    look: Callable[[], None] = do_not_look

    def every(self, *conditions: Condition) -> Condition:
        """All of them."""
        known = [c for c in conditions if c is not True]
        if any(c is False for c in known):
            return False
        if len(known) < 2:
            return known[0] if known else True
        return self._every(known)

    def some(self, conditions: Iterable[Condition]) -> Condition:
        """One of them or more."""
        known = [c for c in conditions if c is not False]
        if any(c is True for c in known):
            return True
        if len(known) < 2:
            return known[0] if known else False
        return self._some(known)

    def negated(self, condition: Condition) -> Condition:
        """Not this one."""
        if condition is True or condition is False:
            return not condition
        return self._negated(condition)

    def _every(self, conditions: list[Condition]) -> Condition:
        return MAYBE

    def _some(self, conditions: list[Condition]) -> Condition:
        return MAYBE

    def _negated(self, condition: Condition) -> Condition:
        return MAYBE

    # --- tables ---------------------------------------------------------------------------------

    def gathered(self, pairs: Iterable[tuple[Any, Condition]]) -> Table:
        """The table of values that may come several times, each with a condition of its own.

        Of two values the one has the negated condition of the other: the shorter formula. That is
        exact where one of `pairs` must hold; where none does, the value means nothing.
        """
        self.look()
        groups: dict[Any, list[Condition]] = {}
        for value, condition in pairs:
            if condition is not False:
                groups.setdefault(value, []).append(condition)
        if len(groups) == 2:
            rare, common = sorted(groups, key=lambda value: len(groups[value]))
            condition = self.some(groups[rare])
            return {rare: condition, common: self.negated(condition)}
        return {value: self.some(conditions) for value, conditions in groups.items()}

    def chosen(self, test: Condition, yes: Table, no: Table) -> Table:
        """The one table where the test holds, else the other."""
        if test is True or yes is no:
            return yes
        if test is False:
            return no
        otherwise = self.negated(test)
        return self.gathered(
            [(value, self.every(test, condition)) for value, condition in yes.items()]
            + [(value, self.every(otherwise, condition)) for value, condition in no.items()]
        )

    def truth(self, table: Table) -> Condition:
        """When the value counts as true."""
        yes = [condition for value, condition in table.items() if value]
        no = [condition for value, condition in table.items() if not value]
        if not no:
            return bool(yes)
        return self.some(yes) if len(yes) <= len(no) else self.negated(self.some(no))


@define(eq=False)
class Formulas(Conditions):
    """Conditions that are formulas of Z3."""

    def _every(self, conditions: list[Condition]) -> Condition:
        return every(conditions)

    def _some(self, conditions: list[Condition]) -> Condition:
        return some(conditions)

    def _negated(self, condition: Condition) -> Condition:
        return condition.arg(0) if z3.is_not(condition) else z3.Not(condition)
