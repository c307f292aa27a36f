"""Breadth-first search through all states of a system.

Breadth-first, so that the first violation met is one with the fewest steps. A state is *quiescent*
when no step but the beginning of a call can be taken; the properties are asked about those, and
told of what steps report. A limit that is hit ends the search, and is said.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Iterable
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.graph import Location, LocationKind
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.system import System
from haiku_tuntap.properties.explore.generate import (
    NotPackableError,
    Packing,
    Program,
    generate,
)
from haiku_tuntap.properties.explore.layout import Layout, State
from haiku_tuntap.properties.explore.reduction import eager_locations
from haiku_tuntap.properties.explore.symmetry import Symmetry

POOL_EXHAUSTED = "pool-exhausted"  # reported where a scenario's pool is too small for it
CHECK_EVERY = 2048  # states between two looks at the clock and at memory


@frozen
class Limits:
    """When to give up: seconds, bytes of memory, states; None is no limit."""

    seconds: float | None = None
    memory: int | None = None
    states: int | None = None


@frozen
class Progress:
    """What a search tells while it runs."""

    states: int
    depth: int
    seconds: float


@frozen
class Violation:
    """A property that does not hold: the state before, the step that showed it, and why.

    Without a step the state itself is the violation, and it is quiescent.
    """

    key: str
    reason: str
    state: State
    step: int | None
    depth: int
    states: int
    seconds: float


@define(eq=False)
class Model:
    """A system made ready for searching."""

    system: System
    layout: Layout
    program: Program
    symmetry: Symmetry | None

    @property
    def reduced(self) -> bool:
        return self.symmetry is not None

    def location(self, state: State, thread: int) -> Location:
        """Where a thread stands."""
        number = state[self.layout.blocks[thread].first]
        return self.layout.graphs[thread].locations[number]


def model_of(system: System, *, reduced: bool) -> Model:
    """Compile a system; `reduced` merges eager steps and identifies equal threads."""
    instances = Instances(system)
    graphs = compile_threads(system, instances, reduced=reduced)
    layout = Layout(system, instances, graphs)
    eager = eager_locations(graphs, layout) if reduced else None
    return Model(system, layout, generate(layout, eager), Symmetry(layout) if reduced else None)


@define(eq=False)
class Outcome:
    """What a search found: exact counts if it is complete, else the limit that ended it."""

    states: int = 0
    depth: int = 0
    seconds: float = 0.0
    memory: int = 0
    limit: str | None = None
    violations: dict[str, Violation] = Factory(dict)
    marks: set[str] = Factory(set)
    quiescent_states: int = 0
    parents: dict[Any, Any] = field(factory=dict, repr=False)
    packing: Packing | None = field(default=None, repr=False)
    places: list[int] = field(factory=list, repr=False)

    @property
    def visited(self) -> set[tuple[int, int]]:
        """The locations at which threads stood, as (thread, number of the location)."""
        return {
            (thread, state[slot])
            for thread, slot in enumerate(self.places)
            for state in self.parents
        }

    @property
    def complete(self) -> bool:
        return self.limit is None

    def plain(self, state: Any) -> State:
        """A state of `parents` as a tuple."""
        plain: State = self.packing.unpack(state) if self.packing is not None else state
        return plain

    def path_to(self, state: State) -> list[State]:
        """The states from the initial one to `state`."""
        key = self.packing.pack(state) if self.packing is not None else state
        path = [key]
        while (before := self.parents[path[-1]]) is not None:
            path.append(before)
        return [self.plain(s) for s in reversed(path)]


Judge = Callable[[State], Iterable[tuple[str, str]]]
KeyOf = Callable[[str], str | None]


class Search:
    """One breadth-first search.

    `judge` says which properties a quiescent state violates, as (key, reason); `key_of` says
    which property a reported code belongs to, if any that is being checked. The search ends
    early when all `wanted` keys are violated.
    """

    def __init__(
        self,
        model: Model,
        judge: Judge,
        key_of: KeyOf,
        wanted: Iterable[str],
        limits: Limits | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.model = model
        self.judge = judge
        self.key_of = key_of
        self.wanted = set(wanted)
        self.limits = limits or Limits()
        self.progress = progress
        self.outcome = Outcome()
        self.program = model.program

    def run(self) -> Outcome:
        """Search until everything is seen, everything wanted is found, or a limit is hit.

        On KeyboardInterrupt, too, what was found so far is the outcome.
        """
        try:
            return self._run(self._packed_program())
        except NotPackableError:
            return self._run(self.model.program)

    def _packed_program(self) -> Program:
        """The fine search packs its states; canonical ones are rearranged too often for that."""
        if self.model.symmetry is not None:
            return self.model.program
        return generate(self.model.layout, packed=True)

    def _run(self, program: Program) -> Outcome:
        self.program = program
        self.outcome = outcome = Outcome(
            packing=program.packing, places=[b.first for b in self.model.layout.blocks]
        )
        self.started = time.perf_counter()
        gc.disable()  # states hold no cycles, and looking for some takes a third of the time
        try:
            self._levels()
        except KeyboardInterrupt:
            outcome.limit = "interrupted"
        finally:
            gc.enable()
        outcome.marks = set(self.program.marks)
        outcome.states = len(outcome.parents)
        outcome.seconds = time.perf_counter() - self.started
        outcome.memory = memory_in_use()
        return outcome

    def _levels(self) -> None:
        outcome = self.outcome
        initial: Any = self.model.layout.initial
        if self.program.packing is not None:
            initial = self.program.packing.pack(initial)
        outcome.parents[initial] = None
        level = [initial]
        while level and not self._ends(level):
            level = self._expand(level)
            if level:
                outcome.depth += 1

    def _ends(self, level: list[State]) -> bool:
        return self.outcome.limit is not None or self.wanted <= self.outcome.violations.keys()

    def _expand(self, level: list[State]) -> list[State]:
        """The states one step from those of `level` that were not met before.

        The inner loop of the whole search, with nothing in it that can be done elsewhere.
        """
        parents, noted = self.outcome.parents, self.program.noted
        symmetry = self.model.symmetry
        canonical = symmetry.canonical if symmetry is not None and symmetry.groups else None
        threads = self._tables()
        fresh: list[State] = []
        append = fresh.append
        for count, state in enumerate(level):
            if not count % CHECK_EVERY and self._limit_hit():
                break
            quiescent = True
            for slot, functions_at, begins_call in threads:
                place = state[slot]
                for function in functions_at[place]:
                    try:
                        successor = function(state)
                    except (TypeError, ValueError):
                        if self.program.packing is None:
                            raise
                        raise NotPackableError from None
                    if successor is None:
                        continue
                    if not begins_call[place]:
                        quiescent = False
                    if canonical is not None:
                        successor = canonical(successor)
                    if successor not in parents:
                        parents[successor] = state
                        append(successor)
            if noted and self._note(state):
                quiescent = False
            if quiescent:
                self._quiescent(state)
        return fresh

    def _tables(self) -> list[tuple[int, list[list[Any]], list[bool]]]:
        """Per thread: the slot that says where it stands; by place, its steps and their kind."""
        program, layout = self.program, self.model.layout
        made = []
        for thread, graph in enumerate(layout.graphs):
            functions = [
                [program.steps[n].function for n in program.at[thread][location.number]]
                for location in graph.locations
            ]
            calls = [location.kind is LocationKind.CALL for location in graph.locations]
            made.append((layout.blocks[thread].first, functions, calls))
        return made

    def _note(self, state: State) -> bool:
        """Take what the steps from `state` reported; whether one ended its path inside a call."""
        noted = self.program.noted
        fatal = False
        for report_index, step in noted:
            report = self.program.reports[report_index]
            begins_call = self.program.steps[step].location.kind is LocationKind.CALL
            fatal = fatal or (report.fatal and not begins_call)
            if report.code == POOL_EXHAUSTED:
                self.outcome.limit = report.text
                continue
            key = self.key_of(report.code)
            if key is not None:
                self._violated(key, report.text, state, step)
        noted.clear()
        return fatal

    def _quiescent(self, state: State) -> None:
        self.outcome.quiescent_states += 1
        for key, reason in self.judge(self.outcome.plain(state)):
            self._violated(key, reason, state, None)

    def _violated(self, key: str, reason: str, state: State, step: int | None) -> None:
        if key not in self.outcome.violations:
            self.outcome.violations[key] = Violation(
                key,
                reason,
                self.outcome.plain(state),
                step,
                self.outcome.depth + (step is not None),
                len(self.outcome.parents),
                time.perf_counter() - self.started,
            )

    def _limit_hit(self) -> bool:
        states, limits = len(self.outcome.parents), self.limits
        seconds = time.perf_counter() - self.started
        if self.progress is not None:
            self.progress(Progress(states, self.outcome.depth, seconds))
        if limits.states is not None and states >= limits.states:
            self.outcome.limit = f"{limits.states:,} states"
        elif limits.seconds is not None and seconds > limits.seconds:
            self.outcome.limit = f"{limits.seconds:g} s"
        elif limits.memory is not None and memory_in_use() > limits.memory:
            self.outcome.limit = f"{limits.memory / 2**20:,.0f} MiB of memory"
        return self.outcome.limit is not None


def memory_in_use() -> int:
    """The memory of this process at its largest, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
