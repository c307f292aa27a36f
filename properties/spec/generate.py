"""Those parts of the text that follow from the model.

    <!-- generated: profiles -->
    ...
    <!-- end -->

`python -m haiku_tuntap.properties.spec.generate` writes what stands between, in every chapter. The
same model gives the same text: nothing in it depends on time or place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from attrs import evolve

from haiku_tuntap.model.drivers import KnownDefect
from haiku_tuntap.model.drivers.known_defects import (
    KNOWN_IN_TUNNEL,
    KNOWN_WHILE_THE_DEVICE_STAYS,
)
from haiku_tuntap.model.drivers.known_life_defects import KNOWN_IN_LIFE
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.profiles import profile_table
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import check_scenario
from haiku_tuntap.properties.loading import InputError, unknown
from haiku_tuntap.properties.report.trace import trace_lines
from haiku_tuntap.properties.spec import diagrams, invariants, step_graph
from haiku_tuntap.properties.spec.clauses import chapters
from haiku_tuntap.properties.spec.specification import TOP

WIDTH = 100
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def mermaid(make: Callable[[], str]) -> str:
    """A diagram in its fence."""
    return f"```mermaid\n{make()}\n```\n"


def defect(known: KnownDefect) -> str:
    """What the checker knows of a defect: where, which run shows it, and what repairs it."""
    scenario, property_ = in_order(known)[0]
    refuted: dict[str, list[str]] = {}
    for where, what in in_order(known):
        refuted.setdefault(what, []).append(where)
    refutes = "; ".join(f"`{what}` in {', '.join(where)}" for what, where in refuted.items())
    repair = "none in the driver"
    if known.repair is not None:
        repair = f"`{known.repair.name}`: {known.repair.summary}"
    return (
        f"- lines: {known.source}\n"
        f"- refutes: {refutes}\n"
        f"- repair: {repair}\n\n"
        f"```text\n{trace(scenario, property_)}\n```\n"
    )


def in_order(known: KnownDefect) -> list[tuple[str, str]]:
    """What a defect refutes, in the order of the lists."""
    scenarios, properties = list(SCENARIOS), list(PROPERTIES)
    return sorted(
        known.places, key=lambda pair: (scenarios.index(pair[0]), properties.index(pair[1]))
    )


def trace(scenario: str, property_: str) -> str:
    """The shortest run that refutes, without the lines of the model, which move."""
    results = check_scenario(TUNNEL, SCENARIOS[scenario], list(PROPERTIES.values()))
    shown = next(result.trace for result in results if result.property == property_)
    if shown is None:
        raise InputError(f"{property_} holds in {scenario}; the declared defect is gone")
    steps = tuple(evolve(step, where=None) for step in shown.steps)
    lines = trace_lines(evolve(shown, steps=steps), WIDTH)
    return "\n".join(line.plain.rstrip() for line in lines)


def defects(known: Sequence[KnownDefect]) -> str:
    """Known defects in a table."""
    rows = ["| defect | whose | what is wrong | lines |", "|---|---|---|---|"]
    rows += [f"| [{d.id}](#{d.id}) | {d.owner} | {d.title} | {d.source} |" for d in known]
    return "\n".join(rows) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "profiles": profile_table,
    "read-call": lambda: mermaid(diagrams.read_call),
    "poll-call": lambda: mermaid(diagrams.poll_call),
    "file-life": lambda: mermaid(diagrams.file_life),
    "interface-life": lambda: mermaid(diagrams.interface_life),
    "dequeue-steps": lambda: mermaid(step_graph.dequeue),
    "theorems": invariants.theorems,
    "abstracted": invariants.abstracted,
    "invariants": invariants.invariants,
    "defects": partial(defects, KNOWN_WHILE_THE_DEVICE_STAYS),
    "defects-interface": partial(defects, KNOWN_IN_LIFE),
    **{f"defect-{d.id}": partial(defect, d) for d in KNOWN_IN_TUNNEL},
}
"""What can be generated, by the name in the marker."""


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The generated blocks of a chapter as they are now: name and content."""
    for found in BLOCK.finditer(text):
        yield found.group(2), found.group(3)


def generated(text: str) -> str:
    """A chapter with its blocks written anew."""

    def write(found: re.Match[str]) -> str:
        name = found.group(2)
        if name not in PARTS:
            raise InputError(unknown("generated part", name, PARTS))
        return f"{found.group(1)}{PARTS[name]()}{found.group(4)}"

    return BLOCK.sub(write, text)


def main(folder: Path = TOP / "spec") -> None:
    """Write all generated blocks of all chapters."""
    for chapter in chapters(folder):
        before = chapter.read_text(encoding="utf-8")
        after = generated(before)
        if after != before:
            chapter.write_text(after, encoding="utf-8")
            print(f"{chapter.name} is written anew")


if __name__ == "__main__":
    main()
