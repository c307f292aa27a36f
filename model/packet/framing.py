"""Framing: how the bytes of a read or write relate to the packet that the stack handles.

A packet goes two ways. From the application: `write` judges the bytes and makes a buffer, which is
queued; captures see that buffer; `deframe` then finds the packet's type and takes off what
is not the network protocol's. To the application: `frame` puts a header on, `send` lets the buffer
into the driver's queue or refuses it, and `read` gives it to the application.

    application --write--> buffer --deframe--> packet, frame type     network protocols
    application <--read--- buffer <--send, frame--- packet, frame type

A `Framing` is a handful of facts; the five methods are the text over them, the same for every
platform. A fact that is changed, or a method that is overridden, is a different driver, which is
how the proofs show that they can fail. The text is written over `algebra.py`, so it also runs on
Z3 terms.

A frame type is given as the EtherType (0x0800 for IPv4, 0x86DD for IPv6) on every platform.
Haiku's own numbers are in `haiku_frame_type`.
"""

from __future__ import annotations

from enum import Enum
from typing import Generic

from attrs import frozen

from haiku_tuntap.model.packet.algebra import Algebra, Number, Packet, Truth
from haiku_tuntap.model.status import B_BAD_DATA, B_BAD_VALUE, B_OK, ENOBUFS, Status

ETHERNET_HEADER = 14
"""Destination 6, source 6, type 2 (headers/private/net/ethernet.h:14, 19-23)."""

ETHERNET_TYPE = 12
"""Where the type is in an Ethernet header."""

PACKET_INFORMATION = 4
"""Linux: two flag bytes in the machine's byte order, two bytes of EtherType in network order."""

INFORMATION_CUT = 1
"""Linux: the flag that says the read buffer was too small for the packet (TUN_PKT_STRIP)."""

TYPE_IPV4 = 0x0800
TYPE_ARP = 0x0806
TYPE_IPX = 0x8137
TYPE_IPV6 = 0x86DD


class Kind(Enum):
    """What a device carries: bare IP packets (TUN), or Ethernet frames (TAP)."""

    TUN = "TUN"
    TAP = "TAP"


@frozen
class Written(Generic[Number]):
    """What the driver makes of a write.

    Unless the status is B_OK there is no buffer, and the other two mean nothing. A TAP device
    leaves the frame type open: deframing finds it.
    """

    status: Number
    buffer: Packet[Number]
    frame_type: Number | None


@frozen
class Seen(Generic[Number, Truth]):
    """What the network protocols see of a buffer.

    Unless `intact`, the stack drops the buffer and counts it (stack/device_interfaces.cpp:65-69).
    `header` is the Ethernet header that was taken off; empty if there was none.
    """

    intact: Truth
    frame_type: Number
    header: tuple[Number, ...]
    packet: Packet[Number]


@frozen
class Received(Generic[Number]):
    """What the application gets from a read. Unless the status is B_OK, no bytes."""

    status: Number
    data: Packet[Number]


