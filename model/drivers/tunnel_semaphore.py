"""The rival repair of close: delete the semaphore in close, create it again in open.

It changes tunnel.cpp alone. Whoever sleeps in a deleted semaphore, or acquires it later, gets
B_BAD_SEM_ID, so no reader can stay behind, and none restarts. A new semaphore cannot be taken for
the old one, because open gets in only after the last reader has left. While the device is closed,
enqueue releases a semaphore that is not there, which does nothing.

Creating a semaphore may fail, so open gets one more way to fail (not modelled); and a reader gets
a status that speaks of semaphores unless read translates it.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import (
    COOKIE_ALLOCATION,
    TUNNEL,
    TunnelCookie,
    TunnelName,
    find_tunnel_device,
    tunnel_close,
    tunnel_open,
)
from haiku_tuntap.model.language import allocate, procedure
from haiku_tuntap.model.status import B_NO_MEMORY, B_OK, EBUSY, ENODEV, Status

TUNNEL_SEMAPHORE = TUNNEL.derive(
    "tunnel-semaphore", "the rival repair of close: delete the semaphore, create it in open"
)


@TUNNEL_SEMAPHORE.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def delete_in_close(cookie: TunnelCookie) -> Status:
    """Delete the send queue's semaphore."""
    await cookie.device.send_queue.notify.delete()
    return B_OK  # :122


@TUNNEL_SEMAPHORE.replaces(tunnel_open)
@procedure(source="tunnel.cpp:92-111")
async def create_in_open(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Create it again, if a close has deleted it."""
    async with name.driver.lock:  # :95
        device = await find_tunnel_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        await device.send_queue.notify.create()
        return B_OK, cookie  # :109-110
