"""Packets and arithmetic, real or symbolic.

The framing is written once and used twice: run on real bytes, and given to Z3 as a formula about
packets of any length and content. For that, its text must not say `if byte == 4`, which needs a
yes or a no at once, but `algebra.equal(byte, 4)`, which is a `bool` in one world and a term in the
other. This module says what the text may use, and has the real world; the symbolic one is
`properties/framing/symbolic.py`, so that nothing here loads Z3.

A byte outside a packet is 0 in the real world and anything in the symbolic one. That no result
depends on such a byte is proved (`properties/framing/claims.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from attrs import frozen

# Number is `int` or a Z3 term for a byte, a 16-bit word, a length or a status; Truth is `bool` or a
# Z3 condition.
Number = TypeVar("Number")
Truth = TypeVar("Truth")


class Packet(Protocol[Number]):
    """Some bytes in a row."""

    @property
    def length(self) -> Number:
        """How many bytes."""

    def byte(self, index: Number | int) -> Number:
        """The byte at that place, counted from 0."""

    def prepend(self, header: Sequence[Number | int]) -> Packet[Number]:
        """With the bytes of `header` put in front."""

    def drop(self, count: Number | int) -> Packet[Number]:
        """Without its first `count` bytes."""

    def take(self, count: Number | int) -> Packet[Number]:
        """Its first `count` bytes, or all of it if it has fewer."""


class Algebra(Protocol[Number, Truth]):
    """What the framing may ask of numbers. All of them are unsigned."""

    def octet(self, value: int) -> Number:
        """A constant of 8 bits."""

    def word(self, value: int) -> Number:
        """A constant of 16 bits."""

    def sum(self, left: Number, right: Number) -> Number:
        """The sum of two lengths."""

    def join(self, high: Number, low: Number) -> Number:
        """The 16-bit word made of two bytes, in network byte order."""

    def split(self, word: Number) -> tuple[Number, Number]:
        """The high and the low byte of a 16-bit word."""

    def high_nibble(self, byte: Number) -> Number:
        """The upper four bits of a byte: in an IP packet's first byte, the version."""

    def equal(self, left: Number | int, right: Number | int) -> Truth:
        """left = right"""

    def less(self, left: Number | int, right: Number | int) -> Truth:
        """left < right"""

    def negation(self, condition: Truth) -> Truth:
        """Not `condition`."""

    def every(self, *conditions: Truth) -> Truth:
        """All of them hold; true if there are none."""

    def some(self, *conditions: Truth) -> Truth:
        """At least one of them holds; false if there are none."""

    def choose(self, *cases: tuple[Truth, Number | int], otherwise: Number | int) -> Number:
        """The value of the first case whose condition holds, else `otherwise`."""


@frozen
class RealPacket:
    """A packet that is real bytes."""

    data: bytes

    @property
    def length(self) -> int:
        """How many bytes."""
        return len(self.data)

    def byte(self, index: int) -> int:
        """The byte at that place; 0 outside the packet."""
        return self.data[index] if 0 <= index < len(self.data) else 0

    def prepend(self, header: Sequence[int]) -> RealPacket:
        """With the bytes of `header` put in front."""
        return RealPacket(bytes(header) + self.data)

    def drop(self, count: int) -> RealPacket:
        """Without its first `count` bytes; empty if it has fewer."""
        return RealPacket(self.data[count:])

    def take(self, count: int) -> RealPacket:
        """Its first `count` bytes, or all of it if it has fewer."""
        return RealPacket(self.data[:count])


class RealAlgebra:
    """Arithmetic on Python's own numbers."""

    def octet(self, value: int) -> int:
        """A constant."""
        return value

    def word(self, value: int) -> int:
        """A constant."""
        return value

    def sum(self, left: int, right: int) -> int:
        """left + right"""
        return left + right

    def join(self, high: int, low: int) -> int:
        """The 16-bit word made of two bytes, in network byte order."""
        return high << 8 | low

    def split(self, word: int) -> tuple[int, int]:
        """The high and the low byte of a 16-bit word."""
        return word >> 8, word & 0xFF

    def high_nibble(self, byte: int) -> int:
        """The upper four bits of a byte."""
        return byte >> 4

    def equal(self, left: int, right: int) -> bool:
        """left = right"""
        return left == right

    def less(self, left: int, right: int) -> bool:
        """left < right"""
        return left < right

    def negation(self, condition: bool) -> bool:
        """Not `condition`."""
        return not condition

    def every(self, *conditions: bool) -> bool:
        """All of them hold."""
        return all(conditions)

    def some(self, *conditions: bool) -> bool:
        """At least one of them holds."""
        return any(conditions)

    def choose(self, *cases: tuple[bool, int], otherwise: int) -> int:
        """The value of the first case whose condition holds, else `otherwise`."""
        return next((value for condition, value in cases if condition), otherwise)


REAL = RealAlgebra()
