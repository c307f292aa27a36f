"""The obvious repair of close, which does not work.

Close sets a flag under the FIFO's lock and then wakes whoever waits; a reader tests the flag
before it waits. That catches the reader which comes late. It misses the one that has tested the
flag, announced itself and unlocked, but does not sleep yet: B_RELEASE_ALL finds nobody asleep and
stores nothing. It is kept as an example; close_race.py has the repair that works.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelCookie,
    use_closable_fifos,
)
from haiku_tuntap.model.drivers.repairs.close_race import open_
from haiku_tuntap.model.drivers.tunnel import TUNNEL, tunnel_close, tunnel_open
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK, Status

TUNNEL_FLAG_ONLY = TUNNEL.derive(
    "tunnel-flag-only", "the obvious repair of close, a flag and B_RELEASE_ALL, which fails"
)
use_closable_fifos(TUNNEL_FLAG_ONLY)
TUNNEL_FLAG_ONLY.replaces(tunnel_open)(open_)


@TUNNEL_FLAG_ONLY.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def flag_only_close(cookie: ClosableTunnelCookie) -> Status:
    """Set the flag under the lock, then wake everybody who is asleep."""
    fifo = cookie.device.send_queue
    async with fifo.lock:
        fifo.closed = B_INTERRUPTED
    await fifo.notify.release_all(B_INTERRUPTED)  # :120
    return B_OK  # :122
