"""The transitions: a call begins, takes effect, and has returned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from attrs import evolve, frozen

from haiku_tuntap.model.profiles import REQUIRED, Profile
from haiku_tuntap.model.reference import files, interface
from haiku_tuntap.model.reference.operations import (
    OK,
    Close,
    Delete,
    Deliver,
    Deselect,
    FileOperation,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Open,
    Operation,
    Poll,
    Read,
    Result,
    Select,
    SetBlocking,
    SetMtu,
    Signal,
    Transmit,
    Write,
)
from haiku_tuntap.model.reference.state import Call, File, Outcome, State


def invoke(state: State, thread: str, operation: Operation) -> State:
    """A thread begins a call. A call whose file is closed by now is late (FILE-1)."""
    inside = state.call(thread)
    if inside is not None:
        raise ValueError(f"{thread} cannot begin to {operation}: it is inside a call, {inside}")
    if isinstance(operation, Open) and state.file(operation.file) is not None:
        raise ValueError(f"file {operation.file} exists already; give each open its own number")
    call = Call(thread, operation)
    if isinstance(operation, FileOperation):
        file = state.file(operation.file)
        late = file is None or file.closed
        nonblocking = file is not None and file.nonblocking
        if isinstance(operation, Read):
            call = evolve(call, may_wait=not nonblocking, may_refuse=nonblocking)
        call = evolve(call, late=late)
    return state.with_call(call)


def effects(state: State, call: Call, profile: Profile) -> Iterable[Outcome]:
    """The ways in which a call's operation can take effect now."""
    match call.operation:
        case Open() as operation:
            return files.opened(state, operation, profile)
        case Close() as operation:
            return files.closed(state, operation)
        case Read() as operation:
            return files.read(state, call, operation, profile)
        case Write() as operation:
            return files.written(state, call, operation, profile)
        case Poll() | Select() as operation:
            return files.polled(state, call, operation, profile)
        case SetBlocking() as operation:
            return files.mode_set(state, call, operation)
        case Signal(thread):
            return [Outcome(OK, files.interrupted(state, thread), "SIGNAL-1")]
        case Deselect(thread):
            return [Outcome(OK, files.timed_out(state, thread), "SELECT-5")]
        case InterfaceUp() | InterfaceDown():
            return interface.turned(state, call, profile)
        case SetMtu() as operation:
            return interface.mtu_set(state, operation, profile)
        case Delete():
            return interface.deleted(state, profile)
        case Transmit() as operation:
            return interface.transmitted(state, operation, profile)
        case Deliver():
            return interface.delivered(state, profile)


def completable(state: State, thread: str, profile: Profile) -> tuple[Outcome, ...]:
    """The ways in which a thread's call may end now; none if it must wait.

    In the outcomes' states the call has ended and is still inside, until `leave`.
    """
    call = state.call(thread)
    if call is None:
        raise ValueError(f"{thread} is in no call; begin one with invoke()")
    if call.ended:
        return ()
    return tuple(
        evolve(outcome, state=outcome.state.with_call(evolve(call, ended=True)))
        for outcome in effects(state, call, profile)
    )


def leave(state: State, thread: str) -> State:
    """A thread's call has returned. A closed file that no call uses any more is gone."""
    calls = tuple(call for call in state.calls if call.thread != thread)
    return evolve(state, calls=calls).tidy()


def step(
    state: State, operation: Operation, profile: Profile, thread: str = "caller"
) -> tuple[Outcome, ...]:
    """All results of one call that begins now, at rest before and after.

    If the call may wait, one outcome has the result None, and in its state the call is inside.
    """
    begun = invoke(state, thread, operation)
    ways = completable(begun, thread, profile)
    ended = tuple(evolve(way, state=leave(way.state, thread)) for way in ways)
    if any(way.promised for way in ways):
        return ended
    clause = {Read: "READ-3", Deliver: "WAKE-6"}.get(type(operation), "WAKE-4")
    return (*ended, Outcome(None, begun, clause))


def ignored(state: State, profile: Profile) -> Iterator[tuple[Call, Outcome | None]]:
    """The calls that must not be asleep in this state, and how they ought to end.

    A call that has ended but is still inside is one of them, with no outcome.
    """
    for call in state.calls:
        if call.ended:
            yield call, None
        else:
            for outcome in completable(state, call.thread, profile):
                if outcome.promised:
                    yield call, outcome
                    break


def quiescent(state: State, profile: Profile) -> bool:
    """Whether every call that is inside may sleep on: none is promised an end."""
    return not any(ignored(state, profile))


@frozen
class Reference:
    """One device under one profile: what a checker of histories asks the reference."""

    watches_calls: ClassVar[bool] = True

    kind: Kind = Kind.TUN
    profile: Profile = REQUIRED
    capacity: int | None = None
    up: bool = True
    files: tuple[int, ...] = ()
    nonblocking: bool = False

    def initial(self) -> State:
        """The device, with these files open, of which there is at most one."""
        if len(self.files) > 1:
            raise ValueError("at most one file of a device is open (OPEN-1)")
        tun = self.kind is Kind.TUN
        default = (self.profile.tun_capacity if tun else self.profile.tap_capacity).value
        capacity = default if self.capacity is None else self.capacity
        state = State(self.kind, capacity, up=self.up)
        for file in self.files:
            state = state.with_file(File(file, self.nonblocking))
        return state

    def invoke(self, state: State, thread: str, operation: Operation) -> State:
        """A thread begins a call."""
        return invoke(state, thread, operation)

    def step(
        self, state: State, thread: str, operation: Operation
    ) -> Iterator[tuple[Result, State]]:
        """The results and states with which a call may take effect now."""
        for outcome in completable(state, thread, self.profile):
            assert outcome.result is not None
            yield outcome.result, outcome.state

    def leave(self, state: State, thread: str, operation: Operation) -> State:
        """A call has returned."""
        return leave(state, thread)

    def at_rest(self, state: State) -> bool:
        """Whether every call that is inside may sleep on."""
        return quiescent(state, self.profile)
