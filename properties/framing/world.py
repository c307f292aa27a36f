"""What a claim about framing speaks of: one packet, and the numbers beside it.

A claim must hold whatever they are. With Z3's terms it is proved so; with real ones it is a plain
check, which is how Hypothesis tests the same claims and how a counterexample is played back.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import frozen

from haiku_tuntap.model.packet.algebra import REAL, Algebra, Packet, RealPacket
from haiku_tuntap.properties.framing.symbolic import SymbolicAlgebra, Term, packet_of

LONGEST_PACKET = 65535
REAL_BITS = 32


@frozen
class World:
    """One packet, and the numbers beside it.

    `packet` is what is written, or what the stack has to send, as the claim says. `twin` has the
    same length and the same bytes; it differs at most in what lies outside the packet.
    `index` is a place in a packet; `size` the room that a read has, `unlimited` more room than any
    packet needs; `waiting` the bytes already in a queue; `frame_type` and `header` belong to a
    packet that the stack sends.
    """

    algebra: Algebra[Any, Any]
    packet: Packet[Any]
    twin: Packet[Any]
    index: Any
    size: Any
    unlimited: Any
    waiting: Any
    frame_type: Any
    header: tuple[Any, ...]


@frozen
class Values:
    """What stands for each unknown: in a symbolic world terms, in a counterexample numbers.

    A packet is kept apart as its length and its content, which is an array, or bytes.
    """

    length: Any
    content: Any
    outside: Any
    index: Any
    size: Any
    waiting: Any
    frame_type: Any
    header: tuple[Any, ...]


def unknowns(bits: int) -> Values:
    """Z3 constants, one for each unknown."""
    array = (z3.BitVecSort(bits), z3.BitVecSort(8))
    return Values(
        length=z3.BitVec("length", bits),
        content=z3.Array("content", *array),
        outside=z3.Array("outside", *array),
        index=z3.BitVec("index", bits),
        size=z3.BitVec("size", bits),
        waiting=z3.BitVec("waiting", bits),
        frame_type=z3.BitVec("frame_type", 16),
        header=tuple(z3.BitVec(f"header_{place}", 8) for place in range(14)),
    )


def symbolic_world(values: Values, bits: int) -> tuple[World, Term]:
    """The world of those constants, and what may be assumed of it: how long a packet is."""
    packet = packet_of(values.content, values.length, bits)

    def twin_at(index: Term) -> Term:
        inside = z3.ULT(index, values.length)
        return z3.If(inside, packet.at(index), z3.Select(values.outside, index))

    twin = type(packet)(values.length, twin_at, bits)
    world = World(
        algebra=SymbolicAlgebra(),
        packet=packet,
        twin=twin,
        index=values.index,
        size=values.size,
        unlimited=z3.BitVecVal((1 << bits) - 1, bits),
        waiting=values.waiting,
        frame_type=values.frame_type,
        header=values.header,
    )
    return world, z3.ULE(values.length, LONGEST_PACKET)


@frozen
class _Overlong(RealPacket):
    """A real packet with rubbish behind it, which `byte` gives where it is asked for too much."""

    outside: bytes = b""

    def byte(self, index: int) -> int:
        if 0 <= index < len(self.data):
            return self.data[index]
        return self.outside[index] if 0 <= index < len(self.outside) else 0

    def drop(self, count: int) -> _Overlong:
        return _Overlong(self.data[count:], self.outside[count:])


def real_world(values: Values) -> World:
    """The world of real numbers and bytes."""
    return World(
        algebra=REAL,
        packet=RealPacket(values.content),
        twin=_Overlong(values.content, values.outside),
        index=values.index,
        size=values.size,
        unlimited=(1 << REAL_BITS) - 1,
        waiting=values.waiting,
        frame_type=values.frame_type,
        header=values.header,
    )
