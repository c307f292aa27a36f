"""revival: the last reference to a device interface is dropped under the list's lock.

Then whoever searches the list finds either a device interface that has references, or none. Today
a search may meet one whose last reference was just dropped; it makes a reference to it all the
same, does not use it, and so leaves it to the next search, which does.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel import interface_life
from haiku_tuntap.model.kernel.device_interface import DeviceInterface
from haiku_tuntap.model.kernel.interface_life import Stack, tear_down
from haiku_tuntap.model.language import procedure, without

REVIVAL_REPAIRED = TUNNEL.derive(
    "repair-revival",
    "a device interface loses its last reference and its place in the list together",
)


@REVIVAL_REPAIRED.replaces(interface_life.put_device_interface)
@procedure(source="stack/device_interfaces.cpp:387-415")
async def put_device_interface(stack: Stack, interface: DeviceInterface) -> None:
    """Drop a reference; the last one tears everything down."""
    async with stack.device_lock:  # :399
        if await interface.ref_count.add(-1) != 1:  # :392
            return  # :393
        stack.device_interfaces = without(stack.device_interfaces, interface)  # :400
    await tear_down(stack, interface)  # :403-414
