"""Tiny systems of thread templates, for looking at one step of the counted form."""

from __future__ import annotations

from agreement import Comparison, compared

from haiku_tuntap.model.language import Call, System, ThreadSpec
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.proof import system_space
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.theorems import Built


def templates(root: object, *calls: Call, **more: Call) -> System:
    """A template per call, with one shared record: `a`, `b` and so on, or as they are named."""
    named = {chr(ord("a") + i): made for i, made in enumerate(calls)} | more
    threads = tuple(ThreadSpec(name, (made,)) for name, made in named.items())
    return System("tiny", {"it": root}, threads)


def space_of(root: object, *calls: Call, **more: Call) -> Space:
    """The local states and rules of such a system."""
    return system_space(templates(root, *calls, **more))


def comparison_of(system: System, **counts: int) -> Comparison:
    """The counted form and the search, with so many threads of each template."""
    return compared(Built(system, frozenset(), frozenset()), counts)


def described(space: Space, state: LocalState) -> str:
    """A local state in a line: who stands where, woken with what, in which roles."""
    template = space.templates[state.template]
    location = template.location(state)
    roles = sorted(role.place.removeprefix("it.") for role in state.roles)
    woken = f" with {state.woken}" if location.kind.name == "RESUMED" else ""
    what = location.label or location.kind.name.lower()
    return f"{template.name} {location.kind.name.lower()} {what}{woken} {roles}"
