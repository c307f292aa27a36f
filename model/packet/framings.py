"""The framings by name: Haiku's today, Haiku's before 2024, and Linux's.

**IPv6 on a Haiku TUN device.** Write accepts it and gives it the frame type IPv6
(tunnel.cpp:200-207), so that captures see it (stack/device_interfaces.cpp:60-61). But for a TUN
interface only IPv4 is set up (stack/stack.cpp:840; there is no such line for AF_INET6), and that
registers one handler, for IPv4 (loopback_frame.cpp:66-71). So the consumer thread finds no
handler for the packet and frees it without an error, a log line or a counter
(stack/device_interfaces.cpp:132-145); the interface's statistics have counted it as received
(:72-75). The other way the driver itself would let IPv6 pass (tunnel.cpp:427).

**A write of no bytes** never reaches a Haiku driver: the VFS returns 0 (kernel/fs/fd.cpp:818). If
it did, a TUN device would refuse it with B_BAD_VALUE, because reading the byte with the version
fails beyond the end (tunnel.cpp:194, stack/net_buffer.cpp:1517); a TAP device would queue an empty
buffer, which deframing then drops.

**A runt on a TAP device**, a frame without a whole Ethernet header, is accepted by Haiku's write,
which does not look at it; deframing fails and the stack drops and counts it.

**Lengths.** Nothing compares a written packet with the MTU; what limits it is the queue (see
`Framing.enqueue`). The MTU is 16 to 65,536 (tunnel.cpp:454), and at first 1,514 also for TUN
(tunnel.cpp:316).

Linux's framings were measured on a live kernel (6.18). EINVAL is called B_BAD_VALUE here, which is
the same on Haiku. The flags of the packet information are in the machine's byte order; here that is
little-endian.
"""

from __future__ import annotations

from attrs import evolve

from haiku_tuntap.model.packet.framing import (
    ETHERNET_HEADER,
    PACKET_INFORMATION,
    TYPE_ARP,
    TYPE_IPV4,
    TYPE_IPV6,
    Framing,
    Kind,
)
from haiku_tuntap.model.status import B_BAD_VALUE, B_OK

QUEUE_BYTES = 1514 * 32
"""What each of the two queues of a Haiku device holds: 48,448 bytes (tunnel.cpp:54)."""

SMALLEST_MTU, LARGEST_MTU = 16, 65536
"""What set_mtu accepts; else B_BAD_VALUE (tunnel.cpp:451-459)."""

TUN = Framing(
    id="tun",
    title="Haiku TUN",
    kind=Kind.TUN,
    sources=("tunnel.cpp:154-227", "tunnel.cpp:418-439", "loopback_frame.cpp:34-39, 66-71"),
    shortest=1,
    version_decides=True,
    empty_write=B_OK,
    sends_only_ip=True,
    queue_bytes=QUEUE_BYTES,
    handled=frozenset({TYPE_IPV4}),
)
"""Haiku's TUN since 98166ebe04 (2024-02-15): bare IP everywhere."""

TUN_BEFORE_2024 = evolve(
    TUN,
    id="tun-before-2024",
    title="Haiku TUN before 2024-02-15",
    sources=(
        "98166ebe04^ tunnel.cpp:155-251",
        "98166ebe04^ tunnel.cpp:443-469",
        "98166ebe04^ loopback_frame.cpp:34-43, 70-72, 111-146",
    ),
    put_on=ETHERNET_HEADER,
    inside_stack=ETHERNET_HEADER,
    taken_off=ETHERNET_HEADER,
)
"""Haiku's TUN from b6c24e6b40 to 98166ebe04: inside the stack, and so in captures, a packet had an
Ethernet header with zero addresses. Write put it on and read left it out, so that applications
could not tell. Since the header counts in the queue, the largest packet was 48,434 bytes."""

TAP = Framing(
    id="tap",
    title="Haiku TAP",
    kind=Kind.TAP,
    sources=(
        "tunnel.cpp:154-227",
        "ethernet_frame.cpp:36-93, 140-166",
        "arp.cpp:981-987",
        "ipv6_datagram.cpp:995",
    ),
    shortest=0,
    version_decides=False,
    empty_write=B_OK,
    inside_stack=ETHERNET_HEADER,
    queue_bytes=QUEUE_BYTES,
    handled=frozenset({TYPE_IPV4, TYPE_ARP, TYPE_IPV6}),
)
"""Haiku's TAP, all versions: the driver passes whole Ethernet frames and looks at nothing. IPv4 and
ARP have handlers once the interface has an IPv4 address, IPv6 once it has an IPv6 address. A frame
with a VLAN tag has the type 0x8100, which nobody handles."""

LINUX_TUN = Framing(
    id="linux-tun",
    title="Linux TUN without packet information (IFF_NO_PI)",
    kind=Kind.TUN,
    sources=("measured on Linux 6.18",),
    shortest=1,
    version_decides=True,
    unknown_version=B_BAD_VALUE,
    empty_write=B_BAD_VALUE,
)

LINUX_TUN_INFORMATION = Framing(
    id="linux-tun-information",
    title="Linux TUN with packet information",
    kind=Kind.TUN,
    sources=("measured on Linux 6.18",),
    shortest=0,
    version_decides=False,
    empty_write=B_BAD_VALUE,
    information=PACKET_INFORMATION,
)
"""The type is what the application says it is: a packet that begins with 0x45 and is said to be
IPv6 goes up as IPv6. A write of the four bytes alone is accepted, and captures see nothing."""

LINUX_TAP = Framing(
    id="linux-tap",
    title="Linux TAP without packet information (IFF_NO_PI)",
    kind=Kind.TAP,
    sources=("measured on Linux 6.18",),
    shortest=ETHERNET_HEADER,
    version_decides=False,
    empty_write=B_BAD_VALUE,
    inside_stack=ETHERNET_HEADER,
)
"""`frame_type` is the frame's type field as it stands. Linux hands up a field below 0x0600, which
is a length, under a number of its own, and takes off a VLAN tag and keeps it beside the frame."""

LINUX_TAP_INFORMATION = evolve(
    LINUX_TAP,
    id="linux-tap-information",
    title="Linux TAP with packet information",
    information=PACKET_INFORMATION,
)
"""Write ignores the type in the information. Read fills it in from the frame, unless the sender on
a packet socket named another."""

FRAMINGS: dict[str, Framing] = {
    framing.id: framing
    for framing in (
        TUN,
        TAP,
        TUN_BEFORE_2024,
        LINUX_TUN,
        LINUX_TUN_INFORMATION,
        LINUX_TAP,
        LINUX_TAP_INFORMATION,
    )
}
"""All of them, by id."""
