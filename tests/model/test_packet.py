"""Framing of real bytes; scapy, which shares no code with us, says what the bytes mean."""

import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from haiku_tuntap.model.packet import (
    FRAMINGS,
    LINUX_TAP,
    LINUX_TAP_INFORMATION,
    LINUX_TUN,
    LINUX_TUN_INFORMATION,
    QUEUE_BYTES,
    TAP,
    TUN,
    TUN_BEFORE_2024,
    Framing,
    Kind,
    dump,
    fields_captured,
    fields_read,
    haiku_frame_type,
    link_type,
    read,
    transmit,
    write,
    write_pcap,
)
from haiku_tuntap.model.status import B_BAD_DATA, B_BAD_VALUE, B_OK, ENOBUFS, Status

HERE, THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"
PING = IP(src="10.0.0.1", dst="10.0.0.2") / ICMP(id=7, seq=1) / Raw(b"ping")
PING6 = IPv6(src="fd00::1", dst="fd00::2") / ICMPv6EchoRequest(id=7) / Raw(b"ping")
IP_PACKETS = {
    "ICMP": PING,
    "ICMPv6": PING6,
    "UDP": IP(src="10.0.0.1", dst="10.0.0.2", ttl=3) / UDP(sport=53, dport=99) / Raw(b"x"),
    "jumbo": IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / Raw(bytes(9000)),
    "fragment": IP(dst="10.0.0.2", flags="MF", frag=3, proto=17) / Raw(b"part"),
}
FRAMES = {name: Ether(src=HERE, dst=THERE) / packet for name, packet in IP_PACKETS.items()} | {
    "ARP": Ether(src=HERE, dst="ff:ff:ff:ff:ff:ff")
    / ARP(op=1, hwsrc=HERE, psrc="10.0.0.1", pdst="10.0.0.2"),
    "VLAN": Ether(src=HERE, dst=THERE) / Dot1Q(vlan=5, prio=3) / PING,
}
TUNS = [f for f in FRAMINGS.values() if f.kind is Kind.TUN]
TAPS = [f for f in FRAMINGS.values() if f.kind is Kind.TAP]
by_id = pytest.mark.parametrize("framing", FRAMINGS.values(), ids=lambda f: f.id)


def information(framing: Framing, frame_type: int) -> bytes:
    return struct.pack(">HH", 0, frame_type) if framing.information else b""


def type_of(packet: Packet) -> int:
    """The EtherType of an IP packet, by scapy; with an address it need not ask the network."""
    return int(bytes(Ether(src=HERE, dst=THERE) / packet)[12:14].hex(), 16)


@pytest.mark.parametrize("packet", IP_PACKETS.values(), ids=IP_PACKETS)
@pytest.mark.parametrize("framing", TUNS, ids=lambda f: f.id)
def test_ip_packets_through_tun(framing: Framing, packet: Packet) -> None:
    """What scapy has built is typed as scapy would, and scapy reads the same packet again."""
    data, frame_type = bytes(packet), type_of(packet)
    result = write(framing, information(framing, frame_type) + data)
    assert (result.status, result.frame_type, result.packet) == (B_OK, frame_type, data)
    status, buffer = transmit(framing, frame_type, data)
    assert status == B_OK
    got = read(framing, frame_type, buffer, 65535).data
    assert got[: framing.information] == information(framing, frame_type)
    again = type(packet)(got[framing.information :])
    assert again.summary() == type(packet)(data).summary()
    assert bytes(again) == data


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("framing", TAPS, ids=lambda f: f.id)
def test_frames_through_tap(framing: Framing, frame: Packet) -> None:
    """Scapy's type and payload are what the protocols see; scapy reads the same frame again."""
    data = bytes(frame)
    result = write(framing, information(framing, 0) + data)
    assert (result.status, result.frame_type) == (B_OK, Ether(data).type)
    assert result.packet == bytes(Ether(data).payload)
    assert result.captured == data
    status, buffer = transmit(framing, Ether(data).type, result.packet, data[:14])
    assert status == B_OK
    got = read(framing, Ether(data).type, buffer, 65535).data[framing.information :]
    assert Ether(got).summary() == Ether(data).summary()
    assert (Ether(got).dst, Ether(got).src) == (frame.dst, frame.src)
    assert got == data


@pytest.mark.parametrize("packet", [PING, PING6], ids=["IPv4", "IPv6"])
def test_captures_before_2024_see_an_ethernet_header(packet: Packet) -> None:
    captured = write(TUN_BEFORE_2024, bytes(packet)).captured
    assert captured is not None
    frame = Ether(captured)
    assert (frame.src, frame.dst) == ("00:00:00:00:00:00",) * 2
    assert frame.type == type_of(packet)
    assert bytes(frame.payload) == bytes(packet)
    assert write(TUN, bytes(packet)).captured == bytes(packet)


