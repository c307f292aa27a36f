"""Writing packets to a pcap file, for tshark, Wireshark or tcpdump to read.

The format is that of libpcap 2.4: a header of 24 bytes, and for each packet one of 16 with the time
and the length, twice. A TUN's packets have the link type raw IP, a TAP's Ethernet; what stands in
the file is the packet without packet information.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from haiku_tuntap.model.packet.framing import Framing, Kind

LINK_TYPE_ETHERNET = 1
LINK_TYPE_RAW = 101

_MAGIC = 0xA1B2C3D4  # times in microseconds
_LARGEST_PACKET = 0x40000


def link_type(framing: Framing) -> int:
    """What the packets that applications read and write begin with."""
    return LINK_TYPE_ETHERNET if framing.kind is Kind.TAP else LINK_TYPE_RAW


def write_pcap(path: Path, link: int, packets: Iterable[tuple[int, bytes]]) -> None:
    """Write packets, each with its time in microseconds."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _LARGEST_PACKET, link))
        for time, packet in packets:
            seconds, microseconds = divmod(time, 1_000_000)
            size = len(packet)
            file.write(struct.pack("<IIII", seconds, microseconds, size, size) + packet)
