"""What there is, and what each thing means: the text of `tuntap list` and `tuntap explain`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from haiku_tuntap.model.drivers import DRIVERS, Driver, KnownDefect
from haiku_tuntap.model.language.invariants import Conjunct
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.loading import InputError, unknown
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.theorems import THEOREMS, Theorem
from haiku_tuntap.properties.prove.written import Written, formula
from haiku_tuntap.properties.report.words import whose

VERDICTS = {
    "PROVED": "The property holds for any number of threads of the kinds that the theorem lists, "
    "any number of packets and any capacity: an invariant holds at first, every step keeps it, and "
    "it excludes what the property forbids. What is abstracted is listed by `tuntap prove`.",
    "HOLDS": "There is no violation in the whole state space of the scenario's bounds. "
    "It says nothing of more threads, packets or signals than the bounds name.",
    "REFUTED": "There is a run that violates the property. It is shown step by step, and "
    "`tuntap replay` shows it again.",
    "UNDETERMINED": "A limit (time, memory, states) ended the search, or an interruption did. "
    "No violation was met until then, which is not the same as success. Of a theorem: neither a "
    "proof nor a run that refutes it was found. Exit code 3.",
    "KNOWN": "Refuted, and declared: the shipped driver lists this defect with its reason, and "
    "the driver that was checked has it, too. Exit code 0.",
    "FIXED": "A defect that the shipped driver declares, in a place where the driver that was "
    "checked does not have it any more.",
    "NEW": "Refuted, and not declared by the shipped driver: the change that was checked brought "
    "it in, or the declarations lack it. Exit code 1.",
    "VACUOUS": "The property holds, but the situation that it is about never came about in the "
    "scenario (nobody had to wait, no queue filled up), so that its holding says nothing there.",
}


def print_list(console: Console, kind: str | None) -> None:
    """The drivers, scenarios, properties, known defects or theorems, or all of them."""
    lists: dict[str, Mapping[str, str]] = {
        "drivers": {driver.name: driver.summary for driver in DRIVERS.values()},
        "scenarios": {scenario.name: scenario.title for scenario in SCENARIOS.values()},
        "properties": {property_.id: property_.title for property_ in PROPERTIES.values()},
        "theorems": {theorem.id: theorem.title for theorem in THEOREMS.values()},
        "defects": {d.id: f"{d.title}{whose(d)}" for d in _defects().values()},
    }
    for number, (name, entries) in enumerate(
        (name, entries) for name, entries in lists.items() if kind in (None, name)
    ):
        if kind is None:
            console.print(Text(f"{chr(10) if number else ''}{name}", "bold"))
        console.print(_columns(entries))


def print_explanation(console: Console, name: str) -> None:
    """What a property, known defect, verdict, scenario, driver, theorem or invariant is."""
    found = list(_explanations(name))
    if not found:
        names = [*PROPERTIES, *_defects(), *SCENARIOS, *DRIVERS, *(v.lower() for v in VERDICTS)]
        names += [*THEOREMS, *_invariants()]
        kinds = "property, defect, verdict, scenario, driver, theorem or invariant"
        raise InputError(unknown(kinds, name, names))
    for number, explanation in enumerate(found):
        console.print(*([""] if number else []), explanation, sep="\n")


def _explanations(name: str) -> Iterator[RenderableType]:
    if name in PROPERTIES:
        yield _property(PROPERTIES[name])
    if name in _defects():
        yield _defect(_defects()[name])
    if name.upper() in VERDICTS:
        yield Group(_heading("verdict", name.upper()), _paragraph(VERDICTS[name.upper()]))
    if name in SCENARIOS:
        yield _scenario(SCENARIOS[name])
    if name in DRIVERS:
        yield _driver(DRIVERS[name])
    if name in THEOREMS:
        yield _theorem(THEOREMS[name])
    for driver, conjunct in _invariants().get(name, ()):
        yield _invariant(driver, conjunct)


def _invariants() -> dict[str, list[tuple[Driver, Conjunct]]]:
    """The conjuncts of all drivers by name, each with the driver that declares it."""
    found: dict[str, list[tuple[Driver, Conjunct]]] = {}
    for driver in DRIVERS.values():
        for name, conjunct in driver.own_invariants.items():
            if conjunct is not None:
                found.setdefault(name, []).append((driver, conjunct))
    return found


def _defects() -> dict[str, KnownDefect]:
    return {defect.id: defect for driver in DRIVERS.values() for defect in driver.known}


def _property(property_: Property) -> Group:
    places = {
        defect.id: [
            name for name, found in _ordered(defect.places).items() if property_.id in found
        ]
        for defect in _defects().values()
    }
    known = "\n".join(f"{name}: {', '.join(where)}" for name, where in places.items() if where)
    return Group(
        _heading("property", property_.id),
        _paragraph(property_.title),
        _paragraph(property_.statement),
        _facts({"source": property_.source, "known defects": known}),
    )


def _defect(defect: KnownDefect) -> Group:
    drivers = [driver.name for driver in DRIVERS.values() if defect in driver.known]
    repair = "none, by decision; see above"
    if defect.repair is not None:
        repair = f"{defect.repair.name}: {defect.repair.summary}"
    scenarios = _ordered(defect.places)
    shown = " ".join(f"--scenario {name}" for name in list(scenarios)[:1])
    return Group(
        _heading("known defect", defect.id),
        _paragraph(defect.title),
        _paragraph(defect.prose),
        _facts(
            {
                "whose": f"the {defect.owner}'s",
                "source": defect.source,
                "drivers": ", ".join(drivers),
                "refutes": "\n".join(
                    f"{scenario}: {', '.join(properties)}"
                    for scenario, properties in scenarios.items()
                ),
                "repair": repair,
                "to see it": f"tuntap check {drivers[0]} {shown}",
            }
        ),
    )


def _ordered(refutes: frozenset[tuple[str, str]]) -> dict[str, list[str]]:
    """The properties by scenario, both in the order of the lists."""
    scenarios, properties = list(SCENARIOS), list(PROPERTIES)

    def place(pair: tuple[str, str]) -> tuple[int, int]:
        return scenarios.index(pair[0]), properties.index(pair[1])

    ordered: dict[str, list[str]] = {}
    for scenario, property_ in sorted(refutes, key=place):
        ordered.setdefault(scenario, []).append(property_)
    return ordered


def _scenario(scenario: Scenario) -> Group:
    chances = ", ".join(sorted(chance.name for chance in scenario.chances))
    known = [
        f"{defect.id}: {', '.join(_ordered(defect.places)[scenario.name])}"
        for defect in _defects().values()
        if any(name == scenario.name for name, _ in defect.places)
    ]
    return Group(
        _heading("scenario", scenario.name),
        _paragraph(scenario.title),
        _facts(
            {
                "family": scenario.family,
                "bounds": scenario.bounds,
                "may go wrong": chances,
                "known defects": "\n".join(known),
            }
        ),
    )


def _driver(driver: Driver) -> Group:
    defects = "\n".join(f"{d.id}: {d.title}{whose(d)}" for d in driver.known)
    base = f"{driver.base.name}: {driver.base.summary}" if driver.base else ""
    return Group(
        _heading("driver", driver.name),
        _paragraph(driver.summary),
        _facts({"derives from": base, "known defects": defects}),
    )


def _theorem(theorem: Theorem) -> Group:
    names = {
        driver.name: ", ".join(
            name
            for name, conjunct in driver.own_invariants.items()
            if conjunct is not None and theorem.has(conjunct)
        )
        for driver in DRIVERS.values()
    }
    invariants = "\n".join(f"{name}: {listed}" for name, listed in names.items() if listed)
    return Group(
        _heading("theorem", theorem.id),
        _paragraph(theorem.title),
        _facts(
            {
                "threads": theorem.threads,
                "properties": ", ".join(prop.id for prop in theorem.properties),
                "searched": ", ".join(theorem.scenarios),
                "invariants": invariants,
                "to prove it": f"tuntap prove --theorem {theorem.id}",
            }
        ),
    )


def _invariant(driver: Driver, conjunct: Conjunct) -> Group:
    system = THEOREMS[conjunct.theorems[0]].build(driver).system
    return Group(
        _heading("invariant", conjunct.name),
        _paragraph(conjunct.why),
        _facts(
            {
                "formula": formula(conjunct, Written(system)),
                "theorems": ", ".join(conjunct.theorems),
                "declared for": driver.name,
            }
        ),
    )


def _heading(kind: str, name: str) -> Text:
    return Text.assemble((name, "bold"), (f"  {kind}", "dim"))


def _paragraph(text: str) -> Padding:
    return Padding(Text(inspect.cleandoc(text)), (0, 0, 1, 0))


def _facts(facts: dict[str, str]) -> Table:
    return _columns({name: fact for name, fact in facts.items() if fact})


def _columns(entries: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column()
    for name, text in entries.items():
        table.add_row(Text(name), Text(text))
    return table
