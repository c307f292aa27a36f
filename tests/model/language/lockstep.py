"""Running and the compiled model side by side, compared after every step.

They are driven from two systems which were built the same way, so that neither can see the
other's records; what is compared is numbers, and both number the records alike.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from haiku_tuntap.model.language import System
from haiku_tuntap.model.language.graph import LIFE, Life, LocationKind
from haiku_tuntap.model.language.running import Running
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.search import Model, model_of

# Names that the compiler gives to values which have none in the text.
UNNAMED = frozenset({"value", "argument", "lock", "freed", "receiver"})


class Lockstep:
    """One run of both."""

    def __init__(self, model: Model, running: Running) -> None:
        self.model = model
        self.running = running
        self.state: State = model.layout.initial
        self.locals_compared = 0
        self.compare()

    # --- stepping -----------------------------------------------------------------------------

    def enabled(self) -> list[tuple[int, int]]:
        """The steps that can be taken, as (thread, choice)."""
        threads = range(len(self.running.system.threads))
        return [(t, c) for t in threads for c in range(len(self.running.choices(t)))]

    def step(self, thread: int, choice: int) -> bool:
        """Take a step on both sides; False if the compiled model says that the run ends here.

        Only the compiled model checks accesses to records of a pool, so it goes first.
        """
        model = self.model
        number = model.program.at[thread][model.location(self.state, thread).number][choice]
        model.program.noted.clear()
        successor = model.program.steps[number].function(self.state)
        reports = [model.program.reports[index] for index, _ in model.program.noted]
        expected = [(r.code, r.text, r.fatal) for r in reports if r.code is not None]
        if any(code == "memory" and "free of" not in text for code, text, _ in expected):
            assert successor is None
            return False
        before = len(self.running.violations)
        self.running.step(thread, choice)
        found = [(v.code, v.text, v.fatal) for v in self.running.violations[before:]]
        assert [_without_assertion(v) for v in found] == [_without_assertion(v) for v in expected]
        assert {r.text for r in reports if r.code is None} <= self.running.marks
        if successor is None:
            assert self.running.over
            return False
        self.state = successor
        self.compare()
        return True

    def run(self, choose: Callable[[int], int], max_steps: int) -> int:
        """Run until nobody can step; `choose(n)` picks one of n. Returns the number of steps."""
        for count in range(max_steps):
            enabled = self.enabled()
            if not enabled or not self.step(*enabled[choose(len(enabled))]):
                return count
        return max_steps

    # --- comparing ----------------------------------------------------------------------------

    def compare(self) -> None:
        """All that there is to see must be the same."""
        self._compare_fields()
        for thread in range(len(self.running.system.threads)):
            self._compare_place(thread)
            self._compare_choices(thread)
            self._compare_locals(thread)

    def _compare_fields(self) -> None:
        layout = self.model.layout
        fields = self.running.fields()
        for cell, slot in layout.slots.items():
            assert self.state[slot] == fields[cell], layout.names[slot]
        for cell, value in layout.constants.items():
            instance = layout.instances.all[cell[0] - 1]
            life = fields[(instance.whole.number, LIFE)]
            if cell[1] == LIFE or not instance.from_pool or life != Life.UNUSED:
                assert value == fields[cell], f"{instance.name}.{cell[1]}"

    def _compare_place(self, thread: int) -> None:
        location = self.model.location(self.state, thread)
        assert self.running.kind(thread) is location.kind
        block = self.model.layout.blocks[thread]
        if location.kind is LocationKind.RESUMED:  # its slot serves other locals elsewhere
            woken_with = self.running.encode(self.running.result(thread))
            assert self.state[block.result] == woken_with
        frames = self.running.frames(thread)
        if self._leaves_a_locker(thread):
            assert [f.routine for f in frames] == [f.routine for f in location.stack]
            assert frames[:-1] == location.stack[:-1]
        else:
            assert frames == location.stack
        if location.kind is LocationKind.PRIMITIVE:
            assert location.label.startswith(_label(self.running.pending(thread)))

    def _leaves_a_locker(self, thread: int) -> bool:
        """Whether it is about to unlock at the end of an `async with`, where lines differ."""
        frames = self.running.frames(thread)
        if self.running.pending(thread) != "unlock" or not frames:
            return False
        where = frames[-1].where
        return linecache.getline(where.file, where.line).lstrip().startswith("async with")

    def _compare_choices(self, thread: int) -> None:
        location = self.model.location(self.state, thread)
        expected = []
        for step, number in zip(
            location.steps, self.model.program.at[thread][location.number], strict=True
        ):
            self.model.program.noted.clear()
            successor = self.model.program.steps[number].function(self.state)
            if successor is not None or self.model.program.noted:
                expected.append(step.choice)
        self.model.program.noted.clear()
        assert self.running.choices(thread) == tuple(expected)

    def _compare_locals(self, thread: int) -> None:
        if self._leaves_a_locker(thread):
            return  # a result that is on its way is in its variable already in the step graph
        location = self.model.location(self.state, thread)
        if not location.live:
            return
        frames = self.running.local_variables(thread)
        once = {name for name, n in Counter(name for name, _ in frames).items() if n == 1}
        known = {name: variables for name, variables in frames if name in once}
        names = Counter((v.routine, v.name) for v in location.live)
        for var in location.live:
            if var.routine not in known or var.name in UNNAMED or names[var.routine, var.name] > 1:
                continue
            if var.name in known[var.routine]:
                value = self.running.encode(known[var.routine][var.name])
                assert self.state[self.model.layout.blocks[thread].locals[var]] == value, var
                self.locals_compared += 1


def _label(primitive: str | None) -> str:
    """How the label of a location begins at which this primitive is pending."""
    return "" if primitive in (None, "<lambda>") else str(primitive)


def _without_assertion(violation: tuple[str | None, str, bool]) -> tuple[Any, ...]:
    """Python does not say what was asserted."""
    return violation if violation[0] != "assertion" else ("assertion", violation[2])


def agree(build: Callable[[], System], *, runs: int, max_steps: int = 400) -> int:
    """Compare both on `runs` random schedules. Returns how many steps were compared."""
    model = model_of(build(), reduced=False)
    steps = 0
    for seed in range(runs):
        rng = Random(seed)
        steps += Lockstep(model, Running(build())).run(rng.randrange, max_steps)
    return steps
