"""Whether the names that an invariant uses as texts are names of anything.

`next_is("instal(files)")` is a place like any other, but nobody is ever there, and a fact about it
says nothing. So each name is looked up in the step graphs. A theorem may lack it, as it has no
openers, and so may a change that leaves out the call of which an inherited conjunct speaks. It is
a mistake if it is in no theorem's system, with the driver or with one that it derives from.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from attrs import define, field

from haiku_tuntap.model.drivers import DRIVERS, Driver
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.language.graph import Location, LocationKind, ThreadGraph
from haiku_tuntap.model.language.invariants import Conjunct, Name, Naming, Place
from haiku_tuntap.properties.prove.counted.population import (
    CannotCountError,
    Population,
    population_of,
)
from haiku_tuntap.properties.prove.counted.positions import source_of, standing_at
from haiku_tuntap.properties.prove.theorems import THEOREMS, Theorem
from haiku_tuntap.properties.prove.written import Leaf, LocalOf, Written, formula


def require_known_names(driver: Driver, theorem: Theorem, population: Population) -> None:
    """InputError, with the line, if a conjunct of the user's uses a name that there is not.

    The names in those of shipped drivers were known when they were shipped.
    """
    shipped = {id(c) for other in DRIVERS.values() for c in other.invariants.values()}
    own = [c for c in driver.invariants.values() if id(c) not in shipped]
    require_known_names_in(own, driver, theorem, population)


def require_known_names_in(
    conjuncts: Iterable[Conjunct], driver: Driver, theorem: Theorem, population: Population
) -> None:
    """InputError, with the line, if one of these conjuncts uses a name that there is not."""
    vocabulary = Vocabulary(driver, theorem)
    vocabulary.learn(population)
    asking = Written(population.layout.system, vocabulary.show)
    for conjunct in conjuncts:
        if theorem.has(conjunct):
            formula(conjunct, asking)


@define(eq=False)
class Vocabulary:
    """The names that were met so far; where one is not among them, one more system is read."""

    driver: Driver
    theorem: Theorem
    known: set[Name] = field(factory=set)
    unread: Iterator[Population] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unread = self._others()

    def show(self, leaf: Leaf) -> str:
        """Nothing, for what an invariant asks about; AttributeError if it is not there."""
        for name in _names_of(leaf):
            self._require(name)
        return ""

    def learn(self, population: Population) -> None:
        """Know the names of a system."""
        for graph in population.layout.graphs:
            for location in graph.locations:
                self.known.update(_at(graph, location))
                self.known.update(_of_locals(graph, location, population))

    def _require(self, name: Name) -> None:
        while name not in self.known:
            population = next(self.unread, None)
            if population is None:
                raise AttributeError(self._missing(name))
            self.learn(population)

    def _missing(self, name: Name) -> str:
        alike = sorted(known.text for known in self.known if known.of is name.of)
        near = difflib.get_close_matches(name.text, alike, n=2, cutoff=0.0)
        instead = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        return f"the driver has no {name.of.value} {name.text!r}{instead}"

    def _others(self) -> Iterator[Population]:
        """Those of the other theorems, and of the drivers from which this one derives."""
        driver: Driver | None = self.driver
        while driver is not None:
            for theorem in THEOREMS.values():
                if (driver, theorem) != (self.driver, self.theorem):
                    try:
                        built = theorem.build(driver)
                        yield population_of(built.system, built.single)
                    except (CannotCountError, LanguageError):
                        continue  # said where that theorem is proved
            driver = driver.base


def _names_of(leaf: Leaf) -> tuple[Name, ...]:
    if isinstance(leaf, LocalOf):
        return (Name(Naming.KEPT, f"{leaf.thread}'s {leaf.name}"),)
    return leaf.names if isinstance(leaf, Place) else ()


def _at(graph: ThreadGraph, location: Location) -> Iterator[Name]:
    """How a place may be told from others."""
    yield Name(Naming.STANDING, standing_at(graph, location))
    if location.kind is LocationKind.PRIMITIVE:
        yield Name(Naming.LABEL, location.label)
    source = source_of(location)
    if source is not None:
        yield Name(Naming.SOURCE, source)


def _of_locals(graph: ThreadGraph, location: Location, population: Population) -> Iterator[Name]:
    for var in location.live:
        owned = f"{graph.name}'s {var.name}"
        if var in population.unbounded:
            yield Name(Naming.KEPT, owned)
        elif var.type.name != "seq":
            yield Name(Naming.LOCAL, var.name)
        if population.refers_to_own(var.type):
            yield Name(Naming.MEANING, owned)