@pytest.mark.parametrize("framing", [TUN, TUN_BEFORE_2024], ids=lambda f: f.id)
def test_ipv6_on_a_haiku_tun_reaches_nobody(framing: Framing) -> None:
    """Write succeeds and captures see it, but no handler has its type."""
    result = write(framing, bytes(PING6))
    assert (result.status, result.handled) == (B_OK, False)
    assert result.captured is not None
    assert write(framing, bytes(PING)).handled is True


def test_who_handles_what_on_a_haiku_tap() -> None:
    handled = {name: write(TAP, bytes(frame)).handled for name, frame in FRAMES.items()}
    assert {name for name, yes in handled.items() if not yes} == {"VLAN"}


def measured(framing: Framing, statuses: dict[bytes, Status]) -> list[object]:
    return [
        pytest.param(framing, data, status, id=f"{framing.id}-{data.hex()[:12] or 'nothing'}")
        for data, status in statuses.items()
    ]


@pytest.mark.parametrize(
    ("framing", "data", "status"),
    [
        *measured(TUN, {b"": B_OK, b"\x45": B_OK, b"\x6f": B_OK, b"\x25": B_BAD_DATA}),
        *measured(TUN_BEFORE_2024, {b"": B_OK, b"\x45": B_OK, b"\x50": B_BAD_DATA}),
        *measured(TAP, {b"": B_OK, b"\x45": B_OK, bytes(13): B_OK, bytes(14): B_OK}),
        *measured(LINUX_TUN, {b"": B_BAD_VALUE, b"\x45": B_OK, b"\x25": B_BAD_VALUE}),
        *measured(
            LINUX_TUN_INFORMATION,
            {
                b"": B_BAD_VALUE,
                b"\x45": B_BAD_VALUE,
                b"\0\0\x08": B_BAD_VALUE,
                b"\0\0\x08\0": B_OK,
                b"\0\0\x08\0\x25\0\0": B_OK,
                b"\0\0\x12\x34" + b"E" * 20: B_OK,
            },
        ),
        *measured(LINUX_TAP, {b"": B_BAD_VALUE, bytes(13): B_BAD_VALUE, bytes(14): B_OK}),
        *measured(
            LINUX_TAP_INFORMATION, {bytes(4): B_BAD_VALUE, bytes(17): B_BAD_VALUE, bytes(18): B_OK}
        ),
    ],
)
def test_what_write_returns(framing: Framing, data: bytes, status: Status) -> None:
    """Haiku from the source, Linux as measured."""
    assert write(framing, data).status == status


@pytest.mark.parametrize("length", [1, 13])
def test_runts_on_a_haiku_tap_are_accepted_and_then_dropped(length: int) -> None:
    result = write(TAP, bytes(length))
    assert (result.status, result.captured) == (B_OK, bytes(length))
    assert (result.packet, result.frame_type) == (None, None)


@pytest.mark.parametrize("framing", [TUN, TUN_BEFORE_2024, TAP], ids=lambda f: f.id)
def test_packets_larger_than_the_queue(framing: Framing) -> None:
    largest = QUEUE_BYTES - framing.put_on
    assert write(framing, b"\x45" + bytes(largest - 1)).status == B_OK
    assert write(framing, b"\x45" + bytes(largest)) == write(framing, b"\x45" * 65535)
    assert write(framing, b"\x45" + bytes(largest)).status == ENOBUFS
    room = QUEUE_BYTES - framing.inside_stack
    assert transmit(framing, 0x0800, bytes(room), bytes(14))[0] == B_OK
    assert transmit(framing, 0x0800, bytes(room + 1), bytes(14))[0] == ENOBUFS


def test_a_tun_sends_only_ip() -> None:
    assert transmit(TUN, 0x0806, b"anything")[0] == B_BAD_DATA
    assert transmit(TUN_BEFORE_2024, 0x0806, b"anything")[0] == B_BAD_DATA
    assert transmit(LINUX_TUN, 0x0806, b"anything")[0] == B_OK


@by_id
@given(data=st.binary(min_size=20, max_size=80), size=st.integers(1, 120))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_short_reads(framing: Framing, data: bytes, size: int) -> None:
    """A short read gives the beginning; Linux's packet information says that it is one."""
    frame_type = 0x0800
    buffer = transmit(framing, frame_type, data, bytes(14))[1]
    whole = read(framing, frame_type, buffer, 65535)
    part = read(framing, frame_type, buffer, size)
    if size < framing.information:
        assert (part.status, part.data) == (B_BAD_VALUE, b"")
        return
    assert part.status == B_OK
    assert len(part.data) == min(size, len(whole.data))
    cut = framing.information and size < len(whole.data)
    assert part.data == ((b"\1" if cut else whole.data[:1]) + whole.data[1:])[:size]


