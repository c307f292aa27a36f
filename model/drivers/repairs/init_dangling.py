"""init-dangling: an init that fails gives its slot back.

Before the device is freed, and under the table's mutex, so that nobody who searches the table finds
it afterwards.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelDevice
from haiku_tuntap.model.drivers.tunnel_life import give_up as original
from haiku_tuntap.model.language import free, procedure, without

INIT_DANGLING_REPAIRED = TUNNEL.derive(
    "repair-init-dangling", "an init that fails takes its device off the table"
)


@INIT_DANGLING_REPAIRED.replaces(original)
@procedure(source="tunnel.cpp:339, 347, 357")
async def give_up(device: TunnelDevice) -> None:
    """Take the device off the table, then delete it."""
    devices = device.devices
    async with devices.lock:
        devices.table = without(devices.table, device)
    await free(device)
