"""What was done to a driver and what it answered, line by line, compared with the reference.

A story does not know in which order a driver did what it was asked at the same time, and it must
not guess: two reads wait, a packet comes, and either may get it. So it keeps all *possible* states
of the reference that agree with everything seen so far. In such a state some calls may have had
their effect though their end has not been seen; what they are going to return is kept with it. When
an end is seen, only those states remain that had it coming, and when none remains the driver has
done what the reference does not allow.

Functions that fail on purpose set `__tracebackhide__`, by which pytest leaves them out.

A driver can also be wrong by doing nothing. `at_rest` asks whether in some possible state nobody is
owed an end, and `overdue` says who is owed one if there is no such state.
"""

from __future__ import annotations

import errno
import inspect
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from functools import cache
from threading import Thread
from typing import Any, NoReturn

from attrs import define, frozen

from haiku_tuntap.model import reference
from haiku_tuntap.model.reference import (
    Close,
    Deliver,
    Events,
    InterfaceDown,
    InterfaceUp,
    Open,
    Operation,
    Packet,
    Poll,
    Read,
    Reference,
    Result,
    State,
    Transmit,
    Write,
)
from haiku_tuntap.model.status import (
    B_BAD_ADDRESS,
    B_BAD_VALUE,
    B_ERROR,
    B_FILE_ERROR,
    B_INTERRUPTED,
    B_OK,
    B_WOULD_BLOCK,
    EBUSY,
    EIO,
    ENOBUFS,
    ENODEV,
    Status,
)

WAITING_CLAUSE = {Read: "READ-3", Poll: "SELECT-3", Deliver: "DELIVER-1"}
STATUS_OF_ERRNO = {
    errno.EAGAIN: B_WOULD_BLOCK,
    errno.EBADF: B_FILE_ERROR,
    errno.EBUSY: EBUSY,
    errno.EFAULT: B_BAD_ADDRESS,
    errno.EINTR: B_INTERRUPTED,
    errno.EINVAL: B_BAD_VALUE,
    errno.EIO: EIO,
    errno.ENOBUFS: ENOBUFS,
    errno.ENODEV: ENODEV,
}
# Where a clause says how a call ends, this one says that it does not sleep on instead.
SLEEPING = {"READ-1": "WAKE-1", "READ-2": "WAKE-1", "SELECT-3": "WAKE-4"}
FOLDED = 4  # as many lines that differ in nothing but the bytes of a packet are told as one


class Refuted(AssertionError):
    """The driver did what the reference does not allow. The message is the whole story."""


@cache
def clause(name: str) -> str:
    """A clause with its text, which the docstrings of the reference's transitions give."""
    for module in (reference.files, reference.interface, reference.state):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            text = " ".join((inspect.getdoc(function) or "").split())
            found = re.search(rf"\b{name}: (.*?)\.(?: |$)", text)
            if found:
                return f"{name}: {found.group(1)}"
    return name


def told(operation: Operation, result: Result | None) -> str:
    """A result in words. None is no result: the call waits."""
    if result is None:
        return "nothing" if isinstance(operation, Deliver) else "waits"
    if isinstance(operation, Poll) and result == reference.OK:
        return "B_OK (no event)"
    return str(result)


@define
class Line:
    """A call and what it has come to when the next line is told, or the later end of a call."""

    thread: str
    operation: Operation
    result: Result | None = None
    later: bool = False

    def __str__(self) -> str:
        ends = " ends" if self.later else ""
        return f"{self.thread}: {self.operation}{ends} → {told(self.operation, self.result)}"

    def looks_like(self, other: Line) -> bool:
        """Whether both send a packet of the same size, with the same result."""
        return packet_size(self) == packet_size(other) != 0 and (
            (self.thread, type(self.operation), self.result, self.later)
            == (other.thread, type(other.operation), other.result, other.later)
        )


def packet_size(line: Line) -> int:
    """The size of the packet that the line's operation sends."""
    operation = line.operation
    sends = isinstance(operation, Transmit | Write) and operation.packet is not None
    return operation.packet.size if sends else 0  # type: ignore[union-attr]  # sends says so


