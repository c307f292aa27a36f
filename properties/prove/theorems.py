"""What is proved: systems of thread templates, each standing for any number of threads.

A theorem is a system in which a thread spec is a template, and the properties that it is about.
`one` names the templates of which there is exactly one thread.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.kernel.descriptors import FileSlot
from haiku_tuntap.model.kernel.device_interface import (
    interface_down,
    interface_up,
    reader_thread_lives,
)
from haiku_tuntap.model.kernel.select import B_SELECT_READ, SelectInfo
from haiku_tuntap.model.kernel.select_calls import user_poll
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.kernel.system_calls import user_close, user_open
from haiku_tuntap.model.language import System, call
from haiku_tuntap.model.scenarios.world import World
from haiku_tuntap.properties.kernel_rules import KERNEL_RULES
from haiku_tuntap.properties.opening import EXCLUSIVE_OPEN
from haiku_tuntap.properties.progress import INTERFACE_DOWN_RETURNS, NO_DEADLOCK
from haiku_tuntap.properties.property import Property, with_monitors
from haiku_tuntap.properties.wakeups import NO_LOST_WAKEUP


@define(eq=False)
class Templates:
    """A world of thread templates."""

    world: World
    one: set[str] = field(factory=set)
    in_turn: set[str] = field(factory=set)

    def readers(self) -> FileSlot:
        """Threads that read one open file, the stack that sends, and signals to the readers."""
        world = self.world
        slot = world.open_file()
        world.roots["file"] = slot.descriptor
        reader = world.reader(slot)
        world.sender()
        world.thread("signal to a reader", call(kill, reader.thread))
        return slot

    def pollers(self, slot: FileSlot) -> None:
        """Threads that poll it, and signals to them."""
        world = self.world
        info = world.driver.substitution.resolve(SelectInfo)()
        poller = world.thread("poller", call(user_poll, slot, info, B_SELECT_READ))
        world.thread("signal to a poller", call(kill, poller.thread))


@frozen
class Built:
    """A system of templates: of `one` there is one thread, and those `in_turn` make one call at a
    time between them.
    """

    system: System
    one: frozenset[str]
    in_turn: frozenset[str]


@frozen
class Theorem:
    """Something that is proved of a driver for any number of threads."""

    id: str
    title: str
    threads: str
    populate: Callable[[Templates], None]
    properties: tuple[Property, ...]
    scenarios: tuple[str, ...]

    def build(self, driver: Driver) -> Built:
        """The system with that driver."""
        world = World(driver)
        templates = Templates(world)
        self.populate(templates)
        device = world.device
        system = System(
            name=self.id,
            roots=world.roots,
            threads=tuple(world.threads),
            substitution=driver.substitution,
            parameters=(
                (device.send_queue, "max_bytes"),
                (device.receive_queue, "max_bytes"),
            ),
        )
        return Built(
            with_monitors(system, self.properties),
            frozenset(templates.one),
            frozenset(templates.in_turn),
        )


def packets(templates: Templates) -> None:
    templates.pollers(templates.readers())


def close(templates: Templates) -> None:
    slot = templates.readers()
    templates.pollers(slot)
    templates.world.thread("closer", call(user_close, slot))


def reopen(templates: Templates) -> None:
    world = templates.world
    slot = templates.readers()
    world.thread("closer", call(user_close, slot))
    world.thread("opener", call(user_open, world.roots["files"], world.device, 0), opens=1)


def interface(templates: Templates) -> None:
    world = templates.world
    interface = world.interface_up(main=reader_thread_lives)
    world.writer(world.open_file())
    world.thread("up", call(interface_up, interface))
    world.thread("down", call(interface_down, interface))
    templates.one.add("reader thread")
    templates.in_turn |= {"up", "down"}


THEOREMS: dict[str, Theorem] = {
    theorem.id: theorem
    for theorem in (
        Theorem(
            id="packets",
            title="Every packet that is sent wakes who waits for it.",
            threads="any number of readers, pollers, senders and signals to each",
            populate=packets,
            properties=(NO_LOST_WAKEUP, NO_DEADLOCK, KERNEL_RULES),
            scenarios=("readers-senders", "poll-reader-sender"),
        ),
        Theorem(
            id="close",
            title="Closing the file wakes everybody, wherever they are.",
            threads="any number of readers, pollers, senders, closers and signals to each",
            populate=close,
            properties=(NO_LOST_WAKEUP, NO_DEADLOCK, KERNEL_RULES),
            scenarios=("reader-close", "two-readers-close", "poll-close"),
        ),
        Theorem(
            id="reopen",
            title="One application at a time has the device open, and the next finds it as new.",
            threads="any number of readers, senders, closers, openers and signals to readers",
            populate=reopen,
            properties=(NO_LOST_WAKEUP, NO_DEADLOCK, KERNEL_RULES, EXCLUSIVE_OPEN),
            scenarios=("two-openers", "close-reopen", "reused-number"),
        ),
        Theorem(
            id="interface",
            title="Taking the interface down returns, and every packet written is received.",
            threads="the reader thread, any number of writers, of ups and of downs, one at a time",
            populate=interface,
            properties=(NO_LOST_WAKEUP, NO_DEADLOCK, INTERFACE_DOWN_RETURNS, KERNEL_RULES),
            scenarios=("down-while-waiting", "down-while-working", "down-then-up"),
        ),
    )
}
