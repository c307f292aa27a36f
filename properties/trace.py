"""A schedule as a story: what each step did, where, what it changed, and why nobody will come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from attrs import define, field

from haiku_tuntap.model.language.graph import Frame, Life, Location, LocationKind, ValueType
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import Move, take, write
from haiku_tuntap.properties.explore.search import Model
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.explore.write_step import Report
from haiku_tuntap.properties.verdict import Change, Trace, TraceStep

# How a wait is organised inside a primitive says nothing that the step itself does not say.
HIDDEN_FIELDS = frozenset({"owner", "waiters", "waits_on", "dormant"})


def fingerprint(model: Model) -> str:
    """A short word that changes when the texts do which a fine model was compiled from."""
    digest = hashlib.sha256()
    for graph in model.layout.graphs:
        digest.update(graph.name.encode())
        for text in sorted(graph.texts):
            digest.update(text.encode())
    return digest.hexdigest()[:6]


@define(eq=False)
class Teller:
    """Tells one run of a fine model; `complete` says that every move of it could be made."""

    model: Model
    moves: Sequence[Move]
    states: list[State] = field(init=False)
    steps: list[TraceStep] = field(init=False, factory=list)
    complete: bool = field(init=False)
    _reported: list[Report] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.states = [self.model.layout.initial]
        for number, move in enumerate(self.moves, start=1):
            before = self.states[-1]
            after = take(self.model, before, move)
            self.steps.append(self._step(number, move[0], before, after, move[1]))
            if after is None:
                break
            self.states.append(after)
        noted = self.model.program.noted
        fatal = any(self.model.program.reports[index].fatal for index, _ in noted)
        self.complete = len(self.states) + fatal == len(self.moves) + 1
        self._reported = [self.model.program.reports[index] for index, _ in noted]
        noted.clear()

    def reports(self, codes: frozenset[str]) -> Iterator[str]:
        """What the steps reported under one of `codes`."""
        return (report.text for report in self._reported if report.code in codes)

    def tell(self, reason: str, *, stuck: bool, shortest: bool | None, token_head: str) -> Trace:
        """The trace, with its last row in words; `stuck` if it is the final state that is wrong."""
        threads = tuple(spec.name for spec in self.model.system.threads)
        token = f"{token_head}/{fingerprint(self.model)}/{write(list(self.moves))}"
        return Trace(
            threads, tuple(self.steps), tuple(self._conclusion(reason, stuck)), shortest, token
        )

    # --- one step -----------------------------------------------------------------------------

    def _step(
        self, number: int, thread: int, before: State, after: State | None, choice: int
    ) -> TraceStep:
        here = self.model.location(before, thread)
        frame = innermost(here.stack)
        action = here.label
        if here.kind is LocationKind.RESUMED and here.stack:
            action = f"goes on after {here.label}"
        if len(here.steps) > 1:
            action = f"{here.label.rstrip('?')}: {here.steps[choice].choice}"
        return TraceStep(
            number=number,
            thread=thread,
            action=action,
            outcome=None if after is None else self._outcome(thread, here, before, after),
            where=here.stack[-1].where if here.stack else None,
            source=place(frame),
            changes=() if after is None else tuple(self._changes(thread, before, after)),
        )

    def _outcome(self, thread: int, here: Location, before: State, after: State) -> str | None:
        there = self.model.location(after, thread)
        said = []
        for other, graph in enumerate(self.model.layout.graphs):
            moved = self.model.location(before, other), self.model.location(after, other)
            kinds = (moved[0].kind, moved[1].kind)
            if other != thread and kinds == (LocationKind.BLOCKED, LocationKind.RESUMED):
                said.append(f"wakes {graph.name}")
        if there.kind is LocationKind.BLOCKED:
            said.append("sleeps")
        elif (here.entry_name and here.kind is not LocationKind.CALL and not there.pending) or (
            here.entry_name and there.call != here.call
        ):
            said.append(f"{here.entry_name} returns")
        return ", ".join(said) or None

    def _changes(self, thread: int, before: State, after: State) -> Iterator[Change]:
        layout = self.model.layout
        shadows = {id(m) for m in layout.system.monitors}
        for (number, name), slot in layout.slots.items():
            instance = layout.instances.all[number - 1]
            hidden = id(instance.object) in shadows or hasattr(instance.object, "shadow_of")
            if before[slot] == after[slot] or hidden or name in HIDDEN_FIELDS:
                continue
            kind = layout.types[slot]
            shown = layout.names[slot].removesuffix(".value")
            yield Change(shown, self._show(before[slot], kind), self._show(after[slot], kind))
        there = self.model.location(after, thread)
        here = self.model.location(before, thread)
        for var in sorted(there.live, key=lambda v: (v.routine, v.name)):
            slot = layout.blocks[thread].locals[var]
            known = var in here.live
            if not known or before[slot] != after[slot]:
                old = self._show(before[slot], var.type) if known else ""
                yield Change(f"local {var.name}", old, self._show(after[slot], var.type))

    def _show(self, value: object, kind: ValueType) -> str:
        layout = self.model.layout
        if isinstance(value, tuple):
            return "[" + ", ".join(layout.instances.all[n - 1].name for n in value) + "]"
        assert isinstance(value, int)
        if kind.name in ("ref", "any"):
            return layout.instances.all[value - 1].name if value else "none"
        if kind.name == "status":
            return Status(value).name
        if kind.name == "life":
            return {Life.UNUSED: "not there", Life.ALIVE: "allocated", Life.FREED: "freed"}[
                Life(value)
            ]
        if kind.name == "bool":
            return str(bool(value)).lower()
        return str(value)

    # --- the end ------------------------------------------------------------------------------

    def _conclusion(self, reason: str, stuck: bool) -> Iterator[str]:
        yield f"{_capital(reason)}."
        if not stuck:
            return
        threads = View(self.model.layout, self.states[-1]).threads
        for thread in sorted(threads, key=lambda t: not t.pending):
            if thread.asleep:
                yield from self._why_asleep(thread.index, thread.location)
        yield "No thread inside a call and no kernel thread can take a step: nobody will come."

    def _why_asleep(self, thread: int, location: Location) -> Iterator[str]:
        """When a thread fell asleep, and who had come too early to wake it."""
        name = self.model.system.threads[thread].name
        slept = [
            s.number for s in self.steps if s.thread == thread and "sleeps" in (s.outcome or "")
        ]
        if not slept:
            return
        queue = location.label[location.label.find("(") :]
        early = [
            s
            for s in self.steps[: slept[-1]]
            if s.action == f"release_all{queue}" and s.thread != thread
        ]
        yield f"{_capital(name)} sleeps in {location.label} since step {slept[-1]}."
        if early:
            last = early[-1]
            who = _capital(self.model.system.threads[last.thread].name)
            yield (
                f"{who} has already released everybody who was waiting, in step {last.number}; "
                "that left nothing for those who came later."
            )


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


def innermost(stack: tuple[Frame, ...]) -> Frame | None:
    """The innermost routine that mirrors a place in Haiku."""
    return next((f for f in reversed(stack) if f.source is not None), None)


def place(frame: Frame | None) -> str | None:
    """The line of Haiku's source where a routine stands."""
    if frame is None or frame.source is None:
        return None
    if frame.source_line is None:
        return frame.source
    return f"{frame.source.rsplit(':', 1)[0]}:{frame.source_line}"
