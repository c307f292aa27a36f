"""late-notify: send_data notifies selectors only while the packet, or another, is still there.

Between the enqueueing and the notification a reader may have taken the packet, and a select or
poll may have begun since; today it is told READ although there was nothing to read at any instant
of it. A program that then reads waits, with O_NONBLOCK or without (nonblock-ignored).

The queue's lock is taken inside the pool's. Nobody takes them the other way round: the select hook
takes one after the other.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelDevice, tunnel_send_data
from haiku_tuntap.model.kernel.buffers import IPV4, IPV6, NetBuffer
from haiku_tuntap.model.kernel.net_fifo import fifo_enqueue_buffer
from haiku_tuntap.model.kernel.select import B_SELECT_READ, notify_select_event_pool
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_BAD_DATA, B_OK, Status

LATE_NOTIFY_REPAIRED = TUNNEL.derive(
    "repair-late-notify", "send_data notifies selectors only while there is something to read"
)


@LATE_NOTIFY_REPAIRED.replaces(tunnel_send_data)
@procedure(source="tunnel.cpp:418-439")
async def send_data(device: TunnelDevice, buffer: NetBuffer) -> Status:
    """Look again before telling."""
    if not device.is_tap and buffer.version != IPV4 and buffer.version != IPV6:  # :424-429
        return B_BAD_DATA  # :428
    status = await fifo_enqueue_buffer(device.send_queue, buffer)  # :431-432
    if status == B_OK:  # :433
        async with device.select_pool.lock:  # :434
            async with device.send_queue.lock:
                if device.send_queue.current_bytes != 0:
                    await notify_select_event_pool(device.select_pool, B_SELECT_READ)  # :435
    return status  # :438
