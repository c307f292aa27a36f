"""Plans: small systems as values that Hypothesis can choose and shrink.

A plan says which threads there are and what each does, one call after the other. `build` makes it
a system for a driver, with one device.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from attrs import define, field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.tunnel import COOKIE_ALLOCATION
from haiku_tuntap.model.kernel import hooks
from haiku_tuntap.model.kernel.buffers import IPV4
from haiku_tuntap.model.kernel.descriptors import FileSlot
from haiku_tuntap.model.kernel.device_interface import Interface, interface_down, interface_up
from haiku_tuntap.model.kernel.select_calls import user_poll, user_select
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.kernel.stack import send_packet
from haiku_tuntap.model.kernel.system_calls import (
    user_close,
    user_open,
    user_read,
    user_set_nonblocking,
    user_write,
)
from haiku_tuntap.model.language import Call, Event, Procedure, System, call, procedure
from haiku_tuntap.model.language.threads import Thread
from haiku_tuntap.model.reference import Events, Kind
from haiku_tuntap.model.scenarios.world import World
from haiku_tuntap.model.status import Status

APPLICATIONS = 2


class Act(Enum):
    """What a thread can do. Those on a file use number 3 of the thread's application."""

    READ = "read"
    POLL = "poll"
    POLL_BOTH = "poll for both"
    SELECT = "select"
    SELECT_BOTH = "select for both"
    CLOSE = "close"
    OPEN = "open"
    OPEN_NONBLOCKING = "open non-blocking"
    WRITE = "write"
    SET_NONBLOCKING = "set non-blocking"
    SET_BLOCKING = "set blocking"
    SEND = "send"
    UP = "up"
    DOWN = "down"
    SIGNAL = "signal"

    @property
    def looks_up(self) -> bool:
        """Whether it is about a number, and has to look it up."""
        return self not in (*OPENING, Act.SEND, Act.UP, Act.DOWN, Act.SIGNAL)

    @property
    def asked(self) -> Events:
        """The events that a poll or select asks for."""
        both = self in (Act.POLL_BOTH, Act.SELECT_BOTH)
        return Events.READ | Events.WRITE if both else Events.READ


OPENING = (Act.OPEN, Act.OPEN_NONBLOCKING)


@frozen
class ThreadPlan:
    """A thread, the application that it belongs to, and what it does."""

    name: str
    application: int = 0
    acts: tuple[Act, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(act.value for act in self.acts)}"


@frozen
class Plan:
    """A small system. With `opened`, application 0 has the device open; signals go to thread 0.

    With `interface` the interface is up and can be taken down; else there is none, and the device
    is down. Packets have size 1, and each queue has room for `capacity` of them. For the first
    `failing_opens` opens there is no memory.
    """

    kind: Kind = Kind.TUN
    capacity: int = 2
    interface: bool = False
    opened: bool = True
    nonblocking: bool = False
    threads: tuple[ThreadPlan, ...] = ()
    failing_opens: int = 0

    def has(self, *acts: Act) -> bool:
        """Whether any thread does one of these."""
        return any(act in acts for thread in self.threads for act in thread.acts)

    def __str__(self) -> str:
        mode = "non-blocking" if self.nonblocking else "blocking"
        file = f"file 1 open, {mode}" if self.opened else "no file open"
        state = "up" if self.interface else "down"
        device = f"{self.kind.value} device, {state}, queues of {self.capacity}, {file}"
        if self.failing_opens:
            device += f"; no memory for the first {self.failing_opens} opens"
        return "\n  ".join([device, *map(str, self.threads)])


call_returned: Event[[Status]] = Event("call returned", "(status): a call of a plan returns.")


@procedure()
async def told(what: Procedure[..., Status], arguments: tuple[Any, ...]) -> Status:
    """A call whose result is told. It is only run, so it need not be in the compiler's language."""
    status = await what(*arguments)
    call_returned(status)
    return status


@define(eq=False)
class Builder:
    """A plan on its way to a system; `slots` are the applications' numbers 3."""

    plan: Plan
    driver: Driver
    world: World = field(init=False)
    slots: tuple[FileSlot, ...] = field(init=False)
    interface: Interface | None = field(init=False, default=None)
    target: Thread | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        self.world = World(self.driver, plan.capacity, plan.kind is Kind.TAP)
        if plan.opened:
            flags = hooks.O_NONBLOCK if plan.nonblocking else 0
            first = self.world.open_file("files 0", flags=flags)
        else:
            first = self.world.table("files 0").fd3
        self.slots = (first, self.world.table("files 1").fd3)

    def build(self) -> System:
        """The system."""
        world = self.world
        if self.plan.interface:
            self.interface = world.interface_up()
        for thread in self.plan.threads:
            calls = [self.call(thread, n) for n in range(len(thread.acts))]
            opens = sum(act in OPENING for act in thread.acts)
            packets = sum(act in (Act.SEND, Act.WRITE) for act in thread.acts)
            made = world.thread(thread.name, *calls, opens=opens, packets=packets)
            if self.target is None:
                self.target = made.thread
        return System(
            name="plan",
            roots=world.roots,
            threads=tuple(world.threads),
            substitution=self.driver.substitution,
            chances=frozenset([COOKIE_ALLOCATION] if self.plan.failing_opens else []),
        )

    def call(self, thread: ThreadPlan, number: int) -> Call:
        """One call of a thread."""
        act, world = thread.acts[number], self.world
        slot = self.slots[thread.application]
        made: tuple[Procedure[..., Status], tuple[Any, ...]]
        match act:
            case Act.READ:
                made = user_read, (slot,)
            case Act.POLL | Act.POLL_BOTH | Act.SELECT | Act.SELECT_BOTH:
                info = world.select_info(f"{thread.name}, call {number}")
                polls = act in (Act.POLL, Act.POLL_BOTH)
                made = user_poll if polls else user_select, (slot, info, act.asked.value)
            case Act.CLOSE:
                made = user_close, (slot,)
            case Act.OPEN | Act.OPEN_NONBLOCKING:
                table = world.roots[f"files {thread.application}"]
                flags = hooks.O_NONBLOCK if act is Act.OPEN_NONBLOCKING else 0
                made = user_open, (table, world.name, flags)
            case Act.WRITE:
                made = user_write, (slot, 1, IPV4)
            case Act.SET_BLOCKING | Act.SET_NONBLOCKING:
                made = user_set_nonblocking, (slot, act is Act.SET_NONBLOCKING)
            case Act.SEND:
                made = send_packet, (world.device, 1, IPV4)
            case Act.UP | Act.DOWN:
                if self.interface is None:
                    raise ValueError(f"{thread}: there is no interface; set Plan.interface")
                made = interface_up if act is Act.UP else interface_down, (self.interface,)
            case Act.SIGNAL:
                if self.target is None:
                    raise ValueError(f"{thread}: signals go to thread 0, which cannot send one")
                made = kill, (self.target,)
        return call(told, *made)
