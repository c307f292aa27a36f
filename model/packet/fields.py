"""The named fields of a packet, and a hex dump that shows them.

    0000  45                                               IPv4 version and header length: ...
    0001  00                                               IPv4 type of service: 0x00
    0002  00 1c                                            IPv4 total length: 28

A field that the end of the packet cuts off is shown as far as it goes. Nothing is checked: a
packet with nonsense in it is what a dump is for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from attrs import frozen

from haiku_tuntap.model.packet.framing import (
    ETHERNET_HEADER,
    TYPE_ARP,
    TYPE_IPV4,
    TYPE_IPV6,
    TYPE_IPX,
    Framing,
    Kind,
)

TYPE_VLAN = 0x8100

TYPE_NAMES = {
    TYPE_IPV4: "IPv4",
    TYPE_ARP: "ARP",
    TYPE_VLAN: "VLAN",
    TYPE_IPX: "IPX",
    TYPE_IPV6: "IPv6",
}

BYTES_IN_A_LINE = 16
LINES_OF_PAYLOAD = 4


@frozen
class Field:
    """Some bytes of a packet, what they are, and their value in words."""

    layer: str
    name: str
    start: int
    content: bytes
    text: str


Show = Callable[[bytes], str]
Layout = tuple[tuple[str, int, Show], ...]


def describe_type(frame_type: int) -> str:
    """`0x0800 (IPv4)`"""
    name = TYPE_NAMES.get(frame_type)
    return f"{frame_type:#06x}" + (f" ({name})" if name else "")


def _number(content: bytes) -> str:
    return str(int.from_bytes(content, "big"))


def _hexadecimal(content: bytes) -> str:
    return "0x" + content.hex()


def _type(content: bytes) -> str:
    return describe_type(int.from_bytes(content, "big"))


def _hardware_address(content: bytes) -> str:
    return content.hex(":")


def _internet_address(content: bytes) -> str:
    return str(ipaddress.ip_address(content))


def _version(content: bytes) -> str:
    return f"{content[0] >> 4}, {(content[0] & 0xF) * 4} bytes"


def _version_and_flow(content: bytes) -> str:
    return f"{content[0] >> 4}, 0x{content.hex()[1:]}"


def _cut(content: bytes) -> str:
    return "packet did not fit" if any(content) else "none"


INFORMATION: Layout = (("flags", 2, _cut), ("type", 2, _type))
ETHERNET: Layout = (
    ("destination", 6, _hardware_address),
    ("source", 6, _hardware_address),
    ("type", 2, _type),
)
VLAN: Layout = (("tag", 2, _hexadecimal), ("type", 2, _type))
IPV4: Layout = (
    ("version and header length", 1, _version),
    ("type of service", 1, _hexadecimal),
    ("total length", 2, _number),
    ("identification", 2, _hexadecimal),
    ("flags and fragment offset", 2, _hexadecimal),
    ("time to live", 1, _number),
    ("protocol", 1, _number),
    ("header checksum", 2, _hexadecimal),
    ("source", 4, _internet_address),
    ("destination", 4, _internet_address),
)
IPV6: Layout = (
    ("version, traffic class and flow label", 4, _version_and_flow),
    ("payload length", 2, _number),
    ("next header", 1, _number),
    ("hop limit", 1, _number),
    ("source", 16, _internet_address),
    ("destination", 16, _internet_address),
)
ARP: Layout = (
    ("hardware type", 2, _number),
    ("protocol type", 2, _type),
    ("hardware address length", 1, _number),
    ("protocol address length", 1, _number),
    ("operation", 2, _number),
    ("sender hardware address", 6, _hardware_address),
    ("sender protocol address", 4, _internet_address),
    ("target hardware address", 6, _hardware_address),
    ("target protocol address", 4, _internet_address),
)
ICMP: Layout = (("type", 1, _number), ("code", 1, _number), ("checksum", 2, _hexadecimal))

PROTOCOL_ICMP = 1
PROTOCOL_ICMP_FOR_IPV6 = 58


class _Reader:
    """Takes fields off the front of a packet."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fields(self, layer: str, layout: Layout) -> Iterator[Field]:
        for name, size, show in layout:
            content = self.data[self.at : self.at + size]
            if not content:
                return
            whole = len(content) == size
            text = show(content) if whole else f"cut off after {len(content)} of {size} bytes"
            yield Field(layer, name, self.at, content, text)
            self.at += len(content)

    def rest(self, layer: str, name: str, end: int | None = None) -> Iterator[Field]:
        content = self.data[self.at : end]
        if content:
            yield Field(layer, name, self.at, content, f"{len(content)} bytes")
            self.at += len(content)


