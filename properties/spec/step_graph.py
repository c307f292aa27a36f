"""The steps of fifo_dequeue_buffer, drawn from what the compiler makes of its text.

A box is a place where a thread stands between two steps, about to do what the box says; whatever
other threads do, they do it while this one stands in a box. Waiting for the mutex is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.language.graph import (
    Goto,
    Location,
    LocationKind,
    ThreadGraph,
    instructions,
)
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.check import build
from haiku_tuntap.properties.report.words import without_device

SCENARIO, READER = "two-readers-close", "reader 1"
ROUTINE = "fifo_dequeue_buffer"


def dequeue() -> str:
    """The diagram for Mermaid."""
    model = build(TUNNEL, SCENARIOS[SCENARIO], [], reduced=False)
    graph = next(g for g in model.layout.graphs if g.name == READER)
    shown = [location for location in graph.locations if _shown(location)]
    names = {location.number: f"s{n}" for n, location in enumerate(shown)}
    lines = ["flowchart TD", "    begin([called])"]
    for location in shown:
        lines.append(f'    {names[location.number]}["{_label(location)}"]')
    lines.append("    done([returns])")
    first = shown[0].number
    lines.append(f"    begin --> {names[first]}")
    for location in shown:
        targets = [names.get(target, "done") for target in _targets(graph, location)]
        lines += [f"    {names[location.number]} --> {t}" for t in dict.fromkeys(targets)]
        if location.kind is LocationKind.BLOCKED:
            woken = names[location.number + 1]
            lines.append(f"    {names[location.number]} -. somebody wakes it .-> {woken}")
    return "\n".join(lines)


def _shown(location: Location) -> bool:
    if not any(frame.routine == ROUTINE for frame in location.stack):
        return False
    return location.kind is LocationKind.PRIMITIVE or not location.label.startswith("lock(")


def _targets(graph: ThreadGraph, location: Location) -> Iterator[int]:
    """Where a thread may stand after a step, beyond the mutex's queue."""
    for way in location.steps:
        for instruction in instructions(way.entry):
            if isinstance(instruction, Goto):
                target = instruction.location
                if target.label.startswith("lock(") and target.kind is LocationKind.BLOCKED:
                    yield from _targets(graph, graph.locations[target.number + 1])
                else:
                    yield target.number


def _label(location: Location) -> str:
    label = without_device(location.label).replace("send_queue.", "fifo.")
    if location.kind is LocationKind.BLOCKED:
        return f"asleep in {label}"
    if location.kind is LocationKind.RESUMED:
        return f"woken in {label}"
    line = next(f.source_line for f in location.stack if f.routine == ROUTINE)
    return f"{label}<br/>stack/utility.cpp:{line}"
