"""The monitor that knows what each call in flight is about."""

from __future__ import annotations

from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    System,
    Thread,
    current_thread,
    final,
    internal,
    observes,
    reached,
    record,
    static,
    violated,
)
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.property import shadow


@record
class CallShadow:
    """The file that a thread's read, write, poll or select is using; the events it asks for."""

    shadow_of: Thread = final()
    file: FileDescriptor | None = internal(default=None)
    events: int = internal(default=0)


@record
class Calls:
    """Which file each thread is inside of."""

    shadows: tuple[CallShadow, ...] = final()

    @static
    def mine(self, thread: Thread) -> CallShadow:
        """The shadow of that thread."""
        return shadow(self.shadows, thread)

    @observes(events.waits_for_semaphore)
    def on_wait(self, semaphore: Semaphore) -> None:
        reached("a thread slept")
        mine = self.mine(current_thread())
        if mine.events == 0 and mine.file is not None and mine.file.nonblocking:
            violated("nonblocking-waits", "a read of a non-blocking file waits for data")

    @observes(events.file_used)
    def on_use(self, made_on: FileDescriptor, descriptor: FileDescriptor) -> None:
        self.mine(current_thread()).file = descriptor
        if descriptor.nonblocking:
            reached("a non-blocking call")

    @observes(events.read_returned)
    def on_read_returned(self, descriptor: FileDescriptor, status: Status) -> None:
        self.mine(current_thread()).file = None

    @observes(events.write_returned)
    def on_write_returned(self, descriptor: FileDescriptor, status: Status) -> None:
        self.mine(current_thread()).file = None

    @observes(events.select_began)
    def on_select_began(self, info: SelectInfo, asked: int) -> None:
        self.mine(current_thread()).events = asked

    @observes(events.select_watches)
    def on_select_watches(self, info: SelectInfo, descriptor: FileDescriptor) -> None:
        self.mine(current_thread()).file = descriptor

    @observes(events.select_returned)
    def on_select_returned(self, info: SelectInfo, happened: int, status: Status) -> None:
        self.mine(current_thread()).file = None
        self.mine(current_thread()).events = 0


def calls(system: System) -> Calls:
    """The monitor of a system."""
    return Calls(shadows=tuple(CallShadow(shadow_of=s.thread) for s in system.threads))
