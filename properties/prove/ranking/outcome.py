"""What came of looking for a measure, as plain data: for reports, for JSON, for people."""

from __future__ import annotations

from attrs import frozen

from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.prove.answer import Answer


@frozen
class Weight:
    """What a level makes of a thread at a place: one number, or as the thread's state is."""

    thread: str
    place: str
    least: int
    most: int


@frozen
class LevelShown:
    """One number of a measure: in a line, and what it makes of every place."""

    text: str
    weights: tuple[Weight, ...]


@frozen
class LoopStep:
    """A step of a loop: whose it is, what it does and where, how often it is done each time."""

    thread: str
    action: str
    routine: str
    where: Where | None
    source: str | None
    times: int


@frozen
class Run:
    """A run that goes round for ever: where, how many steps lead there, and the round itself."""

    scenario: str
    steps_before: int
    round: tuple[tuple[str, str], ...]  # (thread, what it does)


@frozen
class Search:
    """What came of looking for one; `complete` says that no scenario was too large."""

    run: Run | None
    scenarios: tuple[str, ...]
    complete: bool


@frozen
class ProgressOutcome:
    """Whether every woken call ends or sleeps again, and why.

    `levels` are the measure, as far as one was found. `loop` are steps that no level lowers and
    that take nothing away together; `search` says whether a run goes round. `problems` say in
    words what else stands in the way.
    """

    answer: Answer
    levels: tuple[LevelShown, ...] = ()
    loop: tuple[LoopStep, ...] = ()
    search: Search | None = None
    problems: tuple[str, ...] = ()
    queries: int = 0
    seconds: float = 0.0


NO_INVARIANT = "the invariant, on which a measure rests, was not proved"
INTERRUPTED = ProgressOutcome(
    Answer.UNDETERMINED, problems=("looking for a measure was interrupted",)
)
NOT_TRIED = ProgressOutcome(Answer.UNDETERMINED, problems=(NO_INVARIANT,))
