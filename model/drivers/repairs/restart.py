"""restart: close wakes readers with B_FILE_ERROR, which does not restart the system call.

It is what a restarted call returns today if it finds its number gone.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_close
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_FILE_ERROR, B_OK, Status

RESTART_REPAIRED = TUNNEL.derive(
    "repair-restart", "a read that close wakes returns B_FILE_ERROR and does not restart"
)


@RESTART_REPAIRED.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def close(cookie: TunnelCookie) -> Status:
    """Wake the readers that wait with a status that is an end."""
    await cookie.device.send_queue.notify.release_all(B_FILE_ERROR)
    return B_OK  # :122
