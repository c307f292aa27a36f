"""Net buffers: one packet each.

A packet is its record; of its bytes only the size and what the driver looks at are kept. Buffers
are made with `allocate(NetBuffer, ...)` and given back with `free(buffer)`.
"""

from __future__ import annotations

from haiku_tuntap.model.language import Chance, final, record

# NetBuffer.version
IPV4 = 4
IPV6 = 6
NOT_IP = 0

BUFFER_ALLOCATION = Chance("buffer allocation", "There is no memory for a net buffer.")


@record
class NetBuffer:
    """A packet (stack/net_buffer.cpp).

    `version` is the IP version: the high nibble of the first byte of what an application writes,
    and the address family of the destination of what the stack sends (both agree for IP).
    """

    size: int = final(default=1)
    version: int = final(default=IPV4)
