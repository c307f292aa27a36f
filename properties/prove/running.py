"""Proving theorems, several at a time, and then searching for runs where a proof fails."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from attrs import evolve, frozen

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.check import Options
from haiku_tuntap.properties.crew import Job, run_jobs
from haiku_tuntap.properties.explore.search import Limits
from haiku_tuntap.properties.known import shipped_base
from haiku_tuntap.properties.prove.counted.suggest import suggest
from haiku_tuntap.properties.prove.outcome import Outcome, Suggestion
from haiku_tuntap.properties.prove.ranking.outcome import INTERRUPTED
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

SUGGEST_FOR = 120.0  # seconds, if there is no limit


@frozen
class ProofRun:
    """The proofs of one driver: `time_limit`, in seconds, is for each, and for each search.

    With `suggests`, what an invariant lacks is looked for where something is left undetermined, for
    as long as `time_limit` says, or two minutes.
    """

    driver: Driver
    time_limit: float | None
    at_once: int
    suggests: bool = False

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
        if self.suggests and not interrupted:
            made, interrupted = self._with_suggestions(made)
        return Decisions(self.driver, shipped_base(self.driver), tuple(made)), interrupted

    def _attempts(self, theorems: Sequence[Theorem]) -> tuple[dict[str, Outcome], bool]:
        jobs = [Job(t.id, partial(self._attempt, t), _lost, _was_interrupted) for t in theorems]
        with LiveProofs(console_for(stderr=True), len(theorems)) as live:
            return run_jobs(jobs, live, self.at_once)

    def _attempt(self, theorem: Theorem, tell: Tell) -> Outcome:
        with _without_collector():
            return attempt(self.driver, theorem, tell, self.time_limit)

    def _with_suggestions(self, decisions: list[Decision]) -> tuple[list[Decision], bool]:
        """The same, with what was found of facts that the invariants lack."""
        lacking = [d for d in decisions if d.lacks_facts]
        jobs = [Job(d.theorem.id, partial(self._suggest, d), _no_suggestion) for d in lacking]
        with LiveProofs(console_for(stderr=True), len(jobs)) as live:
            found, interrupted = run_jobs(jobs, live, self.at_once)
        return [evolve(d, suggestion=found.get(d.theorem.id)) for d in decisions], interrupted

    def _suggest(self, lacking: Decision, tell: Tell) -> Suggestion:
        properties = [f.prop for f in lacking.undetermined]
        seconds = self.time_limit if self.time_limit is not None else SUGGEST_FOR
        tell_stage: Callable[[str, int, int], None] = lambda *stage: tell(stage)  # noqa: E731
        return suggest(self.driver, lacking.theorem, properties, seconds, tell_stage)

    def _search(self, theorem: Theorem, outcome: Outcome) -> tuple[list[Result], bool]:
        """Look for a run that shows what could not be proved."""
        properties = unproved(theorem, outcome)
        if not properties:
            return [], False
        scenarios = [SCENARIOS[name] for name in theorem.scenarios]
        options = Options(limits=Limits(self.time_limit))
        return run_check(self.driver, scenarios, properties, options, self.at_once)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A proof makes many objects and few cycles; to look for them takes a twentieth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _no_suggestion(reason: str) -> Suggestion:
    del reason  # whatever it was, time did not suffice
    return Suggestion(stopped=True)


def _was_interrupted(outcome: Outcome) -> bool:
    return outcome.progress == INTERRUPTED


def _lost(reason: str) -> Outcome:
    return Outcome(problems=(f"the proof did not come to its end: {reason}",))
