"""The checker on histories whose verdicts are known, of registers and of queues.

Queues are the example of Herlihy and Wing ("Linearizability", 1990).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from attrs import frozen

from haiku_tuntap.properties.stateful.linearizability import (
    Begin,
    End,
    Linearizable,
    NotLinearizable,
    Sequential,
    Unknown,
    linearize,
)

Step = tuple[str, int | None]
History = list[Begin[Step] | End[int | None]]


class Register(Sequential[int, Step, int | None]):
    """A register: ("write", n) → None, ("read", None) → the value."""

    def initial(self) -> int:
        return 0

    def step(self, state: int, thread: str, operation: Step) -> Iterable[tuple[int | None, int]]:
        name, value = operation
        if name == "read":
            return [(state, state)]
        assert value is not None
        return [(None, value)]


class Queue(Sequential[tuple[int, ...], Step, int | None]):
    """A FIFO whose dequeue waits while it is empty; ("lose", n) may or may not enqueue."""

    def initial(self) -> tuple[int, ...]:
        return ()

    def step(
        self, state: tuple[int, ...], thread: str, operation: Step
    ) -> Iterable[tuple[int | None, tuple[int, ...]]]:
        name, value = operation
        if name == "take":
            return [(state[0], state[1:])] if state else []
        assert value is not None
        return [(None, (*state, value)), *([(None, state)] if name == "lose" else [])]

    def at_rest(self, state: tuple[int, ...]) -> bool:
        """The only calls that can be inside are takes."""
        return not state


def history(text: str) -> History:
    """`A put 1; B take; A → ; B → 1`: a thread begins, or its call ends with a result."""
    found: History = []
    inside: dict[str, int] = {}
    for number, part in enumerate(text.split(";")):
        thread, *words = part.split()
        if words[0] == "→":
            found.append(End(inside.pop(thread), int(words[1]) if words[1:] else None))
        else:
            inside[thread] = number
            argument = int(words[1]) if words[1:] else None
            found.append(Begin(number, thread, (words[0], argument)))
    return found


LINEARIZABLE: dict[str, tuple[Any, str]] = {
    "nothing": (Register(), "A read; A → 0"),
    "a read beside a write may be before it": (
        Register(),
        "A write 1; B read; B → 0; A →",
    ),
    "a read beside a write may be after it": (Register(), "A write 1; B read; B → 1; A →"),
    "two reads beside a write see it in turn": (
        Register(),
        "A write 1; B read; B → 0; B read; B → 1; A →",
    ),
    "three threads put and take, overlapping": (
        Queue(),
        "A put 1; B put 2; B →; A →; B take; B → 1; C take; A take; A → 2; B put 3; B →; C → 3",
    ),
    "concurrent puts come out in either order": (
        Queue(),
        "A put 1; B put 2; A →; B →; A take; A → 2; A take; A → 1",
    ),
    "a pending put that must have taken effect": (Queue(), "A put 1; B take; B → 1"),
    "a pending put that must not have taken effect": (
        Queue(),
        "A put 1; B put 2; B →; B take; B → 2; B put 3; B →; B take; B → 3",
    ),
    "a take waits until there is something": (Queue(), "A take; B put 1; B →; A → 1"),
    "a put that may be lost was": (Queue(), "A lose 1; A →; A put 2; A →; A take; A → 2"),
    "a put that may be lost was not": (Queue(), "A lose 1; A →; A take; A → 1"),
}

NOT_LINEARIZABLE: dict[str, tuple[Any, str, str]] = {
    "a stale read": (Register(), "A write 1; A →; B read; B → 0", "(1,)"),
    "a value goes away again": (
        Register(),
        "A write 1; B read; B → 1; B read; B → 0; A →",
        "(1,)",
    ),
    "a put that was over is overtaken": (
        Queue(),
        "A put 1; A →; B put 2; A put 3; B →; A →; A take; A → 2",
        "(1,)",
    ),
    "one item is taken twice": (
        Queue(),
        "A put 1; B put 2; A →; B →; A take; C take; A → 2; C → 2",
        "(1,)",
    ),
    "taken though nothing is there": (Queue(), "A take; A → 1", "()"),
    "taken before it was put": (Queue(), "A take; A → 1; B put 1; B →", "()"),
    "a pending put cannot help twice": (Queue(), "A put 1; B take; B → 1; B take; B → 1", "()"),
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_linearizable(name: str) -> None:
    specification, text = LINEARIZABLE[name]
    answer: Any = linearize(specification, history(text))
    assert isinstance(answer, Linearizable), str(answer)
    ended = {event.call for event in history(text) if isinstance(event, End)}
    assert ended <= {instant.call for instant in answer.order}


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_not_linearizable(name: str) -> None:
    specification, text, expected = NOT_LINEARIZABLE[name]
    answer: Any = linearize(specification, history(text))
    assert isinstance(answer, NotLinearizable), str(answer)
    assert str(answer.expected) == expected


def test_a_refusal_says_what_was_expected() -> None:
    answer = linearize(Register(), history("A write 1; A →; B read; B → 0"))
    assert str(answer) == (
        "not linearizable; the longest explanation is:\n"
        "  A: ('write', 1) → None\n"
        "then B: ('read', None)\n"
        "  expected: 1\n"
        "  got:      0\n"
        "state: 1"
    )


def test_the_limit_is_neither_yes_nor_no() -> None:
    puts = ";".join(f"T{n} put {n}" for n in range(7))
    ends = ";".join(f"T{n} →" for n in range(7))
    text = f"{puts};{ends};A take;A → 9"
    answer = linearize(Queue(), history(text), limit=1000)
    assert isinstance(answer, Unknown)
    assert str(answer) == "unknown: more than 1,000 configurations"
    assert isinstance(linearize(Queue(), history(text), limit=1_000_000), NotLinearizable)


def test_an_answer_is_no_bool() -> None:
    with pytest.raises(TypeError, match="there are three answers"):
        bool(linearize(Register(), []))


def test_at_rest_a_pending_call_must_not_be_owed_anything() -> None:
    asleep = history("A take; B put 1; B →")
    assert isinstance(linearize(Queue(), asleep), Linearizable)
    answer = linearize(Queue(), asleep, at_rest=True)
    assert isinstance(answer, NotLinearizable)
    assert answer.blamed is None
    assert "nobody goes on" in str(answer)
    served = history("A take; C take; B put 1; B →; A → 1")
    assert isinstance(linearize(Queue(), served, at_rest=True), Linearizable)


@frozen
class Watcher(Sequential[int, str, int]):
    """Answers with how many calls are inside when it takes effect: its state watches calls."""

    watches_calls = True

    def initial(self) -> int:
        return 0

    def invoke(self, state: int, thread: str, operation: str) -> int:
        return state + 1

    def step(self, state: int, thread: str, operation: str) -> Iterable[tuple[int, int]]:
        return [(state, state)]

    def leave(self, state: int, thread: str, operation: str) -> int:
        return state - 1


def test_instants_before_the_beginnings_of_others_are_tried() -> None:
    first, second = Begin(1, "A", "count"), Begin(2, "B", "count")
    events: list[Begin[str] | End[int]]
    for early in (1, 2):
        events = [first, second, End(2, 2), End(1, early)]
        assert isinstance(linearize(Watcher(), events), Linearizable)
    answer = linearize(Watcher(), [first, second, End(2, 1), End(1, 1)])
    # B ends first and A is inside all the time.
    assert isinstance(answer, NotLinearizable)
    assert answer.expected == (2,)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([End(1, 0)], "event 1 of the history: call 1 ends without being under way"),
        ([Begin(1, "A", ("read", None)), Begin(1, "B", ("read", None))], "call 1 begins twice"),
        ([Begin(1, "A", ("read", None)), Begin(2, "A", ("read", None))], "inside another"),
    ],
)
def test_what_is_no_history_is_refused(events: History, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linearize(Register(), events)
