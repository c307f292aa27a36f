"""The file system of devices, as far as a driver publishes in it.

A *name* is what applications open: `tun/0`. It stands here for the node that devfs keeps under it.
Publishing, looking up and unpublishing each run under devfs's lock from beginning to end
(kernel/device_manager/devfs.cpp:767, 1020, 567), so that each is one indivisible step.

A node does not know whether the code behind its hooks is still loaded, and holds no reference to
it: a driver that publishes hooks gets a LegacyDevice without a driver
(device_manager/legacy_drivers.cpp:1450). Nor does unpublishing end anything: an application that
has looked a node up goes on to the driver's open hook, whatever happened meanwhile
(devfs.cpp:1113-1155), and open files stay as they are.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.events import device_published, device_unpublished
from haiku_tuntap.model.language import (
    Chance,
    final,
    happens,
    internal,
    primitive,
    procedure,
    record,
    violated,
)
from haiku_tuntap.model.status import (
    B_ENTRY_NOT_FOUND,
    B_NO_MEMORY,
    B_OK,
    EEXIST,
    Status,
)

PUBLICATION = Chance("publication", "There is no memory for a node of devfs.")


@record
class DriverImage:
    """The static data of a driver's image; a driver adds its own.

    `keep_loaded` is B_KEEP_LOADED in its module's flags: once loaded, it is never unloaded.
    """

    keep_loaded: bool = final(default=False)


@record
class DeviceName:
    """A name below /dev, and whether a device is published under it.

    `driver` is whose hooks are called, and `valid` and `too_long` what there is to say of the name.
    """

    driver: DriverImage = final()
    is_tap: bool = final(default=False)
    valid: bool = final(default=True)
    too_long: bool = final(default=False)
    published: bool = internal(default=False)

    @primitive(source="kernel/device_manager/devfs.cpp:767-780")
    def publish(self) -> Status:
        """Insert a node, unless there is one."""
        if self.published:  # :704
            return EEXIST
        self.published = True  # :779
        device_published(self)
        return B_OK

    @primitive(source="kernel/device_manager/devfs.cpp:562-578")
    def unpublish(self) -> Status:
        """Remove the node from its directory. Who has looked it up keeps it."""
        if not self.published:  # :2173
            return B_ENTRY_NOT_FOUND
        self.published = False  # :569
        device_unpublished(self)
        return B_OK

    @primitive(source="kernel/device_manager/devfs.cpp:1020-1036")
    def look_up(self) -> Status:
        """Find the node, for opening it."""
        if not self.published:  # :1024
            return B_ENTRY_NOT_FOUND
        return B_OK


@record
class NameBuffer:
    """The name that is written into a device: memory, before anybody has written to it."""

    value: DeviceName | None = internal(default=None)

    @primitive()
    def copy(self, name: DeviceName) -> None:
        """strcpy."""
        self.value = name

    @primitive()
    def equals(self, name: DeviceName) -> bool:
        """strcmp, which reads whatever is there."""
        if self.value is None:
            violated("uninitialized", "the name of a device is read before it was written")
        return self.value is name

    @primitive()
    def load(self) -> DeviceName | None:
        """Read it."""
        return self.value


@procedure(source="kernel/device_manager/legacy_drivers.cpp:1447-1462")
async def publish_device(name: DeviceName) -> Status:
    """devfs_publish_device: let applications open the driver's device under that name."""
    if await happens(PUBLICATION):  # :1450-1452
        return B_NO_MEMORY  # :1452
    return await name.publish()  # :1456


@procedure(source="kernel/device_manager/devfs.cpp:2169-2184")
async def unpublish_device(name: DeviceName) -> Status:
    """devfs_unpublish_device, without disconnecting who has it open."""
    return await name.unpublish()  # :2177
