"""open-leak: an open that fails gives the device up again.

Still under the table's mutex, so that no other open can meet the device half open.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import (
    COOKIE_ALLOCATION,
    TUNNEL,
    TunnelCookie,
    TunnelName,
    find_tunnel_device,
    tunnel_open,
)
from haiku_tuntap.model.language import allocate, procedure
from haiku_tuntap.model.status import B_NO_MEMORY, B_OK, EBUSY, ENODEV, Status

OPEN_LEAK_REPAIRED = TUNNEL.derive(
    "repair-open-leak", "an open without memory for its cookie leaves the device closed"
)


@OPEN_LEAK_REPAIRED.replaces(tunnel_open)
@procedure(source="tunnel.cpp:92-111")
async def open_(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Undo the open count on the error path."""
    async with name.driver.lock:  # :95
        device = await find_tunnel_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            await device.open_count.and_(0)
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        return B_OK, cookie  # :109-110
