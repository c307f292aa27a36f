"""close-race: close closes the send queue, and the next open reopens it.

The next open reopens the queue after it has become the owner. No reader of the file before can be
inside then, because the free hook, which lets others in, runs after the last of them has left.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelCookie,
    close_fifo,
    find_closable_device,
    reopen_fifo,
    use_closable_fifos,
)
from haiku_tuntap.model.drivers.tunnel import (
    COOKIE_ALLOCATION,
    TUNNEL,
    TunnelCookie,
    TunnelName,
    tunnel_close,
    tunnel_open,
)
from haiku_tuntap.model.language import allocate, procedure
from haiku_tuntap.model.status import B_INTERRUPTED, B_NO_MEMORY, B_OK, EBUSY, ENODEV, Status

CLOSE_RACE_REPAIRED = TUNNEL.derive(
    "repair-close-race", "close closes the send queue under its lock, open reopens it"
)
use_closable_fifos(CLOSE_RACE_REPAIRED)


@CLOSE_RACE_REPAIRED.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def close(cookie: ClosableTunnelCookie) -> Status:
    """Close the queue with the status that readers get today."""
    await close_fifo(cookie.device.send_queue, B_INTERRUPTED)
    return B_OK  # :122


@CLOSE_RACE_REPAIRED.replaces(tunnel_open)
@procedure(source="tunnel.cpp:92-111")
async def open_(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Reopen the queue before anybody can read."""
    async with name.driver.lock:  # :95
        device = await find_closable_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        await reopen_fifo(device.send_queue)
        return B_OK, cookie  # :109-110
