"""init-early: init keeps the table's mutex until the device is whole.

Today it lets go as soon as the device is in the table, where others find memory that nobody has
written yet. Publishing under the mutex is no new order of locks: uninit unpublishes under it.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelDevice, TunnelName
from haiku_tuntap.model.drivers.tunnel_life import fill_in, reserve_slot, tunnel_init
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_BAD_VALUE, ENAMETOOLONG, Status

INIT_EARLY_REPAIRED = TUNNEL.derive(
    "repair-init-early", "init keeps the table's mutex until the device is whole"
)


@INIT_EARLY_REPAIRED.replaces(tunnel_init)
@procedure(source="tunnel.cpp:280-363")
async def init(name: TunnelName) -> tuple[Status, TunnelDevice | None]:
    """Reserve a slot and fill in the device before anybody else may look."""
    if not name.valid:  # :283-284
        return B_BAD_VALUE, None  # :285
    if name.too_long:  # :286
        return ENAMETOOLONG, None  # :287
    async with name.driver.lock:  # :290
        status, device = await reserve_slot(name)  # :291-310
        if device is None:
            return status, None
        return await fill_in(device, name)  # :313-362
