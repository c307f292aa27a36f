"""Proving theorems, several at a time, and then searching for runs where a proof fails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.check import Options
from haiku_tuntap.properties.crew import Job, run_jobs
from haiku_tuntap.properties.explore.search import Limits
from haiku_tuntap.properties.known import shipped_base
from haiku_tuntap.properties.prove.outcome import Outcome
from haiku_tuntap.properties.prove.theorems import Theorem
from haiku_tuntap.properties.prove.verdicts import (
    Decision,
    Decisions,
    Tell,
    attempt,
    decision,
    require_provable,
    unproved,
)
from haiku_tuntap.properties.report.console import console_for
from haiku_tuntap.properties.report.progress import LiveProofs
from haiku_tuntap.properties.running import run_check
from haiku_tuntap.properties.verdict import Result


@frozen
class ProofRun:
    """The proofs of one driver: `time_limit`, in seconds, is for each, and for each search."""

    driver: Driver
    time_limit: float | None
    at_once: int

    def run(self, theorems: Sequence[Theorem]) -> tuple[Decisions, bool]:
        """The decisions, and whether Ctrl-C ended the run. Raises InputError for bad input."""
        require_provable(self.driver, theorems)
        outcomes, interrupted = self._attempts(theorems)
        made: list[Decision] = []
        for theorem in theorems:
            if theorem.id not in outcomes:
                continue
            outcome, searched = outcomes[theorem.id], list[Result]()
            if not interrupted:
                searched, interrupted = self._search(theorem, outcome)
            made.append(decision(self.driver, theorem, outcome, searched))
        return Decisions(self.driver, shipped_base(self.driver), tuple(made)), interrupted

    def _attempts(self, theorems: Sequence[Theorem]) -> tuple[dict[str, Outcome], bool]:
        jobs = [Job(t.id, partial(self._attempt, t), _lost) for t in theorems]
        with LiveProofs(console_for(stderr=True), len(theorems)) as live:
            return run_jobs(jobs, live, self.at_once)

    def _attempt(self, theorem: Theorem, tell: Tell) -> Outcome:
        return attempt(self.driver, theorem, tell, self.time_limit)

    def _search(self, theorem: Theorem, outcome: Outcome) -> tuple[list[Result], bool]:
        """Look for a run that shows what could not be proved."""
        properties = unproved(theorem, outcome)
        if not properties:
            return [], False
        scenarios = [SCENARIOS[name] for name in theorem.scenarios]
        options = Options(limits=Limits(self.time_limit))
        return run_check(self.driver, scenarios, properties, options, self.at_once)


def _lost(reason: str) -> Outcome:
    return Outcome(problems=(f"the proof did not come to its end: {reason}",))
