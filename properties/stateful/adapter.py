"""A driver model as something that is called: it runs under a schedule, and leaves a history.

The threads of a plan step as a schedule says until nobody can, and what an observer outside would
see is written down in the reference's terms: which call began when, and what it returned.

*When a call begins.* Before its first step that others could notice, which for a call on a number
is the one that looks the number up. What it does before is its own affair, and could as well have
been done later; so the history is one of the driver, with calls as short as they can be. It also
tells which file the call is about. The numbers of files in a history are never used again.

*Signals.* One that comes before its target has begun a call is handled outside of any, and has no
effect. The model of signals leaves it pending; so it is cleared when the next call begins.

*The reader thread* is no caller. Each of its passes through the driver's receive hook is a
`Deliver`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from attrs import Factory, define, field

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.kernel import events, hooks
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.hooks import NetDevice
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.language import Event, current_thread, observes
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.language.routines import observers
from haiku_tuntap.model.language.running import Running
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
    Result,
    Select,
    SetBlocking,
    Signal,
    Transmit,
    Write,
)
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.stateful.linearizability import Begin, End
from haiku_tuntap.properties.stateful.plans import Act, Builder, Plan, call_returned
from haiku_tuntap.properties.stateful.schedules import Schedule

MOST_STEPS = 3_000
LOOKUPS = ("get", "get_open", "remove")  # the primitives of FileSlot that look a number up


@define
class Turn:
    """A thread's steps without another's in between, and what could be seen of them."""

    thread: str
    steps: int = 0
    seen: list[str] = Factory(list)
    stands: str = ""

    def __str__(self) -> str:
        steps = f"{self.steps} step{'s' if self.steps != 1 else ''}"
        return f"{self.thread}, {steps}: {'; '.join([*self.seen, self.stands])}"


@define(eq=False)
class Caller:
    """One thread of the system, the call that it is in, and what that has shown."""

    name: str
    acts: tuple[Act, ...] = ()
    application: int = 0
    begun: int = 0  # of its acts
    call: int = 0
    operation: Operation | None = None
    status: Status | None = None
    packet: Packet | None = None
    events: Events = Events.NONE

    @property
    def result(self) -> Result:
        """What the call has returned."""
        assert self.status is not None, f"{self.name} returns from {self.operation} with nothing"
        packet = self.packet if self.status == B_OK else None
        return Result(self.status, packet, self.events)


@define(eq=False)
class Overheard(Running):
    """A system whose events somebody hears who is no part of it, as a monitor would be."""

    listener: object = field(kw_only=True)
    heard: dict[int, list[Callable[..., None]]] = field(init=False)  # by id of event

    @heard.default
    def _what_the_listener_observes(self) -> dict[int, list[Callable[..., None]]]:
        found: dict[int, list[Callable[..., None]]] = {}
        for event, function in observers(self.listener):
            found.setdefault(id(event), []).append(function)
        return found

    def emit(self, event: Event[Any], args: tuple[Any, ...]) -> None:
        for function in self.heard.get(id(event), ()):
            function(self.listener, *args)


@define(eq=False)
class Run:
    """One run of a driver; `history` and `turns` tell what happened.

    `problem` says that a rule of the kernel was broken or that the run did not end. Without one,
    it has come to rest.
    """

    plan: Plan
    schedule: Schedule
    driver: Driver
    history: list[Begin[Operation] | End[Result]] = Factory(list)
    turns: list[Turn] = Factory(list)
    problem: str | None = None
    builder: Builder = field(init=False)
    running: Overheard = field(init=False)
    callers: list[Caller] = field(init=False)
    by_name: dict[str, Caller] = field(init=False)
    packets: dict[NetBuffer, Packet] = field(init=False, factory=dict)
    files: dict[FileDescriptor, int] = field(init=False, factory=dict)
    last_file: list[int] = field(init=False)  # that each application had under its number 3
    file_numbers: count[int] = field(init=False, factory=lambda: count(2))
    packet_numbers: count[int] = field(init=False, factory=lambda: count(1))
    receive: str = field(init=False)
    failures_left: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.failures_left = self.plan.failing_opens
        self.builder = Builder(self.plan, self.driver)
        self.running = Overheard(self.builder.build(), listener=self)
        plans = {thread.name: thread for thread in self.plan.threads}
        self.callers = []
        for spec in self.running.system.threads:
            acts = () if spec.service else plans[spec.name].acts
            application = 0 if spec.service else plans[spec.name].application
            self.callers.append(Caller(spec.name, acts, application))
        self.by_name = {caller.name: caller for caller in self.callers}
        self.last_file = [1 if self.plan.opened else 0, 0]
        opened = self.builder.slots[0].descriptor
        if opened is not None:
            self.files[opened] = 1
        self.receive = self.driver.substitution.resolve(hooks.device_receive_data).name
        self.follow()

    # --- stepping -----------------------------------------------------------------------------

    def follow(self) -> None:
        """Step until nobody can."""
        running, turns = self.running, self.schedule.turns()
        threads = range(len(self.callers))
        while able := [thread for thread in threads if running.choices(thread)]:
            if len(running.schedule) == MOST_STEPS:
                self.problem = f"it has not come to rest after {MOST_STEPS:,} steps"
                break
            opening = bool(running.schedule) and self.is_opening(running.schedule[-1][0])
            thread = turns.choose(able, opening)
            caller = self.callers[thread]
            snoozes = running.pending(thread) == "snooze"
            if not self.turns or self.turns[-1].thread != caller.name:
                self.turns.append(Turn(caller.name))
            if self.is_noticed(thread):
                self.begin(caller, self.operation(caller))
            running.step(thread, self.choice(thread))
            self.look_at(thread)
            if snoozes:
                turns.give_away(thread)
        if running.violations:
            self.problem = "; ".join(violation.text for violation in running.violations)

    def choice(self, thread: int) -> int:
        """Which way a step goes: what may go wrong does so while the plan says."""
        choices = self.running.choices(thread)
        if len(choices) == 1:
            return 0
        goes_wrong = self.failures_left > 0
        self.failures_left -= goes_wrong
        return next(i for i, c in enumerate(choices) if c.startswith("no ") is not goes_wrong)

    def is_opening(self, thread: int) -> bool:
        """Whether it can matter that another thread steps before this one."""
        is_inside = self.running.kind(thread) in (LocationKind.PRIMITIVE, LocationKind.RESUMED)
        return is_inside and self.running.pending(thread) != "unlock"

    def is_noticed(self, thread: int) -> bool:
        """Whether the step that comes is the first of a call that others could notice."""
        caller = self.callers[thread]
        in_call = self.running.kind(thread) is LocationKind.PRIMITIVE and caller.acts
        if caller.operation is not None or not in_call:
            return False
        looks_up = caller.acts[caller.begun].looks_up
        return not looks_up or self.running.pending(thread) in LOOKUPS

    def look_at(self, thread: int) -> None:
        """Write down what a step has changed."""
        caller, kind = self.callers[thread], self.running.kind(thread)
        if not caller.acts:
            self.look_at_reader_thread(thread)
        elif caller.status is not None:
            caller.begun += 1
            self.end(caller)
        turn = self.turns[-1]
        turn.steps += 1
        where = self.running.pending(thread)
        where = "allocate or free" if where == "<lambda>" else where  # they are not primitives
        if kind is LocationKind.BLOCKED:
            turn.stands = f"sleeps in {where}"
        else:
            turn.stands = f"stands before {where}" if where else "is between calls"
            turn.stands = "is done" if kind is LocationKind.DONE else turn.stands

    def look_at_reader_thread(self, thread: int) -> None:
        """It has entered the receive hook, or come back from it."""
        caller = self.callers[thread]
        frames = self.running.local_variables(thread)
        inside = any(name == self.receive for name, _ in frames)
        if inside and caller.operation is None:
            self.begin(caller, Deliver())
        elif caller.operation is not None and not inside:
            caller.status = next(local["status"] for _, local in frames if "status" in local)
            self.end(caller)

    # --- the history --------------------------------------------------------------------------

    def begin(self, caller: Caller, operation: Operation) -> None:
        """A call begins."""
        caller.call, caller.operation = len(self.history), operation
        self.running.system.threads[self.callers.index(caller)].thread.signalled = False
        self.history.append(Begin(caller.call, caller.name, operation))
        self.turns[-1].seen.append(f"begins to {operation}")

    def end(self, caller: Caller) -> None:
        """A call has returned."""
        self.history.append(End(caller.call, caller.result))
        self.turns[-1].seen.append(f"{caller.operation} → {caller.result}")
        caller.operation, caller.status = None, None
        caller.packet, caller.events = None, Events.NONE

    def operation(self, caller: Caller) -> Operation:
        """What the reference calls the thread's next act."""
        act = caller.acts[caller.begun]
        file = self.file_of(caller.application) if act.looks_up else 0
        match act:
            case Act.READ:
                return Read(file)
            case Act.POLL | Act.POLL_BOTH:
                return Poll(file, act.asked)
            case Act.SELECT | Act.SELECT_BOTH:
                return Select(file, act.asked)
            case Act.CLOSE:
                return Close(file)
            case Act.OPEN | Act.OPEN_NONBLOCKING:
                return Open(next(self.file_numbers), act is Act.OPEN_NONBLOCKING)
            case Act.WRITE:
                return Write(file, self.packet())
            case Act.SET_BLOCKING | Act.SET_NONBLOCKING:
                return SetBlocking(file, act is Act.SET_BLOCKING)
            case Act.SEND:
                return Transmit(self.packet())
            case Act.UP:
                return InterfaceUp()
            case Act.DOWN:
                return InterfaceDown()
            case Act.SIGNAL:
                return Signal(self.plan.threads[0].name)

    def packet(self) -> Packet:
        """A packet that there has not been."""
        return Packet(f"packet {next(self.packet_numbers)}")

    def file_of(self, application: int) -> int:
        """The file that its number 3 means now, or else has meant last; 0 if none ever."""
        descriptor = self.builder.slots[application].descriptor
        if descriptor is not None:
            self.last_file[application] = self.files[descriptor]
        return self.last_file[application]

    # --- what the kernel tells ----------------------------------------------------------------

    def caller(self) -> Caller:
        """The thread whose step it is."""
        return self.by_name[current_thread().name]

    @observes(call_returned)
    def on_return(self, status: Status) -> None:
        self.caller().status = status

    @observes(events.open_returned)
    def on_open(self, device: NetDevice, descriptor: FileDescriptor | None, status: Status) -> None:
        operation = self.caller().operation
        assert isinstance(operation, Open)
        if descriptor is not None:
            self.files[descriptor] = operation.file

    @observes(events.packet_accepted)
    def on_accepted(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        operation = self.caller().operation
        assert isinstance(operation, Transmit | Write)
        assert operation.packet is not None
        self.packets[buffer] = operation.packet

    @observes(events.packet_delivered)
    def on_delivered(self, buffer: NetBuffer, size: int) -> None:
        self.caller().packet = self.packets[buffer]

    @observes(events.packet_received)
    def on_received(self, buffer: NetBuffer) -> None:
        self.caller().packet = self.packets[buffer]

    @observes(events.select_returned)
    def on_select(self, info: SelectInfo, happened: int, status: Status) -> None:
        self.caller().events = Events(happened)
