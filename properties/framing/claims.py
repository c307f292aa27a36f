"""What must hold of a framing, as claims about one packet.

A claim is "whatever the packet, if `given` then `then`". Like the framing itself it is written over
the algebra, so that it can be proved of Z3's terms and tried on real bytes.

What write accepts is said here a second time, in other words than in the framing, from
the sources (`ACCEPTED`): there the text is a chain of refusals, here it is one condition.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from attrs import frozen

from haiku_tuntap.model.packet.framing import (
    ETHERNET_HEADER,
    ETHERNET_TYPE,
    INFORMATION_CUT,
    TYPE_IPV4,
    TYPE_IPV6,
    Framing,
    Kind,
    Received,
    Seen,
)
from haiku_tuntap.model.packet.framings import QUEUE_BYTES
from haiku_tuntap.model.status import B_BAD_DATA, B_BAD_VALUE, B_OK, ENOBUFS
from haiku_tuntap.properties.framing.world import World

Term = Any
"""A Z3 term, or a Python bool or number."""


class Role(Enum):
    """What the world's packet is in a claim."""

    WRITTEN = "what is written"
    BUFFER = "the buffer in the driver's queue"
    PACKET = "the packet that the stack sends"


@frozen
class Claim:
    """If `given` then `then`."""

    given: Term
    then: Term
    role: Role = Role.WRITTEN


MakeClaim = Callable[[Framing, World], Claim]


# What write accepts


def _at_least(world: World, count: int) -> Term:
    return world.algebra.negation(world.algebra.less(world.packet.length, count))


def _starts_like_ip(world: World) -> Term:
    """The first byte is 0x40 to 0x4f or 0x60 to 0x6f."""
    a, first = world.algebra, world.packet.byte(0)

    def between(low: int, high: int) -> Term:
        below = a.less(first, a.octet(low))
        return a.every(a.negation(below), a.negation(a.less(a.octet(high), first)))

    return a.some(between(0x40, 0x4F), between(0x60, 0x6F))


def _haiku_tun(world: World) -> Term:
    a = world.algebra
    some = _at_least(world, 1)
    refused_for_version = a.every(some, a.negation(_starts_like_ip(world)))
    return a.choose(
        (a.negation(some), B_BAD_VALUE), (refused_for_version, B_BAD_DATA), otherwise=B_OK
    )


def _if(condition: Callable[[World], Term]) -> Callable[[World], Term]:
    def status(world: World) -> Term:
        return world.algebra.choose((condition(world), B_OK), otherwise=B_BAD_VALUE)

    return status


ACCEPTED: dict[str, Callable[[World], Term]] = {
    "tun": _haiku_tun,
    "tun-before-2024": _haiku_tun,
    "tap": _if(lambda world: _at_least(world, 0)),
    "linux-tun": _if(lambda w: w.algebra.every(_at_least(w, 1), _starts_like_ip(w))),
    "linux-tun-information": _if(lambda world: _at_least(world, 4)),
    "linux-tap": _if(lambda world: _at_least(world, 14)),
    "linux-tap-information": _if(lambda world: _at_least(world, 18)),
}
"""What write returns, by framing, from tunnel.cpp:191-208 and from measurements on Linux."""


def accepted_exactly_when(framing: Framing, world: World) -> Claim:
    """Write returns just the status that `ACCEPTED` says (FRAME-1, FRAME-2)."""
    a = world.algebra
    status = framing.write(a, world.packet).status
    return Claim(given=a.every(), then=a.equal(status, ACCEPTED[framing.id](world)))


# The way through the stack and back


def round_trip(framing: Framing, world: World) -> Claim:
    """What is written passes deframing, and sent back unchanged is read as it was written.

    A TAP frame must have a whole Ethernet header, or Haiku's stack drops it. (FRAME-4.)
    """
    a, packet = world.algebra, world.packet
    written = framing.write(a, packet)
    seen = framing.deframe(a, written)
    buffer = framing.frame(a, seen)
    received = framing.read(a, seen.frame_type, buffer, world.unlimited)
    header = ETHERNET_HEADER if framing.kind is Kind.TAP else 0
    # Flags are for the reader only; and a TAP's type comes from the frame.
    own = min(framing.information, 4 if framing.kind is Kind.TAP else 2)
    return Claim(
        given=a.every(
            a.equal(written.status, B_OK), _at_least(world, framing.information + header)
        ),
        then=a.every(
            seen.intact,
            a.equal(framing.send(a, seen.frame_type, buffer), B_OK),
            a.equal(received.status, B_OK),
            a.equal(received.data.length, packet.length),
            a.some(
                a.less(world.index, own),
                _outside(world, world.index, packet.length),
                a.equal(received.data.byte(world.index), packet.byte(world.index)),
            ),
        ),
    )


