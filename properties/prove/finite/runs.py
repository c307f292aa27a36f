"""Runs that violate a property, found by Z3 and told by the steps themselves.

What Z3 says is not believed: its moves are made again by the generated Python steps. If these
lead elsewhere, translation and steps disagree, and that is a fault of ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.schedule import Move, take
from haiku_tuntap.properties.explore.search import Model
from haiku_tuntap.properties.explore.write_step import Report


@frozen
class Refutation:
    """A run that violates a property; `stuck` if its last state does, which is quiescent."""

    reason: str
    moves: tuple[Move, ...]
    stuck: bool
    seconds: float

    @property
    def length(self) -> int:
        return len(self.moves)


def follow(model: Model, moves: list[Move], states: list[State]) -> None:
    """Make the moves; they must lead through these states."""
    state = model.layout.initial
    for move, expected in zip(moves, states[1:], strict=True):
        following = take(model, state, move)
        if following != expected:
            raise RuntimeError(f"the step {move} from {state} leads elsewhere than in Z3")
        state = following
    model.program.noted.clear()


def reports_from(model: Model, state: State) -> Iterator[tuple[Move, Report]]:
    """What the steps from a state report."""
    for thread in range(len(model.layout.graphs)):
        for choice in range(len(model.location(state, thread).steps)):
            model.program.noted.clear()
            take(model, state, (thread, choice))
            for index, _ in list(model.program.noted):
                yield (thread, choice), model.program.reports[index]
    model.program.noted.clear()


def is_quiescent(model: Model, state: State) -> bool:
    """Whether nothing but the beginning of a call can be done, as explore/search.py has it."""
    inside = {
        thread
        for thread in range(len(model.layout.graphs))
        if model.location(state, thread).kind is not LocationKind.CALL
    }
    if any(report.fatal and thread in inside for (thread, _), report in reports_from(model, state)):
        return False
    return not any(
        take(model, state, (thread, choice)) is not None
        for thread in inside
        for choice in range(len(model.location(state, thread).steps))
    )
