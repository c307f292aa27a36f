"""No deadlock; interface down returns."""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.device_interface import Interface
from haiku_tuntap.model.language import System, observes, reached, record
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.devices import devices
from haiku_tuntap.properties.explore.view import ThreadView, View
from haiku_tuntap.properties.property import Property


def waits_for_lock(thread: ThreadView) -> bool:
    """Whether a thread waits for a mutex, or (in the reduced search) would if it asked."""
    waiting = thread.location.kind in (LocationKind.BLOCKED, LocationKind.PRIMITIVE)
    return waiting and thread.location.label.startswith("lock(")


def deadlock(view: View, thread: ThreadView) -> Iterator[str]:
    """That a thread of a quiescent state waits for a lock."""
    del view
    if waits_for_lock(thread):
        yield f"{thread.name} waits in {thread.location.label}, which nobody will unlock"


def down_that_hangs(view: View, thread: ThreadView) -> Iterator[str]:
    """That a down has not returned in a quiescent state."""
    del view
    if thread.entry == "down":
        yield f"{thread.name} hangs in {thread.location.label}, and cannot be killed"


def life_that_hangs(view: View, thread: ThreadView) -> Iterator[str]:
    """That a create or delete has not returned in a quiescent state."""
    del view
    if thread.entry in ("create", "delete"):
        yield f"{thread.name} hangs in {thread.location.label}, and cannot be killed"


@record
class Downs:
    """Notices that an interface went down."""

    @observes(events.down_returned)
    def on_down(self, interface: Interface, status: Status) -> None:
        reached("a down returned")


def downs(system: System) -> Downs:
    """The monitor of a system."""
    del system
    return Downs()


NO_DEADLOCK = Property(
    id="no-deadlock",
    title="No thread waits for a lock for ever.",
    statement="In every state in which nothing can move, no thread waits for a mutex. A thread "
    "that waits for another thread which waits for a mutex is stuck with it; it is the latter "
    "that is reported.",
    source="WAKE-8; kernel/locks/lock.cpp:1001-1107",
    judge_of_thread=deadlock,
    witness=frozenset({"a mutex was unlocked"}),
)

INTERFACE_DOWN_RETURNS = Property(
    id="interface-down-returns",
    title="Taking the interface down returns.",
    statement="In every state in which nothing can move, no `ifconfig down` is pending. It waits "
    "for the reader thread without a timeout, and no signal interrupts it.",
    source="UP-1, WAKE-7; stack/device_interfaces.cpp:554-588",
    judge_of_thread=down_that_hangs,
    monitors=(downs,),
    witness=frozenset({"a down returned"}),
)

DELETE_RETURNS = Property(
    id="delete-returns",
    title="Making or deleting an interface returns.",
    statement="In every state in which nothing can move, no create or delete of an interface is "
    "pending. Delete waits for the interface's threads without a timeout, and no signal "
    "interrupts it.",
    source="DELETE-4, CREATE-1; stack/device_interfaces.cpp:387-415",
    judge_of_thread=life_that_hangs,
    monitors=(devices,),
    witness=frozenset({"a device was made", "a device was abandoned"}),
)
