"""read-leak: read frees the buffer when copying it faults, too.

The packet is lost, as it is today. To put it back in front would let a program that passes a bad
pointer block the queue for ever, and would need a FIFO that can be pushed back into.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_read
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer
from haiku_tuntap.model.kernel.user_memory import copy_to_user
from haiku_tuntap.model.language import free, procedure
from haiku_tuntap.model.status import B_OK, Status

READ_LEAK_REPAIRED = TUNNEL.derive(
    "repair-read-leak", "a read that faults frees the packet which it took"
)


@READ_LEAK_REPAIRED.replaces(tunnel_read)
@procedure(source="tunnel.cpp:154-173")
async def read(cookie: TunnelCookie) -> Status:
    """Free the buffer in any case."""
    status, buffer = await fifo_dequeue_buffer(cookie.device.send_queue, wait=True)  # :160-161
    if status != B_OK:  # :162
        return status  # :163
    assert buffer is not None
    status = await copy_to_user(buffer)  # :166
    await free(buffer)  # :171
    return status