Way = tuple[Result | None, str]  # how a call may end, and the clause that says so


@frozen
class Returning:
    """A call that has had its effect and is going to return this, by this clause."""

    thread: str
    result: Result
    clause: str


@frozen
class Possible:
    """A state that agrees with what was seen, and what calls have yet to return in it."""

    state: State
    returning: frozenset[Returning] = frozenset()


class Story:
    """The calls so far, and the states in which they may have left the driver."""

    def __init__(self, device: Reference) -> None:
        self.profile = device.profile
        # In the order in which they were found, so that what is told does not depend on hashes.
        self.possible: tuple[Possible, ...] = (Possible(device.initial()),)
        self.likely: State = device.initial()
        self.lines: list[Line] = []

    def begin(self, thread: str, operation: Operation) -> None:
        """A thread begins a call."""
        self.lines.append(Line(thread, operation))
        begun = (
            Possible(reference.invoke(possible.state, thread, operation), possible.returning)
            for possible in self.possible
        )
        self.possible = with_effects(begun, self)

    def end(self, thread: str, result: Result) -> None:
        """A thread's call has returned."""
        __tracebackhide__ = True
        line = next(line for line in reversed(self.lines) if line.thread == thread)
        ended = Line(thread, line.operation, result, later=line is not self.lines[-1])
        if ended.later:
            self.lines.append(ended)
        else:
            self.lines[-1] = ended
        remaining = dict.fromkeys(
            Possible(reference.leave(possible.state, thread), possible.returning - {returning})
            for possible in self.possible
            for returning in possible.returning
            if (returning.thread, returning.result) == (thread, result)
        )
        if not remaining:
            self.refute(line, *self.allowed(thread), told(line.operation, result))
        self.possible = tuple(remaining)

    def withdraw(self, thread: str) -> None:
        """A thread's call has found nothing to do, and has gone again."""
        __tracebackhide__ = True
        line = self.lines[-1]
        remaining = tuple(
            Possible(reference.leave(possible.state, thread), possible.returning)
            for possible in self.possible
            if not any(returning.thread == thread for returning in possible.returning)
            and not any(
                way.promised and way.result is not None and way.result.status == B_OK
                for way in reference.completable(possible.state, thread, self.profile)
            )
        )
        if not remaining:
            self.refute(line, *self.allowed(thread), told(line.operation, None))
        self.possible = remaining

    def at_rest(self) -> bool:
        """Whether everybody who is inside a call may wait there; the likely state is then known."""
        for possible in self.possible:
            if reference.quiescent(possible.state, self.profile):
                self.likely = possible.state
                return True
        return False

    def overdue(self) -> NoReturn:
        """Nothing more happens, and somebody ought to have returned."""
        __tracebackhide__ = True
        state = self.possible[0].state
        call, _ = next(reference.ignored(state, self.profile))
        line = next(line for line in reversed(self.lines) if line.thread == call.thread)
        ways = reference.completable(state, call.thread, self.profile)
        owed = [
            (way.result, SLEEPING.get(way.clause, way.clause)) for way in ways if way.promised
        ] or [
            (returning.result, returning.clause)
            for returning in self.possible[0].returning
            if returning.thread == call.thread
        ]
        self.refute(line, owed, False, "it still waits")

    def allowed(self, thread: str) -> tuple[list[Way], bool]:
        """How a thread's call could have ended, and whether it could have waited."""
        ways: list[Way] = []
        may_wait = False
        for possible in self.possible:
            call = possible.state.call(thread)
            if call is None or call.ended:
                continue
            now = reference.completable(possible.state, thread, self.profile)
            ways += [(way.result, way.clause) for way in now]
            may_wait = may_wait or not any(way.promised for way in now)
        return ways, may_wait

    def refute(self, line: Line, ways: list[Way], may_wait: bool, got: str) -> NoReturn:
        """Tell the story, what was expected and what came instead."""
        __tracebackhide__ = True
        expected = [(told(line.operation, result), name) for result, name in ways]
        if may_wait:
            expected.append(("it waits", WAITING_CLAUSE[type(line.operation)]))
        expected = list(dict.fromkeys(expected))
        clauses = dict.fromkeys(name for _, name in expected)
        raise Refuted(
            "\n".join(
                [
                    f"the driver does what the profile {self.profile.name} does not allow",
                    "",
                    *self.text(),
                    "",
                    f"{line.thread}: {line.operation}",
                    *(
                        f"  {'expected' if number == 0 else '      or'}: {what}"
                        for number, what in enumerate(dict.fromkeys(what for what, _ in expected))
                    ),
                    f"       got: {got}",
                    *(f"  violated: {clause(name)}" for name in clauses),
                ]
            )
        )

    def text(self) -> Iterator[str]:
        """The lines with their numbers, where many alike are one."""
        start = 0
        while start < len(self.lines):
            stop = start + 1
            while stop < len(self.lines) and self.lines[stop].looks_like(self.lines[start]):
                stop += 1
            if stop - start >= FOLDED:
                yield f"{start + 1:3}. {self.lines[start]}"
                yield f"     and {stop - start - 1} more packets of this size, likewise"
            else:
                for number in range(start, stop):
                    yield f"{number + 1:3}. {self.lines[number]}"
            start = stop


