"""Drivers with a mistake in their framing, to show that the proofs would notice.

Most mistakes are another value of one fact, as in `evolve(TUN, taken_off=14)`. Those here change
the text. Their numbers are Any, because they are made for Z3's terms, which have no types.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, frozen

from haiku_tuntap.model.packet.algebra import Algebra, Packet
from haiku_tuntap.model.packet.framing import Framing, Received, Seen, Written
from haiku_tuntap.model.status import B_OK


@frozen
class ReadsTheEnd(Framing):
    """A short read gives the last bytes of the packet."""

    def read(
        self, algebra: Algebra[Any, Any], frame_type: Any, buffer: Packet[Any], size: Any
    ) -> Received[Any]:
        """As it should be, but from the other end."""
        a = algebra
        right = super().read(a, frame_type, buffer, size)
        whole = super().read(a, frame_type, buffer, buffer.length + self.information).data
        return Received(right.status, whole.drop(whole.length - right.data.length))


@frozen
class ChecksNoLength(Framing):
    """Neither write nor deframing asks whether the packet has the bytes they look at."""

    def write(self, algebra: Algebra[Any, Any], data: Packet[Any]) -> Written[Any]:
        """Accepts everything."""
        return evolve(super().write(algebra, data), status=algebra.choose(otherwise=B_OK))

    def deframe(self, algebra: Algebra[Any, Any], written: Written[Any]) -> Seen[Any, Any]:
        """Drops nothing."""
        return evolve(super().deframe(algebra, written), intact=algebra.every())


@frozen
class SwapsTheType(Framing):
    """Deframing forgets that the type is in network byte order."""

    def deframe(self, algebra: Algebra[Any, Any], written: Written[Any]) -> Seen[Any, Any]:
        """The two bytes of the type change places."""
        seen = super().deframe(algebra, written)
        high, low = algebra.split(seen.frame_type)
        return evolve(seen, frame_type=algebra.join(low, high))


def with_mistake(mistake: type[Framing], framing: Framing) -> Framing:
    """That framing, with the mistake."""
    return mistake(**asdict(framing, recurse=False))
