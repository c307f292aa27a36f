"""One opener at a time, and the device can be opened again; a call acts on its own file."""

from __future__ import annotations

from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.language import (
    System,
    internal,
    observes,
    reached,
    record,
    violated,
)
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.status import B_OK, EBUSY, Status
from haiku_tuntap.properties.devices import only_device
from haiku_tuntap.properties.property import Nothing, Property


@record
class Openers:
    """Counts the files that are open, and those that are not yet freed, and opens in flight.

    `alone` says that the only open in flight has to succeed if memory suffices: it began when there
    was no file and no other open, and no other has begun since.
    """

    is_open: int = internal(default=0)
    not_freed: int = internal(default=0)
    opening: int = internal(default=0)
    alone: bool = internal(default=False)

    @observes(events.open_began)
    def on_open_began(self, name: DeviceName) -> None:
        self.alone = self.not_freed == 0 and self.opening == 0
        self.opening += 1

    @observes(events.open_returned)
    def on_open_returned(
        self, name: DeviceName, descriptor: FileDescriptor | None, status: Status
    ) -> None:
        self.opening -= 1
        if status == B_OK:
            reached("an open succeeded")
            self.is_open += 1
            self.not_freed += 1
            if self.is_open > 1:
                violated("two-openers", "an open succeeds while another application has it open")
        if status == EBUSY:
            reached("an open was refused")
            if self.alone:
                violated("not-openable", "an open gets EBUSY although nobody has the device open")
        self.alone = False

    @observes(events.file_closed)
    def on_close(self, descriptor: FileDescriptor) -> None:
        self.is_open -= 1

    @observes(events.file_freed)
    def on_free(self, descriptor: FileDescriptor) -> None:
        self.not_freed -= 1


def openers(system: System) -> Openers | Nothing:
    """The monitor of a system, which knows of the files that are open from the start."""
    if only_device(system) is None:
        return Nothing()
    files = len(Instances(system).of_class(FileDescriptor))
    pooled = sum(n for s in system.threads for c, n in s.pool.items() if c is FileDescriptor)
    return Openers(is_open=files - pooled, not_freed=files - pooled)


@record
class Uses:
    """Notices a call that goes on with another file than it was made on."""

    @observes(events.file_used)
    def on_use(self, made_on: FileDescriptor, descriptor: FileDescriptor) -> None:
        reached("a call used a file")
        if descriptor is not made_on:
            violated(
                "other-file", "a call that was made on one file enters the driver with another"
            )


def uses(system: System) -> Uses:
    """The monitor of a system."""
    del system
    return Uses()


EXCLUSIVE_OPEN = Property(
    id="exclusive-open",
    title="At most one application has the device open, and after it another may.",
    statement="No open succeeds while another open file of the device is not closed. An open that "
    "begins when no file of the device is open or still to be freed, and no other open is in "
    "flight, does not get EBUSY. (Between a close and the free that follows when the last call has "
    "left, EBUSY is allowed.) Scenarios with several devices say nothing.",
    source="OPEN-1, OPEN-2, OPEN-5, OPEN-6; tunnel.cpp:99-100, 126-133",
    codes=frozenset({"two-openers", "not-openable"}),
    monitors=(openers,),
    witness=frozenset({"an open succeeded", "an open was refused"}),
)

OWN_FILE = Property(
    id="own-file",
    title="A call acts only on the file on which it was made.",
    statement="Whenever a read or write enters the driver, it does so with the descriptor that its "
    "number meant when the call began; also after the system call was restarted.",
    source="FILE-2; POSIX read, write; kernel/fs/fd.cpp:792-840",
    codes=frozenset({"other-file"}),
    monitors=(uses,),
    witness=frozenset({"a call used a file"}),
)