def with_effects(begun: Iterator[Possible], story: Story) -> tuple[Possible, ...]:
    """These states, and those in which calls that may take effect have done so, in any order."""
    found = dict.fromkeys(begun)
    waiting = list(found)
    for possible in waiting:
        for call in possible.state.calls:
            for way in reference.completable(possible.state, call.thread, story.profile):
                assert way.result is not None, "a call that may end has a result"
                returning = Returning(call.thread, way.result, way.clause)
                successor = Possible(way.state, possible.returning | {returning})
                if successor not in found:
                    found[successor] = None
                    waiting.append(successor)
    return tuple(found)


def in_thread(call: Callable[..., Any], *arguments: Any, pause: float = 0.005) -> Future[Any]:
    """Make a call that may block, and give it a moment to end or to go to sleep.

    The thread does not keep the program from ending, as those of an executor would.
    """
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call(*arguments))
        except BaseException as error:  # whatever it is, it belongs to whoever asks the future
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    wait([future], pause)
    return future


def started(call: Callable[[], Any]) -> Future[Any]:
    """The future of an adapter's call, done if the call is through."""
    future: Future[Any] = Future()
    try:
        value = call()
    except Exception as error:  # `result_of` judges it
        future.set_exception(error)
        return future
    if isinstance(value, Future):
        return value
    future.set_result(value)
    return future


def result_of(operation: Operation, future: Future[Any]) -> Result:
    """What an adapter's call returned, in the reference's terms."""
    try:
        value = future.result()
    except OSError as error:
        value = STATUS_OF_ERRNO.get(error.errno or 0, B_ERROR)
    if isinstance(value, Status) and (value != B_OK or not isinstance(operation, Read | Poll)):
        return Result(value)
    match operation:
        case Open():
            return Result()
        case Read() | Deliver() if isinstance(value, bytes):
            return Result(B_OK, Packet.of(value) if value else None)
        case Poll() if isinstance(value, Events):
            return Result(events=value)
        case Close() | Write() | Transmit() | InterfaceUp() | InterfaceDown() if value is None:
            return Result()
    wanted = {Read: "bytes", Poll: "Events", Deliver: "bytes"}.get(type(operation), "None")
    raise TypeError(
        f"the adapter answered {value!r} to: {operation}\n"
        f"  instead: return {wanted}, or a Status, or a future of one of them"
    )


def bytes_of(packet: Packet | None) -> bytes:
    """What is in a packet that has bytes."""
    content = b"" if packet is None else packet.content
    assert isinstance(content, bytes), "the kit's packets have bytes"
    return content
