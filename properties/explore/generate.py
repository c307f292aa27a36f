"""From step graphs to Python: one function per step, from a state to the next.

    def step_17(s):                       # reader 1: lock(send_queue.lock)
        if s[3] != 0:
            return None                   # cannot be taken now
        n = [*s]
        n[3] = 1
        ...
        n[9] = 4                          # where the thread stands now
        return tuple(n)

Constants are folded, locals are Python locals, only what is live is written back. Generated code
is several times faster than closures over the graph would be, and it is what the search runs.
Reports go to `noted` (index of a Report, number of the step); after a fatal one the function
returns None. What was reached goes to `marks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import Factory, define, frozen

from haiku_tuntap.model.language.graph import Location, LocationKind
from haiku_tuntap.properties.explore.layout import Layout, State
from haiku_tuntap.properties.explore.write_step import Report, StepWriter


@frozen
class StepInfo:
    """Which step a generated function performs."""

    thread: int
    location: Location
    choice: int
    function: Callable[[State], State | None]


@define(eq=False)
class Program:
    """The generated functions, and how to find those of a thread at a location."""

    layout: Layout
    steps: list[StepInfo] = Factory(list)
    at: list[list[tuple[int, ...]]] = Factory(list)
    reports: list[Report] = Factory(list)
    noted: list[tuple[int, int]] = Factory(list)
    marks: set[str] = Factory(set)
    source: str = ""


class Generator(StepWriter):
    """Writes and compiles the functions of a whole system."""

    def generate(self) -> Program:
        """Write and compile everything."""
        program = Program(self.layout)
        infos: list[tuple[int, Location, int]] = []
        for thread, graph in enumerate(self.layout.graphs):
            self.thread = thread
            table: list[tuple[int, ...]] = []
            for location in graph.locations:
                numbers = []
                for choice, step in enumerate(location.steps):
                    numbers.append(len(infos))
                    self.function(len(infos), graph, location, step)
                    infos.append((self.thread, location, choice))
                table.append(tuple(numbers))
            program.at.append(table)
        self._settle(infos)
        header = [f"{name} = {values!r}" for values, name in self.tables.items()]
        program.source = "\n".join([*header, *self.lines])
        program.reports = list(self.reports)
        namespace: dict[str, Any] = {
            "note": program.noted.append,
            "reach": program.marks.add,
        }
        exec(compile(program.source, "<steps>", "exec"), namespace)  # our own
        program.steps = [
            StepInfo(thread, location, choice, namespace[f"step_{number}"])
            for number, (thread, location, choice) in enumerate(infos)
        ]
        return program

    def _settle(self, infos: list[tuple[int, Location, int]]) -> None:
        """Let woken threads take their eager steps, which are part of the step that woke them."""
        if self.eager is None:
            return
        resumed: list[tuple[int, str]] = []
        for thread, block in enumerate(self.layout.blocks):
            numbers = {
                location.number: number
                for number, (owner, location, _) in enumerate(infos)
                if owner == thread
                and location.kind is LocationKind.RESUMED
                and location.number in self.eager[thread]
            }
            if numbers:
                pairs = ", ".join(f"{at}: step_{n}" for at, n in numbers.items())
                resumed.append((block.first, f"{{{pairs}}}"))
        self.lines.append(f"RESUMED = [{', '.join(f'({s}, {t})' for s, t in resumed)}]")
        self.lines += [
            "def settle(s):",
            "  for slot, table in RESUMED:",
            "    if s[slot] in table:",
            "      s = table[s[slot]](s)",
            "  return s",
        ]


def generate(layout: Layout, eager: Sequence[set[int]] | None = None) -> Program:
    """Generate the step functions of a system; `eager` steps are merged into those before."""
    return Generator(layout, eager).generate()
