"""A kit that tests a tunnel driver of yours, a simulator or a VPN program's fake of one.

Write an `Adapter`: seven methods that ask your device for what they say. Subclass `DriverMachine`
with it. Hypothesis then makes up calls, the kit puts each to your device and to the reference, and
it stops at the first answer that the reference does not allow. It is an ordinary
`RuleBasedStateMachine`, so `TestMine = MyMachine.TestCase` makes a test for unittest or pytest, and
`refutation(MyMachine)` gives the story of a failure as text to a program that uses neither.

*A call that waits* is a `concurrent.futures.Future`. A method that is through returns its value;
one that is not returns a future, and the call has ended when the future is done. A device without
threads keeps the futures of those who wait, and sets their results when it wakes them. A device
whose calls block runs them `in_thread`. So the kit never has to stop a call, and "this call must
not wait any more" is something that it can see.

*When is a call late?* Without threads it is late at once: when the adapter has returned, all that
follows from the call has happened. With threads nobody can say, and `patience` decides: the kit
waits that many seconds for an end that is owed, and then calls it missing. Only a failure costs
that time. What is not owed is not waited for; an end that should not be shows at the next call.

*What is not determined.* Two calls under way may take effect in either order, and a profile may
allow several results; the kit accepts whatever some order explains (see `story.py`). With threads
a race shows in some runs only, and Hypothesis may call the failure flaky; it is real nevertheless.

*What is left out.* The kit never uses a file that it has closed, since systems give its number to
the next open. There are no signals, no select and no change of the MTU; the reference has them, but
few devices under test do. A packet is IP by its first nibble alone; override `packet` for more.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, ClassVar

from hypothesis import Phase, event, settings, target
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from haiku_tuntap.model.profiles import REQUIRED, Profile, Unit
from haiku_tuntap.model.reference import (
    Close,
    Deliver,
    Events,
    InterfaceDown,
    InterfaceUp,
    Kind,
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
    fits,
)
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.stateful.story import (
    Refuted,
    Story,
    bytes_of,
    in_thread,
    result_of,
    started,
)

__all__ = ["Adapter", "DriverMachine", "Events", "Kind", "Refuted", "in_thread", "refutation"]

THREADS = ("red", "green", "blue", "white")
STACK = "the stack"
USUAL, SHORT, RUNT = 20, 7, 13  # bytes
LARGE = 1600
READ_OR_WRITE = Events.READ | Events.WRITE
# What leads to the situations that matter, of which random calls seldom find one by themselves.
MEETINGS = (
    ("read", "close"),
    ("read", "transmit"),
    ("read", "read", "close"),
    ("read", "read", "transmit"),
    ("poll", "close"),
    ("poll", "transmit"),
    ("transmit", "close", "open"),
    ("transmit", "turn", "turn"),
    ("write", "turn", "turn"),
    ("transmit", "short read"),
    ("close", "open non-blocking", "read"),
    ("fill", "short read"),
    ("fill the written",),
    ("wrong write",),
)


class Adapter(ABC):
    """Your device: made with its interface up, no file open and nothing queued.

    An error is an `OSError` that is raised, or a `Status` that is returned. Any method but
    `deliver` may return a future of what it would return.
    """

    @abstractmethod
    def open(self, nonblocking: bool) -> Any:
        """Open the device. What is returned stands for the file in the other methods."""

    @abstractmethod
    def close(self, file: Any) -> Status | Future[Any] | None:
        """Close the file."""

    @abstractmethod
    def read(self, file: Any, size: int) -> bytes | Status | Future[Any]:
        """Read one packet into a buffer of `size` bytes."""

    @abstractmethod
    def write(self, file: Any, data: bytes) -> Status | Future[Any] | None:
        """Write one packet."""

    @abstractmethod
    def poll(self, file: Any, events: Events, wait: bool) -> Events | Status | Future[Any]:
        """Wait until one of the events holds, or only look."""

    @abstractmethod
    def transmit(self, data: bytes) -> Status | Future[Any] | None:
        """The stack sends a packet, which is to be read by the application."""

    @abstractmethod
    def deliver(self) -> bytes | None:
        """Take the next packet written that the stack gets; None if it gets none for now."""

    def set_up(self, up: bool) -> Status | Future[Any] | None:
        """Turn the interface up or down. Optional: without it the interface stays up."""
        raise NotImplementedError


class DriverMachine(RuleBasedStateMachine):
    """Your device and the reference in step. Subclass it, and set `adapter` and what differs.

    Hypothesis' statistics (pytest's `--hypothesis-show-statistics`) say in which share of examples
    each situation was reached. If you define `teardown`, call this class's, too.
    """

    adapter: ClassVar[type[Adapter]]
    kind: ClassVar[Kind] = Kind.TUN
    profile: ClassVar[Profile] = REQUIRED
    capacity: ClassVar[int | None] = None  # of a queue; the profile's if None
    patience: ClassVar[float] = (
        0.0  # seconds for an end that is owed; 0 for a device without threads
    )

    def __init__(self) -> None:
        super().__init__()
        self.device = self.adapter()
        self.story = Story(Reference(self.kind, self.profile, self.capacity))
        self.inside: dict[str, tuple[Operation, Future[Any]]] = {}
        self.files: dict[int, Any] = {}
        self.situations: set[str] = set()
        self.serial = 0

    def put(self, operation: Operation, call: Callable[[], Any]) -> None:
        """Put a call to the device and to the reference, and wait until both are at rest."""
        __tracebackhide__ = True
        stack = isinstance(operation, Transmit | InterfaceUp | InterfaceDown)
        thread = STACK if stack else self.free()[0]
        self.story.begin(thread, operation)
        try:
            self.inside[thread] = operation, started(call)
            self.settle()
        except Refuted:
            raise
        except Exception as error:
            error.add_note("\n".join(["after these calls:", *self.story.text()]))
            raise

    def settle(self) -> None:
        """Take note of the calls that have ended, until nobody is owed an end."""
        __tracebackhide__ = True
        deadline = time.monotonic() + self.patience
        while True:
            # The call that began last ends first in the story: it is why the others end.
            done = [t for t, (_, future) in reversed(self.inside.items()) if future.done()]
            for thread in done:
                operation, future = self.inside.pop(thread)
                result = result_of(operation, future)
                self.story.end(thread, result)
                if isinstance(operation, Open) and result.status == B_OK:
                    self.files[operation.file] = future.result()
            if self.story.at_rest():
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not self.inside:
                self.story.overdue()
            wait([future for _, future in self.inside.values()], remaining, FIRST_COMPLETED)

    @property
    def state(self) -> State:
        """The reference's state, or one of those that explain what was seen."""
        return self.story.likely

    def free(self) -> list[str]:
        """The application's threads that are in no call."""
        return [thread for thread in THREADS if thread not in self.inside]

    def waiting(self, operation: type[Operation]) -> int:
        """How many calls of a kind wait."""
        return sum(isinstance(other, operation) for other, _ in self.inside.values())

    def can_call(self) -> bool:
        """Whether a file is open, and a thread is free beside one for the close."""
        return bool(self.files) and len(self.free()) > 1

    def can_turn(self) -> bool:
        """Whether the device has an interface that goes up and down."""
        return type(self.device).set_up is not Adapter.set_up

    def reached(self, situation: str, really: bool = True) -> None:
        """Count a situation, once for each example."""
        if really and situation not in self.situations:
            self.situations.add(situation)
            event(situation)

    def teardown(self) -> None:
        """Let Hypothesis look for examples with many situations."""
        target(float(len(self.situations)), label="situations in one example")

    def packet(self, size: int, first: int) -> Packet:
        """A packet unlike any before, of that size and with that first byte."""
        self.serial += 1
        return Packet.of(bytes([first]) + self.serial.to_bytes(2, "big") + bytes(size - 3))

    @initialize(meetings=st.lists(st.sampled_from(MEETINGS), max_size=4))
    def open_first(self, meetings: list[tuple[str, ...]]) -> None:
        self.open_file(False)
        for meeting in meetings:
            self.meet(meeting)

    @precondition(lambda self: len(self.free()) > 0 and (not self.files or len(self.free()) == 4))
    @rule(nonblocking=st.sampled_from([False, False, False, True]))
    def open_file(self, nonblocking: bool) -> None:
        self.reached("a second open", bool(self.files))
        self.reached("reopen with packets queued", bool(self.state.to_application))
        self.serial += 1
        self.put(Open(self.serial, nonblocking), lambda: self.device.open(nonblocking))

    @precondition(lambda self: self.files and self.free())
    @rule()
    def close_file(self) -> None:
        self.reached("close under a blocked reader", self.waiting(Read) > 0)
        self.reached("close under a pending poll", self.waiting(Poll) > 0)
        number, file = self.files.popitem()
        self.put(Close(number), lambda: self.device.close(file))

    @precondition(can_call)
    @rule(size=st.sampled_from([LARGE, LARGE, LARGE, SHORT, SHORT, 0]))
    def read_packet(self, size: int) -> None:
        queued = self.state.to_application
        self.reached("short read", bool(queued) and 0 < size < queued[0].size)
        number, file = next(reversed(self.files.items()))
        self.put(Read(number, size), lambda: self.device.read(file, size))
        self.reached("two blocked readers", self.waiting(Read) > 1)

    @precondition(can_call)
    @rule(
        size=st.sampled_from([USUAL, USUAL, 40, RUNT, 0]),
        first=st.sampled_from([0x45, 0x60, 0x12]),
    )
    def write_packet(self, size: int, first: int) -> None:
        packet = self.packet(size, first) if size else None
        self.reached("runt", self.kind is Kind.TAP and 0 < size < USUAL)
        self.reached("wrong version", self.kind is Kind.TUN and size > 0 and first == 0x12)
        self.send_written(packet)

    def send_written(self, packet: Packet | None) -> None:
        number, file = next(reversed(self.files.items()))
        self.put(Write(number, packet), lambda: self.device.write(file, bytes_of(packet)))

    @precondition(can_call)
    @rule(
        events=st.sampled_from([Events.READ, Events.READ, Events.WRITE, READ_OR_WRITE]),
        wait=st.booleans(),
    )
    def poll_file(self, events: Events, wait: bool) -> None:
        number, file = next(reversed(self.files.items()))
        self.put(Poll(number, events, wait), lambda: self.device.poll(file, events, wait))

    @rule(size=st.sampled_from([USUAL, USUAL, 40]), first=st.sampled_from([0x45, 0x60, 0x12]))
    def transmit_packet(self, size: int, first: int) -> None:
        self.reached("packet for a blocked reader", self.waiting(Read) > 0)
        self.reached("packet while a poll is pending", self.waiting(Poll) > 0)
        self.send(self.packet(size, first))

    def send(self, packet: Packet) -> None:
        room = fits(self.state.to_application, packet, self.state.capacity, self.profile)
        self.reached("queue full", not room)
        self.put(Transmit(packet), lambda: self.device.transmit(bytes_of(packet)))

    @rule()
    def deliver_packet(self) -> None:
        """The stack takes a packet if there is one; it never waits here."""
        __tracebackhide__ = True
        self.story.begin("the stack's reader", Deliver())
        data = self.device.deliver()
        if data is None:
            self.story.withdraw("the stack's reader")
        else:
            self.story.end("the stack's reader", Result(B_OK, Packet.of(data)))
        self.settle()

    @precondition(can_turn)
    @rule()
    def turn_interface(self) -> None:
        up = not self.state.up
        queued = self.state.to_application or self.state.to_stack
        self.reached("down with packets queued", not up and bool(queued))
        self.put(InterfaceUp() if up else InterfaceDown(), lambda: self.device.set_up(up))

    def filling(self, queue: tuple[Packet, ...]) -> list[Packet]:
        """Packets that fill a queue, and one more."""
        capacity, packets = self.state.capacity, list(queue)
        in_bytes = self.profile.queue_unit.value is Unit.BYTES
        size = max(USUAL, min(1500, capacity // 4)) if in_bytes else USUAL
        while not packets or fits(tuple(packets[:-1]), packets[-1], capacity, self.profile):
            packets.append(self.packet(size, 0x45))
        return packets[len(queue) :]

    @precondition(lambda self: bool(self.free()))
    @rule(meeting=st.sampled_from(MEETINGS))
    def meet(self, meeting: tuple[str, ...]) -> None:
        """Lead the device from wherever it is to a situation, and look what has become of it."""
        steps: dict[str, Callable[[], object]] = {
            "open": lambda: self.open_file(False),
            "open non-blocking": lambda: self.open_file(True),
            "close": self.close_file,
            "read": lambda: self.read_packet(LARGE),
            "short read": lambda: self.read_packet(SHORT),
            "poll": lambda: self.poll_file(Events.READ, True),
            "transmit": lambda: self.transmit_packet(USUAL, 0x45),
            "write": lambda: self.write_packet(USUAL, 0x45),
            "wrong write": lambda: self.write_packet(RUNT, 0x12),
            "turn": lambda: self.can_turn() and self.turn_interface(),
            "fill": self.fill_queue,
            "fill the written": self.fill_written_queue,
        }
        if not self.ready():
            return
        for step in meeting:
            if self.files or step.startswith("open"):  # a profile may let an open fail
                steps[step]()
        if self.can_call():
            self.poll_file(Events.READ, False)
            self.deliver_packet()

    def fill_queue(self) -> None:
        for packet in self.filling(self.state.to_application):
            self.send(packet)

    def fill_written_queue(self) -> None:
        if self.profile.written_queue_bounded.value:
            for packet in self.filling(self.state.to_stack):
                self.send_written(packet)
            self.reached("written queue full")

    def ready(self) -> bool:
        """Open a blocking file, with nothing queued and threads free; say whether it worked."""
        file = next((file for file in self.state.files if not file.closed), None)
        if self.files and (file is None or file.nonblocking or self.inside):
            self.close_file()
        if not self.files:
            self.open_file(False)
        while self.can_call() and self.state.to_application:
            self.read_packet(LARGE)
        if not self.state.up:
            self.turn_interface()
        return bool(self.files) and len(self.free()) > 2


def refutation(machine: type[DriverMachine], tries: int = 200) -> str | None:
    """The shortest story found in which the device fails, or None if it passes."""
    how = settings(
        max_examples=tries,
        stateful_step_count=12,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(machine, settings=how)
    except Refuted as failure:
        return str(failure)
    return None
