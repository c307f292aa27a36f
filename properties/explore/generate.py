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


class NotPackableError(Exception):
    """A value does not fit into a byte."""


@define(eq=False)
class Packing:
    """States as bytes: a quarter of the memory, and faster to compare and to look up.

    A slot is a byte. A sequence (a queue of threads, a list of buffers) is stored as its number in
    a list of all sequences met so far, whose high byte lies behind all slots; 0 is what a dead slot
    holds. Where a value does not fit, the generated code fails, and the search starts again with
    tuples.
    """

    high: dict[int, int]
    known: list[Any] = Factory(lambda: [0])
    numbers: dict[Any, int] = Factory(lambda: {0: 0})

    def number(self, sequence: Any) -> int:
        """The number of a sequence, which is a new one if it was never met."""
        found = self.numbers.get(sequence)
        if found is None:
            found = self.numbers[sequence] = len(self.known)
            self.known.append(sequence)
        return found

    def pack(self, state: State) -> bytes:
        """A state as bytes. NotPackableError if it does not fit."""
        values = [*state, *(0 for _ in self.high)]
        for slot, high in self.high.items():
            number = self.number(values[slot])
            values[slot], values[high] = number & 255, number >> 8
        try:
            return bytes(values)
        except (TypeError, ValueError):
            raise NotPackableError from None

    def unpack(self, packed: bytes) -> State:
        """The state that was packed."""
        values: list[Any] = list(packed)
        for slot, high in self.high.items():
            values[slot] = self.known[values[slot] | values[high] << 8]
        return tuple(values[: len(values) - len(self.high)])


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
    packing: Packing | None = None


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
        if self.packed:
            program.packing = Packing(self.high)
            namespace |= {"Q": program.packing.known, "q": program.packing.number}
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


def generate(
    layout: Layout, eager: Sequence[set[int]] | None = None, *, packed: bool = False
) -> Program:
    """Generate the step functions of a system.

    `eager` steps are merged into those before. `packed` functions work on bytes (Packing).
    """
    return Generator(layout, eager, packed=packed).generate()
