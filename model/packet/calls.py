"""The framing of real bytes, as an application and the stack see it.

`write` and `read` are the system calls on an open device whose interface is up, whose
queues are empty and whose memory is good: what depends on the bytes alone.
"""

from __future__ import annotations

from attrs import frozen

from haiku_tuntap.model.packet.algebra import REAL, Packet, RealPacket
from haiku_tuntap.model.packet.framing import Framing, Seen
from haiku_tuntap.model.status import B_OK, Status


@frozen
class WriteResult:
    """What a write returned, and what became of its bytes.

    `captured` is the buffer as captures see it, and None if no buffer came to be. `frame_type` and
    `packet` are what the network protocols get to see, and None if it never gets so far.
    `handled` tells whether anybody is registered for the type; None where that is not modelled.
    """

    status: Status
    captured: bytes | None = None
    frame_type: int | None = None
    packet: bytes | None = None
    handled: bool | None = None


@frozen
class ReadResult:
    """What a read returned: a status, and the bytes if it is B_OK."""

    status: Status
    data: bytes = b""


def write(framing: Framing, data: bytes) -> WriteResult:
    """An application writes `data`."""
    if not data:
        return WriteResult(framing.empty_write)
    written = framing.write(REAL, RealPacket(data))
    status = Status(written.status)
    if status == B_OK:
        status = Status(framing.enqueue(REAL, 0, written.buffer))
    if status != B_OK:
        return WriteResult(status)
    seen = framing.deframe(REAL, written)
    captured = content(written.buffer)
    if not seen.intact:
        return WriteResult(status, captured)
    handled = None if framing.handled is None else seen.frame_type in framing.handled
    return WriteResult(status, captured, seen.frame_type, content(seen.packet), handled)


def transmit(
    framing: Framing, frame_type: int, packet: bytes, header: bytes = b""
) -> tuple[Status, bytes]:
    """The stack sends a packet; `header` is its Ethernet header, for TAP.

    The result is what it gets back from the driver, and the buffer, which on B_OK is in the queue.
    """
    seen = Seen(intact=True, frame_type=frame_type, header=tuple(header), packet=RealPacket(packet))
    buffer = framing.frame(REAL, seen)
    status = framing.send(REAL, frame_type, buffer)
    if status == B_OK:
        status = framing.enqueue(REAL, 0, buffer)
    return Status(status), content(buffer)


def read(framing: Framing, frame_type: int, buffer: bytes, size: int) -> ReadResult:
    """An application reads, with room for `size` bytes, and `buffer` is first in the queue.

    A read of no bytes returns none and takes nothing: the VFS answers it (kernel/fs/fd.cpp:818).
    On Linux it is so too.
    """
    if size == 0:
        return ReadResult(B_OK)
    received = framing.read(REAL, frame_type, RealPacket(buffer), size)
    if received.status != B_OK:
        return ReadResult(Status(received.status))
    return ReadResult(B_OK, content(received.data))


def content(packet: Packet[int]) -> bytes:
    """The bytes of a packet."""
    return bytes(packet.byte(index) for index in range(packet.length))
