"""The framing's symbolic world: packets of any length and content, as Z3 terms.

A packet is a length and a function from an index to a byte, at the bottom an array. Putting a
header on or taking one off changes the function, so nothing is copied and no quantifier is needed:
that two packets are equal is asked for one free index.

Lengths and indices are numbers of `bits` bits, and wrap: a net_buffer's size is a uint32
(headers/private/net/net_buffer.h:42), so 32 is the real thing and 16 a fault to be found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import frozen

Term = Any
"""A Z3 term or a Python number; the `z3` module says nothing about its types."""


@frozen
class SymbolicPacket:
    """A packet of unknown length and content."""

    length: Term
    at: Callable[[Term], Term]
    bits: int

    def _index(self, value: Term) -> Term:
        return z3.BitVecVal(value, self.bits) if isinstance(value, int) else value

    def byte(self, index: Term) -> Term:
        """The byte at that place; outside the packet, anything."""
        return self.at(self._index(index))

    def prepend(self, header: Sequence[Term]) -> SymbolicPacket:
        """With the bytes of `header` put in front."""
        count = len(header)

        def at(index: Term) -> Term:
            value = self.at(index - count)
            for place, byte in reversed(list(enumerate(header))):
                value = z3.If(index == place, byte, value)
            return value

        return SymbolicPacket(self.length + count, at, self.bits)

    def drop(self, count: Term) -> SymbolicPacket:
        """Without its first `count` bytes; with fewer than that, the length wraps."""
        return SymbolicPacket(self.length - count, lambda i: self.at(i + count), self.bits)

    def take(self, count: Term) -> SymbolicPacket:
        """Its first `count` bytes, or all of it if it has fewer."""
        length = z3.If(z3.ULT(self._index(count), self.length), count, self.length)
        return SymbolicPacket(length, self.at, self.bits)


class SymbolicAlgebra:
    """Arithmetic on Z3 terms."""

    def octet(self, value: int) -> Term:
        """A constant of 8 bits."""
        return z3.BitVecVal(value, 8)

    def word(self, value: int) -> Term:
        """A constant of 16 bits."""
        return z3.BitVecVal(value, 16)

    def sum(self, left: Term, right: Term) -> Term:
        """left + right; wraps."""
        return left + right

    def join(self, high: Term, low: Term) -> Term:
        """The 16-bit word made of two bytes, in network byte order."""
        return z3.Concat(high, low)

    def split(self, word: Term) -> tuple[Term, Term]:
        """The high and the low byte of a 16-bit word."""
        return z3.Extract(15, 8, word), z3.Extract(7, 0, word)

    def high_nibble(self, byte: Term) -> Term:
        """The upper four bits of a byte."""
        return z3.Extract(7, 4, byte)

    def equal(self, left: Term, right: Term) -> Term:
        """left = right"""
        return left == right

    def less(self, left: Term, right: Term) -> Term:
        """left < right, unsigned"""
        return z3.UGT(right, left) if isinstance(left, int) else z3.ULT(left, right)

    def negation(self, condition: Term) -> Term:
        """Not `condition`."""
        return z3.Not(condition)

    def every(self, *conditions: Term) -> Term:
        """All of them hold."""
        return z3.And(*conditions)

    def some(self, *conditions: Term) -> Term:
        """At least one of them holds."""
        return z3.Or(*conditions)

    def choose(self, *cases: tuple[Term, Term], otherwise: Term) -> Term:
        """The value of the first case whose condition holds, else `otherwise`."""
        value = z3.IntVal(otherwise) if isinstance(otherwise, int) else otherwise
        for condition, chosen in reversed(cases):
            value = z3.If(condition, chosen, value)
        return value


def packet_of(array: Term, length: Term, bits: int) -> SymbolicPacket:
    """The packet whose content is an array from index to byte."""
    return SymbolicPacket(length, lambda index: z3.Select(array, index), bits)
