"""Loops in what is left: of a template's locations, and of steps that give back what they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from haiku_tuntap.model.language.graph import Location, LocationKind
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.ranking.outcome import LoopStep
from haiku_tuntap.properties.prove.ranking.steps import Effect, InternalStep, Spot, Spots
from haiku_tuntap.properties.trace import innermost, place


def loops_of(
    space: Space, spots: Spots, steps: Sequence[InternalStep]
) -> dict[str, frozenset[Spot]]:
    """The spots of each loop that steps make, by what is done there and in which procedure.

    What several templates do alike is one loop: they run the same procedure.
    """
    following: dict[Spot, set[Spot]] = {}
    for step in steps:
        before, after = step.effect.actor
        following.setdefault(before, set()).add(after)
    found: dict[str, set[Spot]] = {}
    for component in _cyclic_components(following):
        texts = {_doing(location_of(space, spot)) for spot in component}
        found.setdefault(" or ".join(sorted(texts)), set()).update(component)
    return {text: frozenset(loop) for text, loop in found.items()}


def location_of(space: Space, spot: Spot) -> Location:
    """Where that spot is."""
    template, number = (spot.template, spot.place) if isinstance(spot, LocalState) else spot
    return space.templates[template].graph.locations[number]


def _doing(location: Location) -> str:
    return f"somebody is about to do {location.label} in {_procedure(location)}"


def _procedure(location: Location) -> str:
    """The innermost procedure on the stack."""
    return location.stack[-1].routine if location.stack else ""


def _cyclic_components(following: Mapping[Spot, set[Spot]]) -> Iterator[set[Spot]]:
    """The sets of spots each of which leads to all of its set, itself included."""
    reached = {spot: _reached(following, spot) for spot in following}
    seen: set[Spot] = set()
    for spot in following:
        if spot in seen or spot not in reached[spot]:
            continue
        component = {s for s in reached[spot] if spot in reached.get(s, set())}
        seen |= component
        yield component


def _reached(following: Mapping[Spot, set[Spot]], start: Spot) -> set[Spot]:
    found: set[Spot] = set()
    pending = [start]
    while pending:
        for spot in following.get(pending.pop(), ()):
            if spot not in found:
                found.add(spot)
                pending.append(spot)
    return found


def told(
    space: Space, steps: Sequence[InternalStep], times: Mapping[Effect, int]
) -> list[LoopStep]:
    """A combination of effects as steps, each thread's in the order in which it does them."""
    rules = {step.effect: step.rule for step in reversed(steps)}
    ordered = _in_order(list(times))
    made = []
    for effect in ordered:
        rule = rules[effect]
        location = rule.move.source
        action = location.label
        if location.kind is LocationKind.RESUMED:
            action = f"goes on after {location.label}"
        if len(location.steps) > 1:
            action = f"{location.label.rstrip('?')}: {rule.move.choice}"
        frame = location.stack[-1] if location.stack else None
        made.append(
            LoopStep(
                thread=space.templates[rule.move.template].name,
                action=action,
                routine=_procedure(location),
                where=frame.where if frame else None,
                source=place(innermost(location.stack)),
                times=times[effect],
            )
        )
    return made


def _in_order(effects: list[Effect]) -> list[Effect]:
    """Each effect after the one that leads to where it begins."""
    left = list(effects)
    ordered: list[Effect] = []
    while left:
        here = ordered[-1] if ordered else None
        following = (
            [e for e in left if here is not None and e.actor[0] == here.actor[1]]
            or [
                e
                for e in left
                if here is not None and any(e.actor[0] == after for _, after in here.shifts())
            ]
            or left
        )
        ordered.append(following[0])
        left.remove(following[0])
    return ordered
