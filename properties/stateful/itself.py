"""The reference against itself: whatever is called in whatever order, the reference stays sound.

Hypothesis begins calls, ends them in any way that the reference allows, and lets them leave, and
after every step the invariants are looked at. They say what any tunnel must keep to and are stated
without the reference's own transitions, so that a mistake there shows here:

- *conservation*: a packet that was accepted is queued, or was given to one reader, or was dropped
  by an open or a delete that may do so; and packets are given out in the order of acceptance;
- *exclusive open*: at most one file is open;
- *bounds*: no queue is larger than its capacity;
- *no call is ignored*: in a state that the reference calls quiescent, no call is inside that
  could end, judged call by call by plain rules (`could_end`);
- *progress*: ending the calls that are owed an end, and letting them leave, comes to rest.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from haiku_tuntap.model import reference
from haiku_tuntap.model.profiles import REQUIRED, Profile, Unit
from haiku_tuntap.model.reference import (
    Call,
    Close,
    Delete,
    Deliver,
    Deselect,
    Events,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Open,
    Operation,
    Outcome,
    Packet,
    Poll,
    Read,
    Reference,
    Select,
    SetBlocking,
    SetMtu,
    Signal,
    State,
    Transmit,
    Write,
)
from haiku_tuntap.model.status import B_OK

THREADS = ("red", "green", "blue", "white")
CAPACITY = {Unit.BYTES: 40, Unit.PACKETS: 2}
EVENTS = (Events.READ, Events.WRITE, Events.READ | Events.WRITE)
INTERFACE = (InterfaceUp(), InterfaceUp(), InterfaceDown(), Deliver(), Deliver(), Deliver())
MTU = 16  # the smallest that any profile allows is 16, so that a packet can be too large


def could_end(state: State, call: Call, profile: Profile) -> bool:
    """Whether a call that is inside is owed an end, in plain words.

    WAKE-1, WAKE-2, WAKE-3, WAKE-4, WAKE-5, WAKE-6 and WAKE-7; and that all but read, poll, select
    and deliver never wait (CLOSE-1, CONTROL-2, SEND-3, UP-1, WRITE-5).
    """
    if isinstance(call.operation, Deliver):
        return bool(state.to_stack) or (not state.up and profile.down_wakes_reader_thread.value)
    if not isinstance(call.operation, Read | Poll | Select):
        return True
    file = state.file(call.operation.file)
    if call.signalled or call.late or state.deleted or file is None:
        return True
    if isinstance(call.operation, Read):
        closing_ends = profile.close_wakes_read.value
        refuses = call.may_refuse and not call.may_wait and profile.nonblocking_honoured.value
        holds = bool(state.to_application) or call.operation.size == 0 or refuses
    else:
        is_poll = isinstance(call.operation, Poll)
        closing_ends = (profile.close_wakes_poll if is_poll else profile.close_wakes_select).value
        ready = bool(call.operation.events & Events.READ and state.to_application)
        if call.operation.events & Events.WRITE:
            ready = ready or state.up or profile.write_ready_while_down.value
        watched = not file.closed or profile.watched_after_close.value
        holds = (watched and ready) or call.expired or not call.operation.wait
    return holds or (file.closed and closing_ends)


class ReferenceMachine(RuleBasedStateMachine):
    """The reference under random calls. Subclasses choose kind, profile, and the machine tested."""

    kind: ClassVar[Kind] = Kind.TUN
    profile: ClassVar[Profile] = REQUIRED

    def __init__(self) -> None:
        super().__init__()
        self.state = Reference(
            self.kind, self.profile, CAPACITY[self.profile.queue_unit.value], up=False
        ).initial()
        self.state = evolve(self.state, mtu=MTU)
        self.serial = 0
        # Per direction: accepted and not yet given out, in order.
        self.to_application: list[Packet] = []
        self.to_stack: list[Packet] = []

    @initialize(opened=st.booleans(), nonblocking=st.booleans(), up=st.booleans())
    def start(self, opened: bool, nonblocking: bool, up: bool) -> None:
        files = (0,) if opened else ()
        fresh = Reference(self.kind, self.profile, files=files, nonblocking=nonblocking).initial()
        self.state = evolve(self.state, files=fresh.files, up=up)

    # What is tested; a subclass may put something else in its place.

    def completable(self, thread: str) -> tuple[Outcome, ...]:
        """The ways in which a call may end."""
        return reference.completable(self.state, thread, self.profile)

    def quiescent(self, state: State) -> bool:
        """Whether everybody who is inside may sleep on."""
        return reference.quiescent(state, self.profile)

    # Calls

    def busy(self, *, ended: bool) -> list[str]:
        """The threads inside a call that has ended, or has not."""
        return [call.thread for call in self.state.calls if call.ended is ended]

    def free(self) -> list[str]:
        """The threads that are in no call."""
        return [thread for thread in THREADS if self.state.call(thread) is None]

    def begin(self, data: Any, operation: Operation) -> None:
        """Some free thread begins a call; often it is through before anybody else moves."""
        thread = data.draw(st.sampled_from(self.free()), "thread")
        self.state = reference.invoke(self.state, thread, operation)
        if data.draw(st.booleans(), "alone"):
            ways = self.completable(thread)
            if ways:
                self.end(thread, data.draw(st.sampled_from(ways), "outcome"))
                self.state = reference.leave(self.state, thread)

    def end(self, thread: str, outcome: Outcome) -> None:
        """A call takes effect; keep the books."""
        call, result, before = self.state.call(thread), outcome.result, self.state
        assert call is not None
        assert result is not None, "an outcome of a call has a result"
        operation = call.operation
        self.state = outcome.state
        if result.status != B_OK:
            assert result.packet is None, f"{outcome} gives a packet with an error"
        if isinstance(operation, Open) and result.status == B_OK:
            if not self.profile.queue_survives_reopen.value:
                self.to_application.clear()
        elif isinstance(operation, Delete) and result.status == B_OK:
            self.to_application.clear()
            self.to_stack.clear()
        elif isinstance(operation, Transmit) and result.status == B_OK:
            silent = B_OK in self.profile.transmit_full.value
            if not silent or len(before.to_application) < before.capacity:
                self.to_application.append(operation.packet)
        elif isinstance(operation, Write) and result.status == B_OK and operation.packet:
            self.to_stack.append(operation.packet)
        elif isinstance(operation, Read) and result.packet is not None:
            taken = self.to_application.pop(0)
            shown, whole = result.packet.content, taken.content
            assert isinstance(shown, bytes)
            assert isinstance(whole, bytes)
            assert whole.startswith(shown), f"read returned {result.packet} in place of {taken}"
            assert result.packet.size == min(operation.size, taken.size), "a read is cut wrongly"
        elif isinstance(operation, Deliver) and result.packet is not None:
            assert result.packet == self.to_stack.pop(0), "a packet overtook another"

    @precondition(lambda self: self.busy(ended=False))
    @rule(data=st.data())
    def end_a_call(self, data: Any) -> None:
        """One of the calls that may end does, in one of the ways allowed."""
        ways = [
            (thread, outcome)
            for thread in self.busy(ended=False)
            for outcome in self.completable(thread)
        ]
        if ways:
            self.end(*data.draw(st.sampled_from(ways), "outcome"))

    @precondition(lambda self: self.busy(ended=True))
    @rule(data=st.data())
    def leave_a_call(self, data: Any) -> None:
        """One of the calls that have ended returns."""
        self.state = reference.leave(
            self.state, data.draw(st.sampled_from(self.busy(ended=True)), "thread")
        )

    # Operations

    def a_file(self, data: Any) -> int:
        """A file that is known, open or closed; else one that never was. Often the open one."""
        known = [file.number for file in self.state.files]
        is_open = [file.number for file in self.state.files if not file.closed]
        return int(data.draw(st.sampled_from([*known, *is_open * 3] or [0]), "file"))

    def a_packet(self, data: Any) -> Packet:
        """A packet with bytes of its own: IPv4, IPv6 or neither, a runt, a frame, or too large."""
        self.serial += 1
        first = data.draw(st.sampled_from([0x45, 0x45, 0x60, 0x60, 0x12]), "first byte")
        size = data.draw(st.sampled_from([3, 13, 14, 20, 31, 50]), "size")
        return Packet.of(bytes([first]) + self.serial.to_bytes(2, "big") + bytes(size - 3))

    @precondition(lambda self: self.free())
    @rule(data=st.data(), nonblocking=st.booleans())
    def open_(self, data: Any, nonblocking: bool) -> None:
        self.serial += 1
        self.begin(data, Open(self.serial, nonblocking))

    @precondition(lambda self: self.free())
    @rule(data=st.data(), size=st.sampled_from([0, 2, 13, 100]))
    def read(self, data: Any, size: int) -> None:
        self.begin(data, Read(self.a_file(data), size))

    @precondition(lambda self: self.free())
    @rule(data=st.data(), empty=st.sampled_from([False, False, True]))
    def write(self, data: Any, empty: bool) -> None:
        self.begin(data, Write(self.a_file(data), None if empty else self.a_packet(data)))

    @precondition(lambda self: self.free())
    @rule(
        data=st.data(),
        call=st.sampled_from([Poll, Select]),
        events=st.sampled_from(EVENTS),
        wait=st.booleans(),
    )
    def poll(self, data: Any, call: type[Poll | Select], events: Events, wait: bool) -> None:
        self.begin(data, call(self.a_file(data), events, wait))

    @precondition(lambda self: self.free())
    @rule(data=st.data(), what=st.sampled_from([Signal, Deselect]), whom=st.sampled_from(THREADS))
    def disturb(self, data: Any, what: type[Signal | Deselect], whom: str) -> None:
        self.begin(data, what(whom))

    @precondition(lambda self: self.free())
    @rule(data=st.data(), operation=st.sampled_from(INTERFACE))
    def interface(self, data: Any, operation: Operation) -> None:
        self.begin(data, operation)

    # These share a rule because each of them often makes what follows dull.
    @precondition(lambda self: self.free())
    @rule(
        data=st.data(),
        what=st.sampled_from([Close, SetBlocking, SetMtu]),
        blocking=st.booleans(),
        mtu=st.sampled_from([15, 16, 68, 1500, 65535, 65536, 65537]),
    )
    def change(self, data: Any, what: type[Operation], blocking: bool, mtu: int) -> None:
        if what is SetMtu:
            self.begin(data, SetMtu(mtu))
        elif what is SetBlocking:
            self.begin(data, SetBlocking(self.a_file(data), blocking))
        else:
            self.begin(data, Close(self.a_file(data)))

    # Where a device may be deleted under its files, and calls on it are undefined, there is nothing
    # to test; and not too early, because afterwards little happens.
    @precondition(lambda self: self.free() and self.serial > 6 and self.delete_is_defined())
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        self.begin(data, Delete())

    @precondition(lambda self: self.free())
    @rule(data=st.data())
    def transmit(self, data: Any) -> None:
        self.begin(data, Transmit(self.a_packet(data)))

    def delete_is_defined(self) -> bool:
        """Whether the profile says what calls do after a delete, if there can be any."""
        refused = B_OK not in self.profile.delete_while_open.value
        return refused or bool(self.profile.call_after_delete.value)

    # Invariants

    @invariant()
    def packets_are_conserved(self) -> None:
        """What was accepted and not given out is queued, once and in order."""
        assert list(self.state.to_application) == self.to_application, f"packets: {self.state}"
        assert list(self.state.to_stack) == self.to_stack, f"packets: {self.state}"

    @invariant()
    def open_is_exclusive(self) -> None:
        """At most one file is open, and a closed one stays only for the calls that use it."""
        open_files = [file for file in self.state.files if not file.closed]
        assert len(open_files) <= 1, f"two open files: {self.state}"
        idle = [file for file in self.state.files if file.closed and not self.state.uses(file)]
        assert not idle, f"a closed file that nobody uses: {self.state}"

    @invariant()
    def queues_are_bounded(self) -> None:
        """No bounded queue holds more than its capacity."""
        queues = [self.state.to_application]
        if self.profile.written_queue_bounded.value:
            queues.append(self.state.to_stack)
        for queue in queues:
            in_bytes = self.profile.queue_unit.value is Unit.BYTES
            amount = sum(packet.size for packet in queue) if in_bytes else len(queue)
            assert amount <= self.state.capacity, f"a queue is too full: {self.state}"

    @invariant()
    def nobody_is_ignored(self) -> None:
        """A state is quiescent exactly if no call in it could end."""
        owed = [
            call
            for call in self.state.calls
            if call.ended or could_end(self.state, call, self.profile)
        ]
        if self.quiescent(self.state):
            assert not owed, f"quiescent, but {owed[0]} could end: {self.state}"
        else:
            assert owed, f"not quiescent, but nobody could end: {self.state}"

    @invariant()
    def it_comes_to_rest(self) -> None:
        """Serving whoever is owed an end comes to an end itself."""
        state = self.state
        for _ in range(2 * len(THREADS)):
            call, outcome = next(reference.ignored(state, self.profile), (None, None))
            if call is None:
                break
            state = outcome.state if outcome else reference.leave(state, call.thread)
        assert reference.quiescent(state, self.profile), f"no rest: {self.state}"


def machine_for(
    kind: Kind, profile: Profile, base: type[ReferenceMachine] = ReferenceMachine
) -> type[ReferenceMachine]:
    """The machine for one device kind under one profile."""
    name = f"{profile.name.capitalize()}{kind.value.capitalize()}Machine"
    return type(name, (base,), {"kind": kind, "profile": profile})