def fields_read(framing: Framing, data: bytes) -> tuple[Field, ...]:
    """The fields of what an application writes or reads."""
    return fields(data, information=framing.information > 0, ethernet=framing.kind is Kind.TAP)


def fields_captured(framing: Framing, buffer: bytes) -> tuple[Field, ...]:
    """The fields of a buffer inside the stack, as captures see it."""
    return fields(buffer, information=False, ethernet=framing.inside_stack > 0)


def fields(data: bytes, *, information: bool, ethernet: bool) -> tuple[Field, ...]:
    """The fields of a packet that begins so; without either, with an IP header."""
    return tuple(_fields(_Reader(data), information, ethernet))


def _fields(reader: _Reader, information: bool, ethernet: bool) -> Iterator[Field]:
    if information:
        yield from reader.fields("information", INFORMATION)
    if not ethernet:
        version = reader.data[reader.at] >> 4 if reader.at < len(reader.data) else None
        yield from _network(reader, {4: TYPE_IPV4, 6: TYPE_IPV6}.get(version or 0))
        return
    start = reader.at
    yield from reader.fields("Ethernet", ETHERNET)
    if reader.at < start + ETHERNET_HEADER:
        return
    frame_type = _word_before(reader)
    if frame_type == TYPE_VLAN:
        yield from reader.fields("VLAN", VLAN)
        frame_type = _word_before(reader)
    yield from _network(reader, frame_type)


def _word_before(reader: _Reader) -> int:
    return int.from_bytes(reader.data[reader.at - 2 : reader.at], "big")


def _network(reader: _Reader, frame_type: int | None) -> Iterator[Field]:
    start = reader.at
    protocol = None
    if frame_type == TYPE_IPV4:
        yield from reader.fields("IPv4", IPV4)
        if reader.at == start + 20:
            yield from reader.rest("IPv4", "options", start + (reader.data[start] & 0xF) * 4)
            protocol = reader.data[start + 9]
    elif frame_type == TYPE_IPV6:
        yield from reader.fields("IPv6", IPV6)
        if reader.at == start + 40:
            protocol = reader.data[start + 6]
    elif frame_type == TYPE_ARP:
        yield from reader.fields("ARP", ARP)
    if protocol in (PROTOCOL_ICMP, PROTOCOL_ICMP_FOR_IPV6):
        yield from reader.fields("ICMP", ICMP)
    yield from reader.rest("", "payload")


def dump(parts: tuple[Field, ...]) -> str:
    """A hex dump, a line for each field; long payloads are shortened."""
    lines = []
    for part in parts:
        rows = [
            (at, part.content[at : at + BYTES_IN_A_LINE])
            for at in range(0, len(part.content), BYTES_IN_A_LINE)
        ]
        left_out = len(part.content) - LINES_OF_PAYLOAD * BYTES_IN_A_LINE
        label = f"{part.layer} {part.name}".strip() + f": {part.text}"
        for number, (at, row) in enumerate(rows[:LINES_OF_PAYLOAD]):
            text = f"  {label}" if number == 0 else ""
            lines.append(f"{part.start + at:04x}  {row.hex(' '):<47}{text}".rstrip())
        if left_out > 0:
            lines.append(f"      and {left_out} more bytes")
    return "\n".join(lines) if lines else "(no bytes)"
