"""stale-queue: open empties the send queue.

At open and not at close or free, because the stack goes on sending while nobody has the device
open. After the open count was taken, so that a refused open empties nothing; and before the
cookie exists, so that nothing which was queued for the new file is lost.

The receive queue stays as it is: what an application has written was sent, even if it closes.
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
from haiku_tuntap.model.kernel.net_fifo import clear_fifo
from haiku_tuntap.model.language import allocate, procedure
from haiku_tuntap.model.status import B_NO_MEMORY, B_OK, EBUSY, ENODEV, Status

STALE_QUEUE_REPAIRED = TUNNEL.derive(
    "repair-stale-queue", "open discards packets that were queued before it"
)


@STALE_QUEUE_REPAIRED.replaces(tunnel_open)
@procedure(source="tunnel.cpp:92-111")
async def open_(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Discard what is queued."""
    async with name.driver.lock:  # :95
        device = await find_tunnel_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        await clear_fifo(device.send_queue)
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        return B_OK, cookie  # :109-110
