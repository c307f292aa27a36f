"""The result of `tuntap prove` as JSON; spec/prove-json.md says what each field means.

The version changes when a program that reads this could misread it; a new field does not change it.
"""

from __future__ import annotations

from typing import Any

from haiku_tuntap.properties.prove.abstraction import ABSTRACTED
from haiku_tuntap.properties.prove.outcome import (
    BrokenFact,
    BrokenStep,
    ForbiddenState,
    Outcome,
    StateShown,
    Step,
)
from haiku_tuntap.properties.prove.ranking.outcome import (
    LevelShown,
    LoopStep,
    ProgressOutcome,
    Search,
)
from haiku_tuntap.properties.prove.verdicts import Decision, Decisions, Finding
from haiku_tuntap.properties.report.json import result_of, where_of

SCHEMA = "haiku-tuntap-model/prove"
VERSION = 1


def prove_document(
    decisions: Decisions, seconds: float, *, complete: bool, exit_code: int
) -> dict[str, Any]:
    """The whole run."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "driver": decisions.driver.name,
        "base": decisions.base.name if decisions.base is not None else None,
        "complete": complete,
        "exit": exit_code,
        "seconds": round(seconds, 6),
        "abstracted": list(ABSTRACTED),
        "theorems": [_theorem(decisions, decision) for decision in decisions.decisions],
    }


def _theorem(decisions: Decisions, decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.theorem.id,
        "title": decision.theorem.title,
        "threads": decision.theorem.threads,
        "findings": [_finding(decisions, finding) for finding in decision.findings],
        "progress": _progress(decision.outcome.progress),
        "proof": _proof(decision.outcome),
    }


def _finding(decisions: Decisions, finding: Finding) -> dict[str, Any]:
    shown = finding.refutation
    return {
        "property": finding.prop.id,
        "verdict": finding.answer.value,
        "known": finding.defect.id if finding.defect is not None else None,
        "comparison": finding.comparison.value if finding.comparison is not None else None,
        "missing": finding.missing,
        "shown": shown.scenario if shown is not None else None,
        "searches": [result_of(r, decisions.defect_of(r)) for r in finding.searches],
    }


def _progress(progress: ProgressOutcome) -> dict[str, Any]:
    return {
        "verdict": progress.answer.value,
        "levels": [_level(level) for level in progress.levels],
        "loop": [_loop_step(step) for step in progress.loop],
        "search": _search(progress.search) if progress.search is not None else None,
        "problems": list(progress.problems),
        "queries": progress.queries,
        "seconds": round(progress.seconds, 6),
    }


def _level(level: LevelShown) -> dict[str, Any]:
    return {
        "text": level.text,
        "weights": [
            {"thread": w.thread, "place": w.place, "least": w.least, "most": w.most}
            for w in level.weights
        ],
    }


def _loop_step(step: LoopStep) -> dict[str, Any]:
    return {
        "thread": step.thread,
        "action": step.action,
        "routine": step.routine,
        "where": where_of(step.where) if step.where else None,
        "source": step.source,
        "times": step.times,
    }


def _search(search: Search) -> dict[str, Any]:
    run = search.run
    return {
        "scenarios": list(search.scenarios),
        "complete": search.complete,
        "shown": run.scenario if run is not None else None,
        "steps_before": run.steps_before if run is not None else None,
        "round": [{"thread": thread, "action": action} for thread, action in run.round]
        if run is not None
        else [],
    }


def _proof(outcome: Outcome) -> dict[str, Any]:
    return {
        "conjuncts": list(outcome.conjuncts),
        "local_states": outcome.states,
        "classes": outcome.classes,
        "transitions": outcome.transitions,
        "queries": outcome.queries,
        "seconds": round(outcome.seconds, 6),
        "problems": list(outcome.problems),
        "not_true_at_first": [_fact(fact) for fact in outcome.at_first],
        "broken": [_broken(broken) for broken in outcome.broken],
        "forbidden": [_forbidden(forbidden) for forbidden in outcome.forbidden],
        "needless": list(outcome.needless),
        "dead": list(outcome.dead),
    }


def _broken(broken: BrokenStep) -> dict[str, Any]:
    return {
        "facts": [_fact(fact) for fact in broken.facts],
        "step": _step(broken.step),
        "states": _states(broken.states),
    }


def _forbidden(forbidden: ForbiddenState) -> dict[str, Any]:
    return {
        "property": forbidden.property,
        "reason": forbidden.reason,
        "step": _step(forbidden.step) if forbidden.step is not None else None,
        "states": _states(forbidden.states),
    }


def _fact(fact: BrokenFact) -> dict[str, Any]:
    return {
        "name": fact.name,
        "why": fact.why,
        "formula": fact.formula,
        "before": fact.before,
        "numbers": fact.numbers,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "thread": step.thread,
        "action": step.action,
        "where": where_of(step.where) if step.where else None,
        "source": step.source,
    }


def _states(states: StateShown) -> dict[str, Any]:
    return {
        "threads": [
            {"number": c.number, "kind": c.kind, "before": c.before, "after": c.after}
            for c in states.crowds
        ],
        "variables": [
            {"name": v.name, "before": v.before, "after": v.after} for v in states.variables
        ],
        "elsewhere": states.elsewhere,
    }
