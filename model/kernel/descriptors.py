"""File descriptors and the table of an application.

A descriptor has two counts. `open_count` is how many slots hold it (and a select call while it
registers); when it falls to 0 the driver's close hook runs, even if other threads are inside the
driver. `ref_count` is the slot plus every call in flight; when it falls to 0 the free hook runs.

A *number* such as 3 is represented by its slot in the table. In Haiku the table is guarded by a
read-write lock, which is held for the whole of each operation below and for nothing that blocks,
with one exception; so each is one indivisible step here. The exception: remove_fd (fd.cpp:336)
and the end of select_fd (fd.cpp:615) still hold the lock while they call the deselect hooks, and
the latter (fd.cpp:623) while it calls the close hook, too. Here the lock is free by then. That
lets others look up the table a little earlier than Haiku does. The model can do everything that
Haiku can, since whoever calls one of these hooks comes back.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.kernel.events import file_closed, file_freed
from haiku_tuntap.model.kernel.hooks import Cookie, device_close, device_free
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.language import (
    final,
    free,
    internal,
    part,
    primitive,
    procedure,
    record,
    without,
)
from haiku_tuntap.model.status import B_NO_MORE_FDS, B_OK, Status


@record
class FileDescriptor:
    """An open file (kernel/fs/fd.cpp:76-92). `nonblocking` is O_NONBLOCK of its open mode."""

    cookie: Cookie = final()
    nonblocking: bool = internal(default=False)
    ref_count: Atomic = part(factory=Atomic)
    open_count: Atomic = part(factory=Atomic)

    @primitive(source="kernel/fs/vfs.cpp:6433-6437")
    def set_nonblocking(self, nonblocking: bool) -> None:
        """Remember the mode that the driver has accepted."""
        self.nonblocking = nonblocking  # :6435-6436


@record
class FileSlot:
    """One number of a table: its descriptor, and the select infos that wait on the number."""

    descriptor: FileDescriptor | None = internal(default=None)
    selectors: tuple[SelectInfo, ...] = internal(default=())

    @primitive(source="kernel/fs/fd.cpp:282-308")
    def get(self) -> FileDescriptor | None:
        """Look the descriptor up and take a reference."""
        descriptor = self.descriptor  # :288
        if descriptor is not None:  # :290
            descriptor.ref_count.value = descriptor.ref_count.value + 1  # :296
        return descriptor

    @primitive(source="kernel/fs/fd.cpp:574-598")
    def get_open(self) -> FileDescriptor | None:
        """Look the descriptor up, take a reference, and keep it open."""
        descriptor = self.descriptor  # :577
        if descriptor is not None:  # :578
            descriptor.ref_count.value = descriptor.ref_count.value + 1  # :577
            descriptor.open_count.value = descriptor.open_count.value + 1  # :596
        return descriptor

    @primitive(source="kernel/fs/fd.cpp:328-354")
    def remove(self) -> tuple[FileDescriptor | None, tuple[SelectInfo, ...]]:
        """Empty the slot; its reference and its select infos are the caller's now."""
        descriptor = self.descriptor  # :339
        selectors = self.selectors  # :352
        self.descriptor = None  # :347
        self.selectors = ()  # :353
        return descriptor, selectors

    @primitive(source="kernel/fs/fd.cpp:613-641")
    def add_selector(self, descriptor: FileDescriptor, info: SelectInfo) -> bool:
        """Add a select info, and undo get_open's count; False if the slot has changed since."""
        if self.descriptor is not descriptor:  # :616
            return False  # :624
        self.selectors = (*self.selectors, info)  # :629-630
        descriptor.open_count.value = descriptor.open_count.value - 1  # :639
        return True

    @primitive(source="kernel/fs/fd.cpp:654-673")
    def remove_selector(self, info: SelectInfo) -> tuple[FileDescriptor | None, bool]:
        """Take a reference to what the number means now; remove a select info if it is there.

        A close has removed it already, maybe; the number may mean another file since.
        """
        descriptor = self.descriptor  # :657
        if descriptor is None:  # :658
            return None, False
        descriptor.ref_count.value = descriptor.ref_count.value + 1  # :657
        if info not in self.selectors:  # :668
            return descriptor, False
        self.selectors = without(self.selectors, info)  # :671
        return descriptor, True


@record
class FileTable:
    """The descriptors of one application (io_context): it has the numbers 3 and 4."""

    fd3: FileSlot = part(factory=FileSlot)
    fd4: FileSlot = part(factory=FileSlot)

    @primitive(source="kernel/fs/fd.cpp:140-168")
    def install(self, descriptor: FileDescriptor) -> Status:
        """Put a descriptor into the lowest free slot."""
        slot = self.fd3  # :152-153
        if slot.descriptor is not None:  # :153
            slot = self.fd4  # :152-153
        if slot.descriptor is not None:  # :158
            return B_NO_MORE_FDS  # :159
        slot.descriptor = descriptor  # :163
        descriptor.open_count.value = descriptor.open_count.value + 1  # :165
        return B_OK


@procedure(source="kernel/fs/fd.cpp:181-217")
async def put_fd(descriptor: FileDescriptor) -> None:
    """Drop a reference; with the last one, free the file."""
    if await descriptor.ref_count.add(-1) == 1:  # :184
        await device_free(descriptor.cookie)  # :195
        file_freed(descriptor)
        await free(descriptor)  # :197


@procedure(source="kernel/fs/fd.cpp:223-236")
async def close_fd(descriptor: FileDescriptor) -> None:
    """Drop an open count; with the last one, close the file."""
    if await descriptor.open_count.add(-1) == 1:  # :230
        file_closed(descriptor)
        await device_close(descriptor.cookie)  # :234
