"""The network stack's side: something in it sends a packet through the interface.

Routing does not ask whether the interface is up (stack/datalink.cpp:359-417), and neither does
this.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.buffers import BUFFER_ALLOCATION, NetBuffer
from haiku_tuntap.model.kernel.events import packet_offered, packet_settled
from haiku_tuntap.model.kernel.hooks import NetDevice, device_send_data
from haiku_tuntap.model.language import allocate, free, procedure
from haiku_tuntap.model.status import B_NO_MEMORY, B_OK, Status


@procedure(source="stack/datalink.cpp:697-713", call="send")
async def send_packet(device: NetDevice, size: int, version: int) -> Status:
    """Make a packet and hand it to the driver, who owns it only after B_OK."""
    buffer = await allocate(NetBuffer, may_fail=BUFFER_ALLOCATION, size=size, version=version)
    if buffer is None:
        return B_NO_MEMORY
    packet_offered(buffer)
    status = await device_send_data(device, buffer)  # :710
    packet_settled(buffer, status)
    if status != B_OK:
        await free(buffer)
    return status  # :712
