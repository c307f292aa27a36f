"""Do the driver's threads come to rest by themselves, for any number of them?

*What is proved.* Beginning a call (a read, a close, the sending of a signal) is the environment's
doing; every other step is the driver's and the kernel's own. Between two calls that begin there
are only finitely many of those: every thread that was woken ends its call or goes to sleep again.
So nothing that this driver does keeps the processor busy for ever, and the quiescent states, in
which lost wakeups are looked for, are always reached. What is not claimed is that one particular
reader is ever served: others may take each packet first, as long as new packets come.

*How.* By a measure (measure.py) that gets less in each of these steps. No plain weighted sum does
it for a FIFO that can be closed. Who closes it lowers `waiting` and releases a token, again and
again; a reader takes a token, finds nothing, and raises `waiting`. But while somebody is in the
closing loop it holds the mutex, and nobody can announce himself. So the measure has a level
*`waiting`, while somebody releases tokens in close_fifo*, between one for the ways through the
procedures and one for the tokens that are left.

*What is assumed.* The invariant, which was proved by induction; that counters are unbounded; that a
snooze ends; wake order plays no role. Steps that break a rule beyond repair end the run, and are
the business of the properties. If no measure is found that proves nothing yet: the steps that are
left over contain a loop that gives back whatever it takes, and that is shown; whether a run
really goes round in it is looked for in the theorem's scenarios.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import Factory, define

from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.counted.induction import Claim
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.ranking.checker import Checker, Refutation
from haiku_tuntap.properties.prove.ranking.lemmas import never_negative
from haiku_tuntap.properties.prove.ranking.linear import combination_of
from haiku_tuntap.properties.prove.ranking.loops import told
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.outcome import NO_INVARIANT, LoopStep, Search
from haiku_tuntap.properties.prove.ranking.runs import find_run
from haiku_tuntap.properties.prove.ranking.synthesis import Synthesis

Tell = Callable[[str, int, int], None]


@define(eq=False)
class Progress:
    """What came of it.

    `levels` are the measure, as far as one was found. `loop` are steps that no level lowers and
    that take nothing away together; `search` says whether a run goes round like that.
    `refutations` are steps in which the measure does not get less: then the search for one went
    wrong, and nothing is proved.
    """

    proof: Proof
    claims: list[Claim]
    levels: list[Level]
    loop: list[LoopStep] = Factory(list)
    search: Search | None = None
    refutations: list[Refutation] = Factory(list)
    undetermined: list[str] = Factory(list)
    queries: int = 0
    seconds: float = 0.0

    @property
    def answer(self) -> Answer:
        """PROVED with a measure, REFUTED with a run that goes round, else UNDETERMINED."""
        if self.search is not None and self.search.run is not None:
            return Answer.REFUTED
        doubts = self.undetermined or self.refutations or self.search is not None
        return Answer.UNDETERMINED if doubts else Answer.PROVED


def progress(proof: Proof, tell: Tell | None = None) -> Progress:
    """Look for a measure for what was proved, and check it; else look for a run that loops.

    `tell` hears what is done, how much of it, and of how much.
    """
    tell = tell or _say_nothing
    began = time.perf_counter()
    if not proof.inductive:
        return Progress(proof, proof.claims, [], undetermined=[NO_INVARIANT])
    lemmas, queries = never_negative(proof)
    synthesis = Synthesis(proof, [*proof.claims, *lemmas], tell)
    synthesis.run()
    found = Progress(proof, [*proof.claims, *lemmas], synthesis.levels)
    found.queries = queries + synthesis.prover.queries
    if synthesis.left:
        times = combination_of([s.effect for s in synthesis.left], synthesis.lowered_variables())
        found.loop = told(synthesis.space, synthesis.left, times)
        found.search = find_run(proof, tell)
    else:
        check(found, tell)
    found.seconds = time.perf_counter() - began
    return found


def check(found: Progress, tell: Tell | None = None) -> None:
    """Have Z3 check the levels that were found."""
    checker = Checker(found.proof, found.claims, found.levels, tell or _say_nothing)
    found.refutations = checker.run()
    found.undetermined += checker.undetermined
    found.queries += checker.queries


def _say_nothing(what: str, done: int, of: int) -> None:
    del what, done, of
