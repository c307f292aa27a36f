"""A proof about framing: its statement, what Z3 says of it, and the faults which refute it."""

from __future__ import annotations

import time
from enum import Enum
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import frozen

from haiku_tuntap.model.packet.framing import Framing
from haiku_tuntap.properties.framing.claims import MakeClaim
from haiku_tuntap.properties.framing.counterexample import Counterexample, smallest
from haiku_tuntap.properties.framing.world import REAL_BITS, symbolic_world, unknowns

TIMEOUT_MILLISECONDS = 5000


class Answer(Enum):
    """PROVED: for every packet. REFUTED: there is a counterexample. Else a limit was hit."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNDETERMINED = "UNDETERMINED"


@frozen
class ProofResult:
    """What came of a proof. `reason` says why it is undetermined."""

    proof: FramingProof
    answer: Answer
    seconds: float
    counterexample: Counterexample | None = None
    reason: str | None = None

    def __str__(self) -> str:
        head = f"{self.answer.value}  {self.proof.id}  ({self.seconds * 1000:.0f} ms)"
        lines = [head, f"  {self.proof.statement}"]
        if self.reason:
            lines.append(f"  {self.reason}")
        if self.counterexample:
            lines.append(str(self.counterexample))
        return "\n".join(lines)


@frozen
class Fault:
    """A changed driver, or lengths of another size, of which a proof must not say PROVED."""

    name: str
    framing: Framing
    bits: int = REAL_BITS


@frozen
class FramingProof:
    """A claim about one framing, for packets of any content and any length up to 65,535."""

    id: str
    statement: str
    framing: Framing
    claim: MakeClaim
    faults: tuple[Fault, ...]

    def prove(self, fault: Fault | None = None, timeout: int = TIMEOUT_MILLISECONDS) -> ProofResult:
        """Ask Z3 for a counterexample; with a fault, for one of the changed driver.

        A claim whose condition no packet meets says nothing and is UNDETERMINED, not PROVED.
        """
        start = time.perf_counter()
        framing = fault.framing if fault else self.framing
        bits = fault.bits if fault else REAL_BITS
        terms = unknowns(bits)
        world, assumed = symbolic_world(terms, bits)
        claim = self.claim(framing, world)
        solver = z3.Solver()
        solver.set("timeout", timeout)
        solver.add(assumed, claim.given)
        nonempty = solver.check()
        solver.add(z3.Not(claim.then))
        answer, counterexample, reason = Answer.PROVED, None, None
        if nonempty != z3.sat:
            answer, reason = Answer.UNDETERMINED, _why(nonempty, solver)
        elif (found := solver.check()) == z3.unknown:
            answer, reason = Answer.UNDETERMINED, _why(found, solver)
        elif found == z3.sat:
            answer = Answer.REFUTED
            counterexample = smallest(solver, terms, framing, claim.role)
        seconds = time.perf_counter() - start
        return ProofResult(self, answer, seconds, counterexample, reason)


def _why(result: Any, solver: Any) -> str:
    if result == z3.unsat:
        return "no packet meets the claim's condition, so that it says nothing"
    return f"Z3 did not finish: {solver.reason_unknown()}"