@frozen
class Framing:
    """The facts of one platform's framing, and what follows from them.

    | field             | means                                                                |
    |-------------------|----------------------------------------------------------------------|
    | information       | bytes of packet information in front of the packet: 0 or 4           |
    | shortest          | a packet (without the information) of fewer bytes is refused         |
    | too_short         | with this status                                                     |
    | version_decides   | write takes the frame type from the IP version, 4 or 6 only          |
    | unknown_version   | the status for any other version                                     |
    | empty_write       | what a write of no bytes returns to the application                  |
    | put_on            | bytes of Ethernet header that write puts in front of the packet      |
    | inside_stack      | bytes of Ethernet header that deframing takes off and framing puts on|
    | taken_off         | bytes of Ethernet header that read leaves out                        |
    | sends_only_ip     | a packet to the application that is not IPv4 or IPv6 is refused      |
    | queue_bytes       | what the driver's queue holds; None if it counts packets instead     |
    | handled           | frame types for which somebody is registered; None if not modelled   |
    """

    id: str
    title: str
    kind: Kind
    sources: tuple[str, ...]
    shortest: int
    version_decides: bool
    empty_write: Status
    too_short: Status = B_BAD_VALUE
    unknown_version: Status = B_BAD_DATA
    information: int = 0
    put_on: int = 0
    inside_stack: int = 0
    taken_off: int = 0
    sends_only_ip: bool = False
    queue_bytes: int | None = None
    handled: frozenset[int] | None = None

    def write(self, algebra: Algebra[Number, Truth], data: Packet[Number]) -> Written[Number]:
        """Judge the bytes of a write (tunnel.cpp:176-227, but for the queue: see `enqueue`)."""
        a = algebra
        packet = data.drop(self.information)
        version = a.high_nibble(packet.byte(0))
        refusals: list[tuple[Truth, Number | int]] = [
            (a.less(data.length, self.information + self.shortest), self.too_short)
        ]
        frame_type = None
        if self.version_decides:
            known = a.some(a.equal(version, 4), a.equal(version, 6))
            refusals.append((a.negation(known), self.unknown_version))
            frame_type = a.choose(
                (a.equal(version, 6), a.word(TYPE_IPV6)), otherwise=a.word(TYPE_IPV4)
            )
        elif self.kind is Kind.TUN:
            frame_type = a.join(data.byte(2), data.byte(3))
        status = a.choose(*refusals, otherwise=B_OK)
        if self.put_on and frame_type is not None:
            packet = packet.prepend(zero_address_header(a, frame_type)[: self.put_on])
        return Written(status, packet, frame_type)

    def deframe(
        self, algebra: Algebra[Number, Truth], written: Written[Number]
    ) -> Seen[Number, Truth]:
        """Take off what is not the network protocol's.

        TUN: loopback_frame.cpp:34-39, which does nothing today. TAP: ethernet_frame.cpp:36-93,
        which takes the header off and fails if the frame is shorter than that.
        """
        a, buffer = algebra, written.buffer
        header = tuple(buffer.byte(index) for index in range(self.inside_stack))
        frame_type = written.frame_type
        if frame_type is None:
            frame_type = a.join(buffer.byte(ETHERNET_TYPE), buffer.byte(ETHERNET_TYPE + 1))
        return Seen(
            intact=a.negation(a.less(buffer.length, self.inside_stack)),
            frame_type=frame_type,
            header=header,
            packet=buffer.drop(self.inside_stack),
        )

    def frame(self, algebra: Algebra[Number, Truth], seen: Seen[Number, Truth]) -> Packet[Number]:
        """The buffer the stack sends for a packet.

        TAP: with the addresses and the type of `seen.header` (ethernet_frame.cpp:140-166). TUN: as
        it is (loopback_frame.cpp:107-111); before 2024 with zero addresses and the type.
        """
        if not self.inside_stack:
            return seen.packet
        if self.kind is Kind.TAP:
            return seen.packet.prepend(seen.header)
        header = zero_address_header(algebra, seen.frame_type)
        return seen.packet.prepend(header)

    def send(
        self, algebra: Algebra[Number, Truth], frame_type: Number, buffer: Packet[Number]
    ) -> Number:
        """Whether the driver lets the stack's buffer into its queue (tunnel.cpp:418-439).

        A TUN device looks at the address family the packet is sent to, not at its bytes (:424-429);
        here the frame type stands for it. Before 2024 it read the type from the Ethernet header,
        which fails with B_BAD_VALUE if the buffer has none (98166ebe04^, tunnel.cpp:449-459); that
        is what keeps `taken_off` from being subtracted from a smaller length in read.
        """
        a = algebra
        refusals: list[tuple[Truth, Number | int]] = []
        if self.sends_only_ip:
            if self.inside_stack:
                refusals.append((a.less(buffer.length, self.inside_stack), B_BAD_VALUE))
                frame_type = a.join(buffer.byte(ETHERNET_TYPE), buffer.byte(ETHERNET_TYPE + 1))
            ip = a.some(
                a.equal(frame_type, a.word(TYPE_IPV4)), a.equal(frame_type, a.word(TYPE_IPV6))
            )
            refusals.append((a.negation(ip), B_BAD_DATA))
        return a.choose(*refusals, otherwise=B_OK)

    def read(
        self,
        algebra: Algebra[Number, Truth],
        frame_type: Number,
        buffer: Packet[Number],
        size: Number | int,
    ) -> Received[Number]:
        """Give a buffer to an application that has room for `size` bytes (tunnel.cpp:165-172).

        With less room than the packet needs, the application gets the packet's beginning, is not
        told that there was more, and the rest is lost: the whole buffer is freed (:171). Linux does
        the same; its packet information then carries a flag, and room for less than that
        information is an error that loses the packet as well.
        """
        a = algebra
        data = buffer.drop(self.taken_off)
        refusals: list[tuple[Truth, Number | int]] = []
        if self.information:
            refusals.append((a.less(size, self.information), self.too_short))
            whole = data.prepend((0,) * self.information)
            cut = a.less(size, whole.length)
            flag = a.choose((cut, a.octet(INFORMATION_CUT)), otherwise=a.octet(0))
            data = data.prepend((flag, 0, *a.split(frame_type)))
        return Received(a.choose(*refusals, otherwise=B_OK), data.take(size))

    def enqueue(
        self, algebra: Algebra[Number, Truth], current_bytes: Number, buffer: Packet[Number]
    ) -> Number:
        """Whether a queue that holds that many bytes takes a buffer (stack/utility.cpp:196-198).

        A buffer larger than the whole queue gets ENOBUFS always, also when the queue is empty.
        On Haiku that is more than 48,448 bytes (tunnel.cpp:54), though the interface's MTU may be
        set from 16 up to 65,536 (tunnel.cpp:454): with a larger MTU the stack makes packets that
        the device can never carry.
        """
        refusals: list[tuple[Truth, Number | int]] = []
        if self.queue_bytes is not None:
            together = algebra.sum(current_bytes, buffer.length)
            refusals.append((algebra.less(self.queue_bytes, together), ENOBUFS))
        return algebra.choose(*refusals, otherwise=B_OK)


def zero_address_header(algebra: Algebra[Number, Truth], frame_type: Number) -> tuple[Number, ...]:
    """The Ethernet header with addresses of zeros that TUN packets carried before 2024."""
    return (*(algebra.octet(0),) * ETHERNET_TYPE, *algebra.split(frame_type))


def haiku_frame_type(ether_type: int) -> int:
    """Haiku's number for a frame type (net_stack.h:78-91, ethernet_frame.cpp:76-90)."""
    ethernet_interface = 6  # IFT_ETHER
    generic = {TYPE_IPV4: 1, TYPE_IPV6: 2, TYPE_IPX: 3}
    return generic.get(ether_type, ethernet_interface << 16 | ether_type)