def _outside(world: World, place: Term, length: Term) -> Term:
    return world.algebra.negation(world.algebra.less(place, length))


def _sent_and_read(framing: Framing, world: World) -> tuple[Term, Received[Any]]:
    """The stack sends the packet; whether it may, and what is read."""
    a = world.algebra
    seen = Seen(
        intact=a.every(), frame_type=world.frame_type, header=world.header, packet=world.packet
    )
    buffer = framing.frame(a, seen)
    sent = a.equal(framing.send(a, world.frame_type, buffer), B_OK)
    return sent, framing.read(a, world.frame_type, buffer, world.unlimited)


def ethernet_header(framing: Framing, world: World) -> Claim:
    """TUN: what is read is the stack's packet (FRAME-5). TAP: its Ethernet header, and then the
    packet (FRAME-6)."""
    a = world.algebra
    sent, received = _sent_and_read(framing, world)
    header = world.header if framing.kind is Kind.TAP else ()
    start = framing.information + len(header)
    return Claim(
        given=sent,
        then=a.every(
            a.equal(received.data.length, start + world.packet.length),
            *(
                a.equal(received.data.byte(framing.information + place), byte)
                for place, byte in enumerate(header)
            ),
            a.some(
                _outside(world, world.index, world.packet.length),
                a.equal(received.data.byte(start + world.index), world.packet.byte(world.index)),
            ),
        ),
        role=Role.PACKET,
    )


# The frame type


def type_and_version(framing: Framing, world: World) -> Claim:
    """An accepted packet has the frame type of its IP version, and there is no third (FRAME-7)."""
    a = world.algebra
    written = framing.write(a, world.packet)
    seen = framing.deframe(a, written)
    version = a.high_nibble(world.packet.byte(framing.information))

    def agree(frame_type: int, expected: int) -> Term:
        return a.every(
            a.equal(seen.frame_type, a.word(frame_type)),
            a.equal(version, expected),
            a.equal(a.high_nibble(seen.packet.byte(0)), expected),
        )

    return Claim(
        given=a.every(a.equal(written.status, B_OK), seen.intact),
        then=a.some(agree(TYPE_IPV4, 4), agree(TYPE_IPV6, 6)),
    )


def header_and_type(framing: Framing, world: World) -> Claim:
    """As above; and the header inside the stack has zero addresses and the same type."""
    a = world.algebra
    agreement = type_and_version(framing, world)
    written = framing.write(a, world.packet)
    frame_type = framing.deframe(a, written).frame_type
    return Claim(
        given=agreement.given,
        then=a.every(
            agreement.then,
            *(a.equal(written.buffer.byte(place), 0) for place in range(ETHERNET_TYPE)),
            a.equal(_word_at(world, written.buffer, ETHERNET_TYPE), frame_type),
        ),
    )


def type_from_bytes(framing: Framing, world: World) -> Claim:
    """The frame type is what two bytes of the written data say (FRAME-8)."""
    a = world.algebra
    place = framing.information + ETHERNET_TYPE if framing.kind is Kind.TAP else 2
    written = framing.write(a, world.packet)
    seen = framing.deframe(a, written)
    return Claim(
        given=a.every(a.equal(written.status, B_OK), seen.intact),
        then=a.equal(seen.frame_type, _word_at(world, world.packet, place)),
    )


def _word_at(world: World, packet: Any, place: int) -> Term:
    return world.algebra.join(packet.byte(place), packet.byte(place + 1))


# Short reads, lengths and bounds


