"""From a Z3 model to the smallest packet that refutes a claim, and its picture.

Z3 may answer with a packet of 40,000 bytes of rubbish. A reader wants the shortest packet, with
zeros wherever the content does not matter, so each unknown is made as small as it can be, one after
the other. That also makes the counterexample the same on every run.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import frozen

from haiku_tuntap.model.packet.fields import (
    Field,
    describe_type,
    dump,
    fields,
    fields_captured,
    fields_read,
)
from haiku_tuntap.model.packet.framing import Framing
from haiku_tuntap.properties.framing.claims import MakeClaim, Role
from haiku_tuntap.properties.framing.world import Values, real_world

# Bytes that are made small: enough for packet information, an Ethernet header and what follows.
SMALL_BYTES = 20

Term = Any


@frozen
class Counterexample:
    """A packet, and the numbers beside it, for which a claim does not hold."""

    framing: Framing
    values: Values
    role: Role
    uses: frozenset[str]

    def fails_on_real_bytes(self, claim: MakeClaim) -> bool:
        """Whether the claim is false of these bytes when it is computed without Z3."""
        made = claim(self.framing, real_world(self.values))
        return bool(made.given) and not made.then

    def __str__(self) -> str:
        v = self.values
        lines = [f"{self.framing.title}: a packet of {_bytes(v.length)}"]
        if "index" in self.uses:
            lines.append(f"  looked at: byte {v.index}")
        if "size" in self.uses:
            lines.append(f"  read with room for {_bytes(v.size)}")
        if "waiting" in self.uses:
            lines.append(f"  with {_bytes(v.waiting)} in the queue")
        if "frame_type" in self.uses:
            lines.append(f"  sent with the frame type {describe_type(v.frame_type)}")
        if "header" in self.uses:
            header = dump(fields(bytes(v.header), information=False, ethernet=True))
            lines += ["Ethernet header", header]
        if "outside" in self.uses:
            lines.append(f"  behind its end: {v.outside[v.length :].hex(' ') or 'nothing'}")
        lines += [self.role.value, dump(self._fields())]
        return "\n".join(lines)

    def _fields(self) -> tuple[Field, ...]:
        framing, content = self.framing, self.values.content
        if self.role is Role.WRITTEN:
            return fields_read(framing, content)
        if self.role is Role.BUFFER:
            return fields_captured(framing, content)
        return fields(content, information=False, ethernet=False)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def smallest(solver: Any, terms: Values, framing: Framing, role: Role) -> Counterexample:
    """The smallest counterexample of a solver that has just said sat."""
    uses = _names(solver)
    found = _Smallest(solver)
    length = found.number(terms.length)
    numbers = {
        name: found.number(getattr(terms, name))
        for name in ("index", "size", "waiting", "frame_type")
    }
    header = tuple(found.number(byte) for byte in terms.header)
    content = found.content(terms.content, length)
    outside = found.content(terms.outside, length + SMALL_BYTES)
    values = Values(length, content, outside, header=header, **numbers)
    return Counterexample(framing, values, role, uses)


class _Smallest:
    """Fixes one unknown after the other to the smallest value that keeps the solver satisfied."""

    def __init__(self, solver: Any) -> None:
        self.solver = solver
        self.model = solver.model()

    def _keeps(self, condition: Term) -> bool:
        self.solver.push()
        self.solver.add(condition)
        if self.solver.check() == z3.sat:
            self.model = self.solver.model()
            return True
        self.solver.pop()
        return False

    def _value(self, term: Term) -> int:
        return int(self.model.eval(term, model_completion=True).as_long())

    def number(self, term: Term) -> int:
        """The smallest value of a bit vector, by bisection."""
        low = 0
        while low < (high := self._value(term)):
            middle = (low + high) // 2
            if not self._keeps(z3.ULE(term, middle)):
                low = middle + 1
        self._keeps(term == low)
        return low

    def content(self, array: Term, length: int) -> bytes:
        """The bytes of an array up to a length: the first ones small, the others zero if may be."""
        small = bytes(
            self.number(z3.Select(array, place)) for place in range(min(length, SMALL_BYTES))
        )
        zeros = z3.K(array.sort().domain(), z3.BitVecVal(0, 8))
        for place, byte in enumerate(small):
            zeros = z3.Store(zeros, place, byte)
        if self._keeps(array == zeros):
            return small + bytes(length - len(small))
        return bytes(self._value(z3.Select(array, place)) for place in range(length))


def _names(solver: Any) -> frozenset[str]:
    """Which unknowns a refutation speaks of."""
    names: set[str] = set()
    seen: set[int] = set()
    todo = list(solver.assertions())
    while todo:
        term = todo.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if term.num_args() == 0 and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            names.add(term.decl().name())
        todo.extend(term.children())
    return frozenset("header" if name.startswith("header") else name for name in names)
