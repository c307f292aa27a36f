"""nonblock-ignored: read passes MSG_DONTWAIT if the file is non-blocking."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_read
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer
from haiku_tuntap.model.kernel.user_memory import copy_to_user
from haiku_tuntap.model.language import free, procedure
from haiku_tuntap.model.status import B_OK, Status

NONBLOCK_REPAIRED = TUNNEL.derive(
    "repair-nonblock-ignored", "a read of a non-blocking file does not wait"
)


@NONBLOCK_REPAIRED.replaces(tunnel_read)
@procedure(source="tunnel.cpp:154-173")
async def read(cookie: TunnelCookie) -> Status:
    """Look at the cookie's flags before waiting."""
    flags = await cookie.flags.load()
    status, buffer = await fifo_dequeue_buffer(
        cookie.device.send_queue, wait=flags & O_NONBLOCK == 0
    )
    if status != B_OK:  # :162
        return status  # :163
    assert buffer is not None
    status = await copy_to_user(buffer)  # :166
    if status != B_OK:  # :167
        return status  # :168
    await free(buffer)  # :171
    return B_OK  # :172