def short_read(framing: Framing, world: World) -> Claim:
    """A read with less room gives the beginning of what one with enough room gives (READ-2)."""
    a = world.algebra
    given = a.equal(framing.send(a, world.frame_type, world.packet), B_OK)
    if framing.inside_stack:
        given = a.every(given, _at_least(world, framing.inside_stack))
    whole = framing.read(a, world.frame_type, world.packet, world.unlimited).data
    part = framing.read(a, world.frame_type, world.packet, world.size)
    short = a.less(world.size, whole.length)
    count = a.choose((short, world.size), otherwise=whole.length)
    same = a.equal(part.data.byte(world.index), whole.byte(world.index))
    then = [a.equal(part.data.length, count)]
    if framing.information:
        no_room = a.less(world.size, framing.information)
        then = [a.some(no_room, then[0])]
        then.append(a.equal(part.status, a.choose((no_room, B_BAD_VALUE), otherwise=B_OK)))
        flag = a.choose((short, a.octet(INFORMATION_CUT)), otherwise=a.octet(0))
        then.append(a.some(no_room, a.equal(part.data.byte(0), flag)))
        same = a.some(a.equal(world.index, 0), same)
    else:
        then.append(a.equal(part.status, B_OK))
    then.append(a.some(_outside(world, world.index, part.data.length), same))
    return Claim(given, a.every(*then), Role.BUFFER)


def no_length_wraps(framing: Framing, world: World) -> Claim:
    """A packet is never shorter than a header in it, so no length is ever subtracted below zero
    nor added beyond the largest number (FRAME-9)."""
    a = world.algebra
    written = framing.write(a, world.packet)
    seen = framing.deframe(a, written)
    outgoing = Seen(
        intact=a.every(), frame_type=world.frame_type, header=world.header, packet=world.packet
    )
    framed = framing.frame(a, outgoing)
    # Any buffer that send lets in may be read, not only one which `frame` has made.
    sent = a.equal(framing.send(a, world.frame_type, world.packet), B_OK)
    whole = framing.read(a, world.frame_type, world.packet, world.unlimited).data

    def holds(length: Term, header: int) -> Term:
        return a.negation(a.less(length, header))

    def unless(condition: Term, otherwise: Term) -> Term:
        return a.some(a.negation(condition), otherwise)

    accepted = a.equal(written.status, B_OK)
    return Claim(
        given=a.every(),
        then=a.every(
            unless(accepted, holds(world.packet.length, framing.information)),
            unless(accepted, holds(written.buffer.length, framing.put_on)),
            unless(
                a.every(accepted, seen.intact), holds(written.buffer.length, framing.inside_stack)
            ),
            holds(framed.length, framing.inside_stack),
            unless(sent, holds(world.packet.length, framing.taken_off)),
            unless(sent, holds(whole.length, framing.information)),
        ),
    )


def nothing_beyond_the_end(framing: Framing, world: World) -> Claim:
    """Two packets that differ only outside of themselves get the same status and frame type
    (FRAME-10)."""
    a = world.algebra
    one, other = framing.write(a, world.packet), framing.write(a, world.twin)
    seen, seen_other = framing.deframe(a, one), framing.deframe(a, other)
    sent = framing.send(a, world.frame_type, world.packet)
    used = a.every(a.equal(one.status, B_OK), seen.intact)
    return Claim(
        given=a.every(),
        then=a.every(
            a.equal(one.status, other.status),
            a.equal(sent, framing.send(a, world.frame_type, world.twin)),
            a.some(a.negation(used), a.equal(seen.frame_type, seen_other.frame_type)),
        ),
    )


def queue_limit(framing: Framing, world: World) -> Claim:
    """A buffer larger than the queue is refused always, one that fits into it when it is empty is
    not, and no queue grows beyond its limit (FRAME-11, QUEUE-1)."""
    a = world.algebra
    limit = QUEUE_BYTES
    written = framing.write(a, world.packet)
    status = framing.enqueue(a, world.waiting, written.buffer)
    refused = a.equal(status, ENOBUFS)
    # The packet must be longer than this for its buffer to be larger than the queue.
    too_large = a.less(limit - framing.put_on, world.packet.length)
    empty = a.equal(world.waiting, 0)
    fits = a.negation(a.less(limit, a.sum(world.waiting, written.buffer.length)))
    return Claim(
        given=a.every(a.negation(a.less(limit, world.waiting)), a.equal(written.status, B_OK)),
        then=a.every(
            a.some(a.negation(too_large), refused),
            a.some(a.negation(empty), too_large, a.negation(refused)),
            a.some(refused, fits),
        ),
    )
