"""Where a driver comes in: the hooks that the VFS and the network stack call.

The procedures here have no text of their own. A driver replaces each of them, and the two record
classes by its own device and cookie.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Unguarded
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.devfs import DeviceName, NameBuffer
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.language import part, procedure, record
from haiku_tuntap.model.status import Status

# The flags of open, and the operations of control, that a tunnel knows.
O_NONBLOCK = 1
B_SET_BLOCKING_IO = 0
B_SET_NONBLOCKING_IO = 1


@record
class NetDevice:
    """A network device (headers/private/net/net_device.h). `flags` holds IFF_UP."""

    name: NameBuffer = part(factory=NameBuffer)
    flags: Unguarded = part(factory=Unguarded)


@record
class Cookie:
    """What a driver keeps for one open file."""


@procedure()
async def device_init(name: DeviceName) -> tuple[Status, NetDevice | None]:
    """Make the device of that name, and publish it."""
    raise NotImplementedError


@procedure()
async def device_uninit(device: NetDevice) -> Status:
    """The interface is gone; destroy its device. The stack ignores an error."""
    raise NotImplementedError


@procedure()
async def device_open(name: DeviceName, flags: int) -> tuple[Status, Cookie | None]:
    """Open the device of that name."""
    raise NotImplementedError


@procedure()
async def device_close(cookie: Cookie) -> Status:
    """The last slot of the file was closed; calls may still be inside."""
    raise NotImplementedError


@procedure()
async def device_free(cookie: Cookie) -> Status:
    """The last call has left; free the cookie."""
    raise NotImplementedError


@procedure()
async def device_control(cookie: Cookie, operation: int) -> Status:
    """An ioctl."""
    raise NotImplementedError


@procedure()
async def device_read(cookie: Cookie) -> Status:
    """Read one packet into the application's memory (`copy_to_user`)."""
    raise NotImplementedError


@procedure()
async def device_write(cookie: Cookie, size: int, version: int) -> Status:
    """Write one packet, of which size and IP version are known."""
    raise NotImplementedError


@procedure()
async def device_select(cookie: Cookie, event: int, info: SelectInfo) -> Status:
    """Notify `info` when `event` holds, beginning now."""
    raise NotImplementedError


@procedure()
async def device_deselect(cookie: Cookie, event: int, info: SelectInfo) -> Status:
    """Stop notifying `info` of `event`."""
    raise NotImplementedError


@procedure()
async def device_up(device: NetDevice) -> Status:
    """The interface goes up. Runs under the interface's receive lock."""
    raise NotImplementedError


@procedure()
async def device_down(device: NetDevice) -> None:
    """The interface goes down; the reader thread must return from device_receive_data."""
    raise NotImplementedError


@procedure()
async def device_send_data(device: NetDevice, buffer: NetBuffer) -> Status:
    """Send a packet. The buffer is the driver's only if this returns B_OK."""
    raise NotImplementedError


@procedure()
async def device_receive_data(device: NetDevice) -> tuple[Status, NetBuffer | None]:
    """Wait for a packet from the device."""
    raise NotImplementedError
