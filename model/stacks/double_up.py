"""double-up: an ioctl claims its interface, so that no second one runs at the same time.

`fBusy` is there already, and get_interface refuses an interface that is busy; but it does not make
it so. Here up, down and delete do, in one step, and give up with B_BAD_VALUE if another one was
faster; that is what they say today of an interface which they find busy. Delete keeps its claim.

A lock in place of the flag would make a second ioctl wait for the first one, which waits for the
reader thread; and the reader thread itself may remove an interface whose device is gone.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel import device_interface, interface_life
from haiku_tuntap.model.kernel.device_interface import (
    IFF_UP,
    Interface,
    interface_protocol_down,
    up_device_interface,
)
from haiku_tuntap.model.kernel.interface_life import Stack, put_interface, take_off_list
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_BAD_VALUE, B_OK, Status

DOUBLE_UP_REPAIRED = TUNNEL.derive(
    "repair-double-up", "up, down and delete claim their interface in one step"
)


@procedure()
async def claim(interface: Interface) -> bool:
    """Make the interface busy; False if it was."""
    return await interface.busy.or_(1) == 0


@DOUBLE_UP_REPAIRED.replaces(device_interface.control_up)
@procedure(source="stack/interfaces.cpp:750-782")
async def control_up(interface: Interface) -> Status:
    """Take the interface up, alone."""
    if not await claim(interface):
        return B_BAD_VALUE
    status = B_OK
    flags = await interface.flags.load()  # :761
    if flags & IFF_UP == 0:  # :761
        status = await up_device_interface(interface.device_interface)  # :1082
        if status == B_OK:  # :1083
            await interface.flags.store(flags | IFF_UP)  # :1120
    await interface.busy.store(0)  # :1121
    return status  # :781


@procedure()
async def take_down(interface: Interface) -> None:
    """Take the interface down, if it is up; it is claimed."""
    flags = await interface.flags.load()  # :939
    if flags & IFF_UP != 0:  # :939
        await interface_protocol_down(interface.device_interface)  # :952
        await interface.flags.store(flags & ~IFF_UP)  # :955


@DOUBLE_UP_REPAIRED.replaces(device_interface.control_down)
@procedure(source="stack/interfaces.cpp:750-782")
async def control_down(interface: Interface) -> Status:
    """Take the interface down, alone."""
    if not await claim(interface):
        return B_BAD_VALUE
    await take_down(interface)  # :765
    await interface.busy.store(0)  # :957
    return B_OK  # :781


@DOUBLE_UP_REPAIRED.replaces(interface_life.remove_interface)
@procedure(source="stack/interfaces.cpp:1265-1278")
async def remove_interface(stack: Stack, interface: Interface) -> Status:
    """Claim the interface for good, take it down, off the list, and drop the list's reference."""
    if not await claim(interface):
        return B_BAD_VALUE
    await take_down(interface)  # :1268
    await take_off_list(stack, interface)  # :1271-1273
    await put_interface(stack, interface)  # :1277
    return B_OK
