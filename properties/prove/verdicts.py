"""What is said of a theorem about a driver: proved, refuted by a run, or undetermined.

A theorem that is proved needs nothing else. Where the proof fails, the fault may be the driver's or
the invariant's, and the two are told apart by looking for a run: the search goes through the
theorem's scenarios, which are small instances of its system. If there is a run, the driver is at
fault, and the run shows how. If there is none, nothing is decided, and what the proof lacks is
shown: a step that breaks a conjunct, or a state that the invariant should exclude.

Whether the threads come to rest by themselves (ranking/progress.py) is asked in the same go, since
a measure rests on the invariant just proved. No driver declares a defect of that kind, so that a
run which goes round for ever is always new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import evolve, frozen

from haiku_tuntap.model.drivers import Driver, KnownDefect
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.properties.known import Classified, classify, shipped_base
from haiku_tuntap.properties.loading import InputError, explain_failure, is_shipped, spec_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.counted.population import CannotCountError
from haiku_tuntap.properties.prove.counted.proof import Proof, prove
from haiku_tuntap.properties.prove.counterexample import Storyteller
from haiku_tuntap.properties.prove.limits import OutOfTimeError, within
from haiku_tuntap.properties.prove.outcome import Outcome, Suggestion
from haiku_tuntap.properties.prove.ranking.outcome import INTERRUPTED, ProgressOutcome
from haiku_tuntap.properties.prove.ranking.progress import progress
from haiku_tuntap.properties.prove.ranking.shown import progress_outcome
from haiku_tuntap.properties.prove.theorems import Theorem
from haiku_tuntap.properties.prove.written import formulas, require_good_invariants
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

T = TypeVar("T")
Tell = Callable[[tuple[str, int, int]], None]
"""Hears what is done, how much of it, and of how much."""


@frozen
class Finding:
    """What is said of one property of a theorem.

    `searches` are the results of its scenarios, if they were searched; `defect` the declared one
    that is meant, and `comparison` how this stands to it. `missing` says that a shipped driver
    declares a defect here that was not found.
    """

    theorem: Theorem
    prop: Property
    answer: Answer
    searches: tuple[Result, ...] = ()
    defect: KnownDefect | None = None
    comparison: Comparison | None = None
    missing: bool = False

    @property
    def refutation(self) -> Result | None:
        """The result to show: the shortest run."""
        return min(self.refutations, key=_length, default=None)

    @property
    def refutations(self) -> list[Result]:
        """The results that refute it; only those that are new if there are such."""
        refuted = [r for r in self.searches if r.verdict is Verdict.REFUTED]
        return [r for r in refuted if r.comparison is Comparison.NEW] or refuted


@frozen
class Decision:
    """All that is said of a theorem: what came of the proof, and of the search.

    `suggestion` is what came of looking for facts that the invariant lacks, if that was done.
    """

    theorem: Theorem
    outcome: Outcome
    findings: tuple[Finding, ...]
    suggestion: Suggestion | None = None

    @property
    def lacks_facts(self) -> bool:
        """Whether more facts might prove what is undetermined."""
        outcome = self.outcome
        return bool(self.undetermined and (outcome.broken or outcome.forbidden))

    @property
    def undetermined(self) -> list[Finding]:
        """The findings that are neither PROVED nor REFUTED."""
        return [f for f in self.findings if f.answer is Answer.UNDETERMINED]


@frozen
class Decisions:
    """The decisions on several theorems about one driver.

    `base` is the shipped driver whose declarations were used, as in `Classified`.
    """

    driver: Driver
    base: Driver | None
    decisions: tuple[Decision, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(f for decision in self.decisions for f in decision.findings)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Those of all findings, and on the progress of each theorem's threads."""
        on_progress = (decision.outcome.progress.answer for decision in self.decisions)
        return (*(finding.answer for finding in self.findings), *on_progress)

    @property
    def new(self) -> int:
        """How much is refuted that no defect is declared for."""
        comparisons = [finding.comparison for finding in self.findings]
        endless = [d for d in self.decisions if d.outcome.progress.answer is Answer.REFUTED]
        return comparisons.count(Comparison.NEW) + len(endless)

    @property
    def exit_code(self) -> int:
        """0 is success, 1 something new (or missing), 3 something undetermined."""
        if self.new or any(finding.missing for finding in self.findings):
            return 1
        if Answer.UNDETERMINED in self.answers:
            return 3
        return 0

    @property
    def refuted(self) -> Classified:
        """The runs to show, the shortest first: what is new once for each property."""
        shown = {}
        for finding in self.findings:
            known = [r for r in finding.searches if r.comparison is Comparison.KNOWN]
            new = finding.refutation if finding.comparison is Comparison.NEW else None
            for result in (*known, *([] if new is None else [new])):
                shown[(result.scenario, result.property)] = result
        return Classified(self.driver, self.base, tuple(sorted(shown.values(), key=_length)), ())

    def defect_of(self, result: Result) -> KnownDefect | None:
        """The declared defect that a result means."""
        return self.refuted.defect_of(result)


def decision(
    driver: Driver, theorem: Theorem, outcome: Outcome, searched: Sequence[Result]
) -> Decision:
    """What is said of a theorem after an attempt to prove it, and the search of its scenarios."""
    results = classify(driver, searched).results
    findings = tuple(_finding(driver, theorem, p, outcome, results) for p in theorem.properties)
    return Decision(theorem, outcome, findings)