@by_id
def test_a_read_of_no_bytes_returns_none(framing: Framing) -> None:
    assert read(framing, 0x0800, bytes(40), 0) == read(framing, 0x0800, b"", 0)
    assert read(framing, 0x0800, bytes(40), 0).status == B_OK


@by_id
@given(data=st.binary(max_size=60))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_any_bytes_can_be_written_and_dumped(framing: Framing, data: bytes) -> None:
    """No byte is lost or shown twice, whatever it is said to be."""
    result = write(framing, data)
    parts = fields_read(framing, data)
    assert b"".join(part.content for part in parts) == data
    assert [part.start for part in parts] == [
        sum(len(before.content) for before in parts[:place]) for place in range(len(parts))
    ]
    assert dump(parts)
    if result.captured:
        captured = fields_captured(framing, result.captured)
        assert b"".join(part.content for part in captured) == result.captured


def shown(framing: Framing, data: bytes) -> dict[str, str]:
    return {f"{part.layer} {part.name}".strip(): part.text for part in fields_read(framing, data)}


def test_named_fields_are_scapys() -> None:
    frame = Ether(bytes(FRAMES["VLAN"]))
    text = shown(TAP, bytes(frame))
    assert text["Ethernet destination"] == frame.dst
    assert text["Ethernet type"] == "0x8100 (VLAN)"
    assert text["VLAN tag"] == f"{frame[Dot1Q].prio << 13 | frame[Dot1Q].vlan:#06x}"
    assert text["IPv4 source"] == frame[IP].src
    assert text["IPv4 total length"] == str(frame[IP].len)
    assert text["IPv4 header checksum"] == f"{frame[IP].chksum:#06x}"
    assert text["ICMP checksum"] == f"{frame[ICMP].chksum:#06x}"
    request = Ether(bytes(FRAMES["ARP"]))
    text = shown(TAP, bytes(request))
    assert text["ARP operation"] == str(request[ARP].op)
    assert text["ARP target protocol address"] == request[ARP].pdst
    packet = IPv6(bytes(PING6))
    text = shown(TUN, bytes(packet))
    assert (text["IPv6 source"], text["IPv6 destination"]) == (packet.src, packet.dst)
    assert text["IPv6 payload length"] == str(packet.plen)
    assert text["ICMP type"] == str(packet[ICMPv6EchoRequest].type)


def test_dump() -> None:
    packet = bytes.fromhex("00010800 4500001500010000400166c5")
    assert dump(fields_read(LINUX_TUN_INFORMATION, packet)).splitlines() == [
        "0000  00 01" + " " * 44 + "information flags: packet did not fit",
        "0002  08 00" + " " * 44 + "information type: 0x0800 (IPv4)",
        "0004  45" + " " * 47 + "IPv4 version and header length: 4, 20 bytes",
        "0005  00" + " " * 47 + "IPv4 type of service: 0x00",
        "0006  00 15" + " " * 44 + "IPv4 total length: 21",
        "0008  00 01" + " " * 44 + "IPv4 identification: 0x0001",
        "000a  00 00" + " " * 44 + "IPv4 flags and fragment offset: 0x0000",
        "000c  40" + " " * 47 + "IPv4 time to live: 64",
        "000d  01" + " " * 47 + "IPv4 protocol: 1",
        "000e  66 c5" + " " * 44 + "IPv4 header checksum: 0x66c5",
    ]
    assert "cut off after 1 of 2 bytes" in dump(fields_read(TUN, packet[4:7]))
    assert dump(()) == "(no bytes)"
    assert "and 8944 more bytes" in dump(fields_read(TUN, bytes(IP_PACKETS["jumbo"])))


def test_haikus_numbers_for_frame_types() -> None:
    types = (0x0800, 0x86DD, 0x8137, 0x0806)
    assert [haiku_frame_type(t) for t in types] == [1, 2, 3, 0x60806]


@pytest.mark.parametrize(("framing", "packets"), [(TUN, IP_PACKETS), (TAP, FRAMES)])
def test_scapy_reads_the_pcap(tmp_path, framing, packets) -> None:
    path = tmp_path / "packets.pcap"
    timed = [(1_500_000 * n, bytes(packet)) for n, packet in enumerate(packets.values())]
    write_pcap(path, link_type(framing), timed)
    found = rdpcap(str(path))
    assert [(int(p.time * 1_000_000), bytes(p)) for p in found] == timed
    assert all(isinstance(p, Ether) == (framing is TAP) for p in found)


def test_importing_needs_attrs_alone() -> None:
    check = (
        "import sys, haiku_tuntap.model.packet\n"
        "found = {m.partition('.')[0] for m in sys.modules} & "
        "{'z3', 'hypothesis', 'scapy', 'click', 'rich'}\n"
        "sys.exit(repr(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
