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
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK, device_read
from haiku_tuntap.model.kernel.select import B_SELECT_READ, SelectInfo
from haiku_tuntap.model.kernel.select_calls import user_poll, user_select
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.kernel.system_calls import user_close, user_open
from haiku_tuntap.model.language import Procedure, System, call
from haiku_tuntap.model.language.invariants import Conjunct, Place, inside
from haiku_tuntap.model.scenarios.world import World
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.blocking import NONBLOCKING
from haiku_tuntap.properties.kernel_rules import KERNEL_RULES
from haiku_tuntap.properties.opening import EXCLUSIVE_OPEN
from haiku_tuntap.properties.progress import INTERFACE_DOWN_RETURNS, NO_DEADLOCK
from haiku_tuntap.properties.property import Property, with_monitors
from haiku_tuntap.properties.prove.conservation import CONSERVATION
from haiku_tuntap.properties.wakeups import NO_LOST_WAKEUP


@define(eq=False)
class Templates:
    """A world of thread templates."""

    world: World
    one: set[str] = field(factory=set)
    in_turn: set[str] = field(factory=set)

    def readers(self, flags: int = 0) -> FileSlot:
        """Threads that read one open file, the stack that sends, and signals to the readers."""
        world = self.world
        slot = world.open_file(flags=flags)
        assert slot.descriptor is not None
        world.roots["file"] = slot.descriptor
        world.roots["cookie"] = slot.descriptor.cookie
        reader = world.reader(slot)
        world.sender()
        world.thread("signal to a reader", call(kill, reader.thread))
        return slot

    def pollers(self, slot: FileSlot) -> None:
        """Threads that poll it for reading, and signals to them."""
        self._watchers("poller", user_poll, slot)

    def selectors(self, slot: FileSlot) -> None:
        """Threads that select it for reading, and signals to them."""
        self._watchers("selector", user_select, slot)

    def _watchers(
        self, name: str, routine: Procedure[[FileSlot, SelectInfo, int], Status], slot: FileSlot
    ) -> None:
        info = self.world.driver.substitution.resolve(SelectInfo)()
        watcher = self.world.thread(name, call(routine, slot, info, B_SELECT_READ))
        self.world.thread(f"signal to a {name}", call(kill, watcher.thread))


@frozen
class Built:
    """A system of templates: of `one` there is one thread, and those `in_turn` make one call at a
    time between them.
    """

    system: System
    one: frozenset[str]
    in_turn: frozenset[str]

    @property
    def single(self) -> frozenset[str]:
        """The templates of which one thread at a time does anything."""
        return self.one | self.in_turn


@frozen
class Theorem:
    """Something that is proved of a driver for any number of threads.

    `scenarios` are where a run is looked for if the proof fails. `shares` names a theorem whose
    invariant serves this one, too. It would be vacuous if no thread could be in `situation`, or
    without one, if no thread could sleep while nothing moves.
    """

    id: str
    title: str
    threads: str
    populate: Callable[[Templates], None]
    properties: tuple[Property, ...]
    scenarios: tuple[str, ...]
    shares: str | None = None
    situation: Place | None = None

    def has(self, conjunct: Conjunct) -> bool:
        """Whether a conjunct of an invariant is for this theorem, or the one it shares with."""
        return self.id in conjunct.theorems or self.shares in conjunct.theorems

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
    slot = templates.readers()
    templates.pollers(slot)
    templates.selectors(slot)


def close(templates: Templates) -> None:
    slot = templates.readers()
    templates.pollers(slot)
    templates.world.thread("closer", call(user_close, slot))


def reopen(templates: Templates, flags: int = 0) -> None:
    world = templates.world
    slot = templates.readers(flags)
    world.thread("closer", call(user_close, slot))
    world.thread("opener", call(user_open, world.roots["files"], world.name, flags), opens=1)


def nonblocking(templates: Templates) -> None:
    reopen(templates, O_NONBLOCK)


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
            threads="any number of readers, pollers, selectors, senders and signals to each",
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
            properties=(NO_LOST_WAKEUP, NO_DEADLOCK, KERNEL_RULES, EXCLUSIVE_OPEN, CONSERVATION),
            scenarios=("two-openers", "close-reopen", "reused-number"),
        ),
        Theorem(
            id="nonblocking",
            title="A non-blocking read never waits for data.",
            threads="any number of readers, senders, closers, openers and signals to readers, all "
            "of a non-blocking file",
            populate=nonblocking,
            properties=(NONBLOCKING, EXCLUSIVE_OPEN, CONSERVATION),
            scenarios=("nonblocking-reader",),
            shares="reopen",
            situation=inside(device_read),
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