def unproved(theorem: Theorem, outcome: Outcome) -> list[Property]:
    """The properties of which the scenarios are to be searched."""
    return [p for p in theorem.properties if p.id not in outcome.proved]


def require_provable(driver: Driver, theorems: Sequence[Theorem]) -> None:
    """InputError, with the line, if a conjunct of the driver's invariant cannot be one."""
    require_good_invariants(driver)
    for theorem in theorems:
        with_plain_errors(driver, partial(formulas, driver, theorem))


def with_plain_errors(driver: Driver, run: Callable[[], T]) -> T:
    """Run something on a driver's text; what is wrong with a user's comes out as InputError."""
    try:
        return run()
    except (LanguageError, InputError) as error:
        raise explain_failure(error, spec_of(driver)) from error
    except (CannotCountError, OutOfTimeError):
        raise
    except Exception as error:
        if is_shipped(driver):
            raise  # a fault of ours
        raise explain_failure(error, spec_of(driver)) from error


def attempt(driver: Driver, theorem: Theorem, tell: Tell, time_limit: float | None) -> Outcome:
    """Try to prove a theorem, and that its threads come to rest.

    `time_limit` is in seconds. Raises InputError for a text or an invariant that cannot be used.
    Ctrl-C while a measure is looked for leaves what was proved until then.
    """
    began = time.perf_counter()

    told = within(time_limit, lambda what, done, of: tell((what, done, of)))
    try:
        proof = with_plain_errors(driver, lambda: prove(driver, theorem, told))
    except CannotCountError as error:
        problems = (f"integers cannot stand for this: {error}",)
        return Outcome(problems=problems, seconds=time.perf_counter() - began)
    except OutOfTimeError:
        problems = (f"the proof was given up after {time_limit:g} s",)
        return Outcome(problems=problems, seconds=time.perf_counter() - began)
    outcome = outcome_of(proof)
    try:
        found = with_plain_errors(driver, lambda: progress(proof, told))
    except OutOfTimeError:
        problems = (f"looking for a measure was given up after {time_limit:g} s",)
        return evolve(outcome, progress=ProgressOutcome(Answer.UNDETERMINED, problems=problems))
    except KeyboardInterrupt:
        return evolve(outcome, progress=INTERRUPTED)
    return evolve(outcome, progress=progress_outcome(found))


def outcome_of(proof: Proof) -> Outcome:
    """What came of a proof, as plain data."""
    teller = Storyteller(proof)
    problems = [*dict.fromkeys(proof.undetermined), *proof.confused]
    if proof.vacuous:
        problems.append(
            "the invariant excludes the situation that the theorem is about, so that it would "
            "prove nothing"
        )
    return Outcome(
        proved=frozenset(p.id for p in proof.theorem.properties if proof.proves(p)),
        conjuncts=tuple(
            name
            for name, conjunct in proof.driver.invariants.items()
            if proof.theorem.has(conjunct)
        ),
        at_first=tuple(teller.at_first()),
        broken=tuple(teller.broken()),
        forbidden=tuple(teller.forbidden()),
        problems=tuple(problems),
        needless=tuple(proof.needless),
        dead=tuple(proof.dead),
        states=len(proof.counted.space.states),
        classes=len(proof.machine.classes.members),
        transitions=len(proof.machine.changes),
        queries=proof.queries,
        seconds=proof.seconds,
    )


def _finding(
    driver: Driver,
    theorem: Theorem,
    prop: Property,
    outcome: Outcome,
    results: Sequence[Result],
) -> Finding:
    base = shipped_base(driver)
    declared = _declared(base, theorem, prop)
    if prop.id in outcome.proved:
        finding = Finding(theorem, prop, Answer.PROVED, defect=declared)
        if declared is None:
            return finding
        if base is driver:
            return evolve(finding, missing=True)
        return evolve(finding, comparison=Comparison.FIXED)
    searches = tuple(r for r in results if r.property == prop.id)
    missing = base is driver and any(_is_missing(declared, r) for r in searches)
    found = Finding(theorem, prop, Answer.UNDETERMINED, searches, missing=missing)
    refutation = found.refutation
    if refutation is None:
        return evolve(found, defect=declared if missing else None)
    assert base is not None or refutation.comparison is Comparison.NEW
    defects = base.known if base is not None else ()
    defect = next((d for d in defects if d.id == refutation.known), None)
    return evolve(found, answer=Answer.REFUTED, defect=defect, comparison=refutation.comparison)


def _declared(base: Driver | None, theorem: Theorem, prop: Property) -> KnownDefect | None:
    """The defect that is declared to refute a property in some scenario of a theorem."""
    places = {(scenario, prop.id) for scenario in theorem.scenarios}
    return next((d for d in (base.known if base else ()) if places & d.refutes), None)


def _is_missing(declared: KnownDefect | None, result: Result) -> bool:
    """Whether a result should refute, as a defect is declared there, and does not."""
    place = (result.scenario, result.property)
    return declared is not None and place in declared.refutes and result.verdict is Verdict.HOLDS


def _length(result: Result) -> int:
    """How long a run is; those without a trace come last."""
    return len(result.trace.steps) if result.trace is not None else 1_000_000
