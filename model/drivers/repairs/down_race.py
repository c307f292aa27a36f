"""down-race: down closes the receive queue, and up reopens it.

The stack clears IFF_UP before it calls down, so a reader thread that is woken finds it cleared and
ends. It calls up, under its receive lock, before it sets IFF_UP and starts the next reader thread;
nobody reads in between. The status must not be B_DEVICE_NOT_FOUND: with that the reader thread
would remove the device (device_interfaces.cpp:80).
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelDevice,
    close_fifo,
    reopen_fifo,
    use_closable_fifos,
)
from haiku_tuntap.model.drivers.tunnel import TUNNEL, tunnel_down, tunnel_up
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK, Status

DOWN_RACE_REPAIRED = TUNNEL.derive(
    "repair-down-race", "down closes the receive queue under its lock, up reopens it"
)
use_closable_fifos(DOWN_RACE_REPAIRED)


@DOWN_RACE_REPAIRED.replaces(tunnel_up)
@procedure(source="tunnel.cpp:394-398")
async def up(device: ClosableTunnelDevice) -> Status:
    """Let the reader thread wait again."""
    await reopen_fifo(device.receive_queue)
    return B_OK  # :397


@DOWN_RACE_REPAIRED.replaces(tunnel_down)
@procedure(source="tunnel.cpp:401-408")
async def down(device: ClosableTunnelDevice) -> None:
    """Make the reader thread return, wherever it is."""
    await close_fifo(device.receive_queue, B_INTERRUPTED)
