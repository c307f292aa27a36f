"""Finite systems made of the same thread templates that a theorem is about."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, frozen

from haiku_tuntap.model.language import Call, System, Thread, ThreadSpec
from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.records import is_record
from haiku_tuntap.properties.explore.generate import generate
from haiku_tuntap.properties.explore.layout import Layout, State
from haiku_tuntap.properties.explore.search import Model
from haiku_tuntap.properties.property import Property, with_monitors


@frozen
class Finite:
    """So many threads of each template, ready for searching; `template_of` maps them back."""

    model: Model
    template_of: tuple[int, ...]

    @property
    def layout(self) -> Layout:
        return self.model.layout

    def successors(self, state: State) -> list[tuple[int, State]]:
        """The states one fine step away, each with the thread that takes the step."""
        found = []
        program = self.model.program
        for thread, block in enumerate(self.layout.blocks):
            for number in program.at[thread][state[block.first]]:
                following = program.steps[number].function(state)
                if following is not None:
                    found.append((thread, following))
        return found


def several(
    templates: System, counts: Mapping[str, int], properties: Sequence[Property] = ()
) -> Finite:
    """The finite system with that many threads of each template; one where nothing is said.

    The shared records are the templates'. A record of a thread's own is copied for each. Who names
    a thread of another template names the first of its copies, the next copy the next, and so on.
    """
    shared = {i.object for i in Instances(templates).all if i.block is None}
    kept = {id(r): r for r in shared}
    specs: list[list[ThreadSpec]] = []
    for spec in templates.threads:
        count = counts.get(spec.name, 1)
        names = [spec.name if count == 1 else f"{spec.name} {i + 1}" for i in range(count)]
        specs.append([ThreadSpec(name, (), spec.pool, spec.service) for name in names])
    copies = {id(t.thread): made for t, made in zip(templates.threads, specs, strict=True)}
    for template, made in zip(templates.threads, specs, strict=True):
        for index, spec in enumerate(made):
            spec.calls = tuple(
                Call(c.procedure, tuple(_argument(a, index, copies, kept) for a in c.args))
                for c in template.calls
            )
    system = System(
        name=templates.name,
        roots=templates.roots,
        threads=tuple(spec for made in specs for spec in made),
        substitution=templates.substitution,
        chances=templates.chances,
    )
    origin = tuple(t for t, made in enumerate(specs) for _ in made)
    return Finite(_model(with_monitors(system, properties)), origin)


def _argument(
    value: Any, index: int, copies: Mapping[int, list[ThreadSpec]], kept: Mapping[int, Any]
) -> Any:
    if isinstance(value, Thread):
        made = copies[id(value)]
        return made[index % len(made)].thread if made else value
    return copy.deepcopy(value, dict(kept)) if is_record(value) else value


def _model(system: System) -> Model:
    """As the explorer's fine search has it, but locals that can mean one record only are kept."""
    instances = Instances(system)
    graphs = compile_threads(system, instances)
    layout = Layout(system, instances, graphs, keeps_references=True)
    return Model(system, layout, generate(layout), None)


@define(eq=False)
class Reachable:
    """All reachable states of a finite system, and the steps between them."""

    finite: Finite
    states: dict[State, tuple[State, ...]]
    fatal: frozenset[State]

    @property
    def quiescent(self) -> list[State]:
        """The states in which no thread can take a step but to begin a call."""
        layout, model = self.finite.layout, self.finite.model
        kinds = [[loc.kind.name == "CALL" for loc in g.locations] for g in layout.graphs]
        found = []
        for state in self.states:
            moving = {t for t, _ in self.finite.successors(state)}
            model.program.noted.clear()
            begins = all(kinds[t][state[layout.blocks[t].first]] for t in moving)
            if begins and state not in self.fatal:
                found.append(state)
        return found


def reachable(finite: Finite, limit: int) -> Reachable:
    """Search everything, breadth first. AssertionError if there are more states than `limit`."""
    noted, reports = finite.model.program.noted, finite.model.program.reports
    noted.clear()
    states: dict[State, tuple[State, ...]] = {}
    fatal = set()
    pending = [finite.layout.initial]
    known = {finite.layout.initial}
    for state in pending:  # which grows
        following = tuple(s for _, s in finite.successors(state))
        if any(reports[report].fatal for report, _ in noted):
            fatal.add(state)
        noted.clear()
        states[state] = following
        for successor in following:
            if successor not in known:
                known.add(successor)
                pending.append(successor)
        assert len(known) <= limit, f"more than {limit} states"
    return Reachable(finite, states, frozenset(fatal))
