"""Histories of a tunnel, judged by the reference: calls that overlap, and calls that never end."""

from __future__ import annotations

import pytest

from haiku_tuntap.model.profiles import HAIKU, LINUX, REQUIRED, Profile
from haiku_tuntap.model.reference import (
    OK,
    Close,
    Deliver,
    Events,
    InterfaceDown,
    Open,
    Operation,
    Packet,
    Poll,
    Read,
    Reference,
    Result,
    Select,
    Signal,
    State,
    Transmit,
    Write,
)
from haiku_tuntap.model.status import (
    B_FILE_ERROR,
    B_INTERRUPTED,
    B_OK,
    B_WOULD_BLOCK,
    EBUSY,
)
from haiku_tuntap.properties.stateful.linearizability import (
    Begin,
    End,
    Linearizable,
    NotLinearizable,
    Unknown,
    linearize,
)

P1, P2 = Packet("p1"), Packet("p2")
Event = Begin[Operation] | End[Result]
Verdict = Linearizable[State, Operation, Result] | NotLinearizable[State, Operation, Result]


def judge(
    *events: tuple[str, object],
    profile: Profile = REQUIRED,
    at_rest: bool = False,
    nonblocking: bool = False,
) -> Verdict:
    """Judge a history of (thread, operation or result) of a device with file 1 open."""
    history: list[Event] = []
    inside: dict[str, int] = {}
    for number, (thread, what) in enumerate(events):
        if isinstance(what, Result):
            history.append(End(inside.pop(thread), what))
        else:
            assert isinstance(what, Operation), f"{what} is neither an operation nor a result"
            inside[thread] = number
            history.append(Begin(number, thread, what))
    reference = Reference(profile=profile, files=(1,), nonblocking=nonblocking)
    answer = linearize(reference, history, at_rest=at_rest)
    assert not isinstance(answer, Unknown)
    return answer


SENT = [("stack", Transmit(P1)), ("stack", OK)]
CLOSED = [("closer", Close(1)), ("closer", OK)]
GONE = Result(B_FILE_ERROR)


def test_a_lost_wakeup_is_found_at_rest_only() -> None:
    events = [("reader", Read(1)), *SENT]
    assert isinstance(judge(*events), Linearizable)
    answer = judge(*events, at_rest=True)
    assert isinstance(answer, NotLinearizable)
    assert answer.blamed is None
    assert isinstance(judge(("reader", Read(1)), at_rest=True), Linearizable)


def test_one_of_two_readers_may_sleep_on() -> None:
    events = [("r1", Read(1)), ("r2", Read(1)), *SENT, ("r1", Result(B_OK, P1))]
    assert isinstance(judge(*events, at_rest=True), Linearizable)


def test_close_ends_a_read_that_waits() -> None:
    events = [("reader", Read(1)), *CLOSED]
    assert isinstance(judge(*events, at_rest=True), NotLinearizable)
    assert isinstance(judge(*events, ("reader", GONE), at_rest=True), Linearizable)
    assert isinstance(judge(*events, at_rest=True, profile=LINUX), Linearizable)
    interrupted = ("reader", Result(B_INTERRUPTED))
    answer = judge(*events, interrupted)
    assert isinstance(answer, NotLinearizable)
    assert answer.expected == (GONE,)


def test_a_read_under_way_may_get_a_packet_that_comes_after_the_close() -> None:
    got = ("reader", Result(B_OK, P1))
    assert isinstance(judge(("reader", Read(1)), *CLOSED, *SENT, got), Linearizable)
    assert isinstance(judge(*CLOSED, ("reader", Read(1)), *SENT, got), NotLinearizable)


def test_select_is_not_ended_by_close_on_haiku() -> None:
    selecting = [("s", Select(1, Events.READ)), *CLOSED]
    polling = [("s", Poll(1, Events.READ)), *CLOSED]
    assert isinstance(judge(*selecting, at_rest=True), NotLinearizable)
    assert isinstance(judge(*selecting, at_rest=True, profile=HAIKU), Linearizable)
    assert isinstance(judge(*polling, at_rest=True, profile=HAIKU), NotLinearizable)
    assert isinstance(judge(*polling, at_rest=True, profile=LINUX), Linearizable)
    invalid = ("s", Result(events=Events.INVALID))
    assert isinstance(judge(*polling, invalid, at_rest=True), Linearizable)


def test_poll_reports_read_only_for_a_packet_that_was_there() -> None:
    ready = ("p", Result(events=Events.READ))
    taken = [("reader", Read(1)), ("reader", Result(B_OK, P1))]
    assert isinstance(judge(("p", Poll(1)), *SENT, *taken, ready), Linearizable)
    answer = judge(*SENT, *taken, ("p", Poll(1)), ready)
    assert isinstance(answer, NotLinearizable)
    assert answer.expected == ()


@pytest.mark.parametrize(("when", "allowed"), [("before", False), ("during", True)])
def test_a_signal_ends_only_a_call_that_is_inside(when: str, allowed: bool) -> None:
    signal = [("killer", Signal("reader")), ("killer", OK)]
    read = ("reader", Read(1))
    events = [*signal, read] if when == "before" else [read, *signal]
    answer = judge(*events, ("reader", Result(B_INTERRUPTED)))
    assert isinstance(answer, Linearizable if allowed else NotLinearizable)


def test_nonblocking_read() -> None:
    events = [("reader", Read(1))]
    refused = ("reader", Result(B_WOULD_BLOCK))
    assert isinstance(judge(*events, refused, nonblocking=True), Linearizable)
    assert isinstance(judge(*events, nonblocking=True, at_rest=True), NotLinearizable)
    assert isinstance(judge(*events, nonblocking=True, at_rest=True, profile=HAIKU), Linearizable)
    assert isinstance(judge(*events, refused), NotLinearizable)


def test_open_may_be_busy_until_the_last_call_has_returned() -> None:
    busy = [("opener", Open(2)), ("opener", Result(EBUSY))]
    under_way = [("reader", Read(1)), *CLOSED, *busy, ("reader", GONE)]
    assert isinstance(judge(*under_way), Linearizable)
    answer = judge(*CLOSED, *busy)
    assert isinstance(answer, NotLinearizable)
    assert answer.expected == (OK,)


def test_the_next_opener_reads_nothing_old() -> None:
    events = [
        *SENT,
        *CLOSED,
        ("opener", Open(2)),
        ("opener", OK),
        ("opener", Read(2)),
        ("opener", Result(B_OK, P1)),
    ]
    assert isinstance(judge(*events), NotLinearizable)
    assert isinstance(judge(*events, profile=HAIKU), Linearizable)


def test_packets_come_in_order() -> None:
    sent = [*SENT, ("stack", Transmit(P2)), ("stack", OK)]
    assert isinstance(judge(*sent, ("r", Read(1)), ("r", Result(B_OK, P2))), NotLinearizable)
    together = [("a", Transmit(P1)), ("b", Transmit(P2)), ("a", OK), ("b", OK)]
    assert isinstance(judge(*together, ("r", Read(1)), ("r", Result(B_OK, P2))), Linearizable)


def test_down_does_not_hang_and_the_reader_thread_is_served() -> None:
    assert isinstance(
        judge(("thread", Deliver()), ("ifconfig", InterfaceDown()), at_rest=True), NotLinearizable
    )
    written = [("thread", Deliver()), ("app", Write(1, P1)), ("app", OK)]
    assert isinstance(judge(*written, at_rest=True), NotLinearizable)
    assert isinstance(judge(*written, ("thread", Result(B_OK, P1)), at_rest=True), Linearizable)
