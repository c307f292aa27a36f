"""Packets: how TUN and TAP devices frame them, and how to show them.

`framing.py` has the text, `framings.py` the platforms by name, `calls.py` runs it on real bytes,
`fields.py` shows bytes with their fields named, `pcap.py` writes them to a file. Nothing here needs
more than attrs; the proofs are in `properties/framing/`.
"""

from haiku_tuntap.model.packet.calls import ReadResult, WriteResult, read, transmit, write
from haiku_tuntap.model.packet.fields import Field, dump, fields_captured, fields_read
from haiku_tuntap.model.packet.framing import Framing, Kind, haiku_frame_type
from haiku_tuntap.model.packet.framings import (
    FRAMINGS,
    LARGEST_MTU,
    LINUX_TAP,
    LINUX_TAP_INFORMATION,
    LINUX_TUN,
    LINUX_TUN_INFORMATION,
    QUEUE_BYTES,
    SMALLEST_MTU,
    TAP,
    TUN,
    TUN_BEFORE_2024,
)
from haiku_tuntap.model.packet.pcap import link_type, write_pcap

__all__ = [
    "FRAMINGS",
    "LARGEST_MTU",
    "LINUX_TAP",
    "LINUX_TAP_INFORMATION",
    "LINUX_TUN",
    "LINUX_TUN_INFORMATION",
    "QUEUE_BYTES",
    "SMALLEST_MTU",
    "TAP",
    "TUN",
    "TUN_BEFORE_2024",
    "Field",
    "Framing",
    "Kind",
    "ReadResult",
    "WriteResult",
    "dump",
    "fields_captured",
    "fields_read",
    "haiku_frame_type",
    "link_type",
    "read",
    "transmit",
    "write",
    "write_pcap",
]
