"""Running something that depends on unknowns again and again, until all decisions are tried.

What a path decides, of tests and of who takes part in the step, is kept here.
"""

from __future__ import annotations

import functools
from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.graph import Location, ValueType, Var
from haiku_tuntap.properties.prove.counted.moves import Anyone, Binding, Everyone, Holder, Key
from haiku_tuntap.properties.prove.counted.population import CannotCountError, Population, Role
from haiku_tuntap.properties.prove.counted.terms import Fn, Own, Shared, Term, fn
from haiku_tuntap.properties.prove.counted.values import Record, Several

# Equal roles are one object: sets of roles are compared all the time.
_the_role = functools.cache(Role)


class ImpossibleError(Exception):
    """This path cannot be: a reference means nothing that there is."""


@define(eq=False)
class Decisions:
    """A sequence of decisions, and the next one to try."""

    made: list[tuple[int, int]] = Factory(list)
    at: int = 0

    def choose(self, count: int) -> int:
        if self.at == len(self.made):
            self.made.append((0, count))
        self.at += 1
        return self.made[self.at - 1][0]

    def advance(self) -> bool:
        """Go to the next sequence; False after the last."""
        while self.made:
            chosen, count = self.made.pop()
            if chosen + 1 < count:
                self.made.append((chosen + 1, count))
                self.at = 0
                return True
        return False


@define(eq=False)
class Deciding:
    """What is decided on one path through a step, and what was changed on the way."""

    population: Population
    template: int
    location: Location
    decisions: Decisions
    participants: list[Binding] = Factory(list)
    tests: dict[Term, bool] = Factory(dict)
    variables: dict[Var, Any] = Factory(dict)
    shared: dict[str, Term] = Factory(dict)
    places: dict[Role, Any] = Factory(dict)  # what was stored into a place that has a role
    edits: dict[tuple[int, Key], Term] = Factory(dict)
    woken: dict[int, Term] = Factory(dict)
    everyone: list[Everyone] = Factory(list)
    firsts: dict[Several, Record] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.participants.append(Anyone(self.template))

    def test(self, term: Term) -> bool:
        """Whether it holds: known, decided before, or decided now."""
        if isinstance(term, int):
            return bool(term)
        if isinstance(term, Fn) and term.name == "not":
            return not self.test(term.args[0])
        if isinstance(term, Fn) and term.name == "bool":
            return self.test(term.args[0])
        if isinstance(term, Fn) and term.name in ("both", "either"):
            decisive = term.name == "either"
            for arg in term.args:
                if self.test(arg) is decisive:
                    return decisive
            return not decisive
        if term not in self.tests:
            self.tests[term] = self.decisions.choose(2) == 0
        return self.tests[term]

    def participant(self, binding: Binding) -> int:
        if self.everyone:
            raise CannotCountError(
                f"{self.location.label} changes all threads in a list, and then one that may be "
                "among them"
            )
        self.participants.append(binding)
        return len(self.participants) - 1

    def test_role(self, who: int, role: Role) -> bool:
        """Whether a participant has a role."""
        binding = self.participants[who]
        if isinstance(binding, Holder) and binding.role == role:
            return True
        if self._nobody_has(role):
            return False
        return self.test(Own(who, ("role", role)))

    def _nobody_has(self, role: Role) -> bool:
        variable = Shared(role.variable)
        return self.tests.get(fn("eq", variable, 0)) is True or (
            self.tests.get(fn("gt", variable, 0)) is False
        )

    # --- places that refer to threads ---------------------------------------------------------

    def _name_of(self, var: Var) -> str:
        return f"{self.population.layout.graphs[self.template].name}'s {var.name}"

    def _has_role(self, var: Var) -> bool:
        return self.population.refers_to_own(var.type)

    def _place_of(self, var: Var) -> Role:
        place = self._name_of(var)
        record = self.population.own_record(var.type)
        return _the_role(place, record, var.type.name == "seq", self.template, var.name)

    def _role(self, place: str, kind: ValueType) -> Role:
        return _the_role(place, self.population.own_record(kind), kind.name == "seq")
