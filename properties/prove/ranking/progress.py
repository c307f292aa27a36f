"""Do the driver's threads come to rest by themselves?"""
from __future__ import annotations

import time
from collections.abc import Callable

from attrs import Factory, define

from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.ranking.checker import Checker, Refutation
from haiku_tuntap.properties.prove.ranking.lemmas import never_negative
from haiku_tuntap.properties.prove.ranking.linear import combination_of
from haiku_tuntap.properties.prove.ranking.loops import LoopStep, told
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.synthesis import Synthesis


@define(eq=False)
class Progress:
    """What came of it."""

    proof: Proof
    levels: list[Level]
    loop: list[LoopStep] = Factory(list)
    refutations: list[Refutation] = Factory(list)
    undetermined: list[str] = Factory(list)
    queries: int = 0
    seconds: float = 0.0


def progress(proof: Proof, tell: Callable[[str, int, int], None] | None = None) -> Progress:
    tell = tell or (lambda what, done, of: None)
    began = time.perf_counter()
    lemmas, _ = never_negative(proof)
    claims = [*proof.claims, *lemmas]
    synthesis = Synthesis(proof, claims, tell)
    synthesis.run()
    found = Progress(proof, synthesis.levels)
    found.undetermined = synthesis.prover.undetermined
    found.queries = synthesis.prover.queries
    if synthesis.left:
        effects = [s.effect for s in synthesis.left]
        times = combination_of(effects, synthesis._lowered_variables(synthesis.left))
        found.loop = told(synthesis.space, synthesis.left, times)
    else:
        checker = Checker(proof, claims, synthesis.levels, tell)
        found.refutations = checker.run()
        found.undetermined += checker.undetermined
        found.queries += checker.queries
    found.seconds = time.perf_counter() - began
    return found
