"""The theorems that are proved, and the invariants that prove them, as the text shows them."""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.language.invariants import RECORD_FACTS, Conjunct
from haiku_tuntap.properties.prove.abstraction import ABSTRACTED
from haiku_tuntap.properties.prove.counted.positions import Named
from haiku_tuntap.properties.prove.monitors import MONITOR_FACTS
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.written import Written, formula, text_of
from haiku_tuntap.properties.report.words import wrapped

WIDTH = 96


def theorems() -> str:
    """A table of the theorems."""
    rows = ["| theorem | says | of | properties |", "|---|---|---|---|"]
    for theorem in THEOREMS.values():
        properties = ", ".join(f"`{p.id}`" for p in theorem.properties)
        rows.append(f"| `{theorem.id}` | {theorem.title} | {theorem.threads} | {properties} |")
    return "\n".join(rows) + "\n"


def abstracted() -> str:
    """What a proof leaves out."""
    return "\n".join(f"- {sentence}" for sentence in ABSTRACTED) + "\n"


def invariants() -> str:
    """The conjuncts of all drivers, each with why it is true and its formula."""
    parts = []
    shown: dict[object, Driver] = {}
    for driver in DRIVERS.values():
        declared = [c for c in driver.own_invariants.values() if c is not None]
        if declared:
            parts.append(f"### {driver.name}\n\n")
        for conjunct in declared:
            first = shown.setdefault(conjunct.holds, driver)
            if first is driver:
                parts.append(_conjunct(driver, conjunct))
            else:
                parts.append(f"**{conjunct.name}**, as of {first.name}.\n\n")
    parts.append("### What the monitors of properties remember\n\n")
    parts += [_conjunct(DRIVERS["tunnel-repaired"], conjunct) for conjunct in MONITOR_FACTS]
    parts.append("### Primitives of the kernel\n\n")
    parts += _of_records()
    return "".join(parts).rstrip("\n") + "\n"


def _conjunct(driver: Driver, conjunct: Conjunct) -> str:
    system = THEOREMS[conjunct.theorems[0]].build(driver).system
    where = ", ".join(f"`{name}`" for name in conjunct.theorems)
    return _entry(conjunct.name, conjunct.why, where, formula(conjunct, Written(system)))


def _of_records() -> Iterator[str]:
    """The facts about every record of a class, shown for the first there is."""
    system = THEOREMS["packets"].build(DRIVERS["tunnel"]).system
    written = Written(system)
    for fact in RECORD_FACTS:
        for instance in written.instances.all:
            if isinstance(instance.object, fact.cls):
                shown = text_of(fact.holds(written, Named(written, instance.object)))
                where = f"every {fact.cls.__name__}"
                yield _entry(fact.name, fact.why, where, shown)
                break


def _entry(name: str, why: str, where: str, shown: str) -> str:
    lines = [line for part in _broken(shown) for line in wrapped(part, WIDTH, "    ")]
    text = "\n".join(lines)
    return f"**{name}** ({where}). {why}\n\n```text\n{text}\n```\n\n"


def _broken(shown: str) -> list[str]:
    """A formula in lines, at what is outermost in it."""
    for operator in (" implies ", " and "):
        parts = _split(shown, operator)
        if len(parts) > 1:
            return [parts[0], *(f"{operator.strip()} {part}" for part in parts[1:])]
    return [shown]


def _split(shown: str, operator: str) -> list[str]:
    """The parts of a formula between the operators that stand in no parentheses."""
    parts, start, depth = [], 0, 0
    for at, letter in enumerate(shown):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and shown.startswith(operator, at):
            parts.append(shown[start:at])
            start = at + len(operator)
    return [*parts, shown[start:]]
