"""Proofs about framing, for packets of any content and any length up to 65,535.

`claims.py` says what must hold, `proofs.py` of which framing and with which seeded faults,
`proof.py` asks Z3. The framing itself is in `model/packet/`. Importing this package loads Z3.
"""

from haiku_tuntap.properties.framing.counterexample import Counterexample
from haiku_tuntap.properties.framing.proof import Answer, Fault, FramingProof, ProofResult
from haiku_tuntap.properties.framing.proofs import PROOFS, prove_all

__all__ = [
    "PROOFS",
    "Answer",
    "Counterexample",
    "Fault",
    "FramingProof",
    "ProofResult",
    "prove_all",
]
