"""The report of `tuntap prove`: a table of verdicts, the runs, and what the proofs lack.

A counterexample to induction is two states side by side. Threads that stand alike are one row, with
their number; variables that stay have one value. Below stands the fact that broke, in words, as a
formula, and with the numbers of both states put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from haiku_tuntap.properties.prove.abstraction import ABSTRACTED
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.outcome import (
    BrokenFact,
    BrokenStep,
    ForbiddenState,
    Outcome,
    StateShown,
    Step,
)
from haiku_tuntap.properties.prove.ranking.outcome import ProgressOutcome
from haiku_tuntap.properties.prove.verdicts import Decision, Decisions, Finding
from haiku_tuntap.properties.report.ranking import (
    how_it_ends,
    print_measures,
    print_restless,
)
from haiku_tuntap.properties.report.refutations import print_refutation, refutations
from haiku_tuntap.properties.report.words import count, duration, place, without_device
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

SHOWN = 3  # counterexamples of a kind; the JSON has all

STYLES = {
    Answer.PROVED: "green",
    Answer.REFUTED: "red",
    Answer.UNDETERMINED: "bold magenta",
}


def print_decisions(
    console: Console, decisions: Decisions, seconds: float, *, interrupted: bool, traces: bool
) -> None:
    """The whole report."""
    if decisions.decisions:
        console.print(verdicts_table(decisions))
        console.print()
        print_sizes(console, decisions)
        print_measures(console, [(d.theorem.id, d.outcome.progress) for d in decisions.decisions])
    if decisions.refuted.results:
        console.print(Text("What is REFUTED is the driver's fault: a run shows it.", "bold"))
        console.print()
    if traces:
        for refutation in refutations(decisions.refuted):
            print_refutation(console, refutation)
    for decision in decisions.decisions:
        print_lacking(console, decision)
        print_restless(console, decision.theorem.id, decision.outcome.progress)
    print_claims(console, decisions)
    console.print(summary(decisions, seconds, interrupted=interrupted), soft_wrap=True)


# --- the table ----------------------------------------------------------------------------------


def verdicts_table(decisions: Decisions) -> Table:
    """A row for each property of each theorem, and one for whether its threads come to rest."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("theorem", "property", "verdict", "how"):
        table.add_column(column, no_wrap=column != "how")
    for decision in decisions.decisions:
        for number, finding in enumerate(decision.findings):
            theorem = decision.theorem.id if number == 0 else ""
            table.add_row(
                Text(theorem), Text(finding.prop.id), verdict_text(finding), _how(finding)
            )
        progress = decision.outcome.progress
        table.add_row("", "progress", _progress_text(progress), Text(how_it_ends(progress), "dim"))
    return table


def print_sizes(console: Console, decisions: Decisions) -> None:
    """How large each proof was."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for decision in decisions.decisions:
        table.add_row(Text(decision.theorem.id, "dim"), Text(_size(decision.outcome), "dim"))
    console.print(table)
    console.print()


def verdict_text(finding: Finding) -> Text:
    """The verdict, and how it stands to what is known."""
    text = Text(finding.answer.value, STYLES[finding.answer])
    if finding.missing and finding.defect is not None:
        text.append(f", declared {finding.defect.id}", "bold red")
    elif finding.comparison is Comparison.FIXED and finding.defect is not None:
        text.append(f", FIXED {finding.defect.id}", "bold green")
    elif finding.comparison is Comparison.KNOWN and finding.defect is not None:
        text.append(f", KNOWN {finding.defect.id}", "yellow")
    elif finding.comparison is Comparison.NEW:
        text.append(", NEW", "bold red")
    return text


def _progress_text(progress: ProgressOutcome) -> Text:
    text = Text(progress.answer.value, STYLES[progress.answer])
    return text.append(", NEW", "bold red") if progress.answer is Answer.REFUTED else text


def _how(finding: Finding) -> Text:
    match finding.answer:
        case Answer.PROVED:
            return Text("for any number of threads", "dim")
        case Answer.REFUTED:
            shown = finding.refutation
            assert shown is not None
            where = [r.scenario for r in finding.refutations if r is not shown]
            steps = f"a run of {count(len(shown.trace.steps), 'step')}" if shown.trace else "a run"
            too = f", also in {', '.join(where)}" if where else ""
            return Text(f"{steps} in {shown.scenario}{too}")
        case Answer.UNDETERMINED:
            return Text("neither a proof nor a run; see below")


def _size(outcome: Outcome) -> str:
    if not outcome.classes:
        return f"no proof, {duration(outcome.seconds)}"
    parts = [
        f"{outcome.states:,} local states in {outcome.classes:,} classes",
        count(outcome.transitions, "transition"),
        count(outcome.queries, "query", "queries"),
        duration(outcome.seconds),
    ]
    if outcome.dead:
        parts.append(f"nobody can ever be at {count(len(outcome.dead), 'place')}")
    if outcome.needless:
        parts.append(f"not needed: {', '.join(outcome.needless)}")
    return ", ".join(parts)


# --- what a proof lacks ---------------------------------------------------------------------------


def print_lacking(console: Console, decision: Decision) -> None:
    """What was tried for the properties that are undetermined, and what their proof lacks."""
    undetermined = [f for f in decision.findings if f.answer is Answer.UNDETERMINED]
    if not undetermined:
        return
    outcome, theorem = decision.outcome, decision.theorem.id
    names = ", ".join(finding.prop.id for finding in undetermined)
    console.rule(style="dim", characters="-")
    console.print(Text(f"UNDETERMINED: {names} in theorem {theorem}", "bold magenta"))
    refuted = [f.prop.id for f in decision.findings if f.answer is Answer.REFUTED]
    for sentence in _tried(undetermined, refuted):
        console.print(Text(sentence))
    console.print()
    for problem in outcome.problems:
        console.print(Text(f"{without_device(problem)}."))
        console.print()
    for fact in outcome.at_first[:SHOWN]:
        console.print(Text.assemble("Not true at first: ", (fact.name, "bold")))
        print_fact(console, fact)
    for broken in outcome.broken[:SHOWN]:
        print_broken(console, broken)
    for step in outcome.broken[SHOWN:]:
        facts = ", ".join(fact.name for fact in step.facts)
        console.print(Text(f"Also broken: {facts}, by {_step(step.step)}"))
    for finding in undetermined:
        states = [f for f in outcome.forbidden if f.property == finding.prop.id]
        for forbidden in states[:1]:
            print_forbidden(console, forbidden, more=len(states) - 1)


def _tried(undetermined: Sequence[Finding], refuted: Sequence[str]) -> Iterator[str]:
    """Whether the driver or only the invariant is at fault, as far as one can know."""
    searches = {r.scenario: r for finding in undetermined for r in finding.searches}
    complete = [r for r in searches.values() if r.verdict is Verdict.HOLDS]
    if complete:
        yield f"No run was found within: {'; '.join(_bounds(r) for r in complete)}."
    for result in searches.values():
        if result.verdict is Verdict.UNDETERMINED:
            yield f"The search of {_bounds(result)} did not finish: {result.limit}."
    if refuted:
        yield (
            f"The driver is at fault as to {', '.join(refuted)}, and that may be all that the "
            "proof lacks here:"
        )
    else:
        yield (
            "So it is open whether the driver is at fault. The invariant may be too weak, or no "
            "longer true of the driver; this is what the proof lacks:"
        )


def _bounds(result: Result) -> str:
    return f"{result.scenario} ({result.bounds})"


def print_broken(console: Console, broken: BrokenStep) -> None:
    """A counterexample to induction."""
    names = ", ".join(fact.name for fact in broken.facts)
    console.print(Text.assemble("A step breaks ", (names, "bold"), ":"))
    console.print(Text(f"  {_step(broken.step)}", "cyan"))
    console.print()
    console.print(Padding(states_table(broken.states, two=True), (0, 0, 0, 2)))
    console.print()
    for fact in broken.facts:
        print_fact(console, fact)


def print_forbidden(console: Console, forbidden: ForbiddenState, *, more: int) -> None:
    """A state that the invariant should exclude, and how many more kinds there are."""
    reason = without_device(forbidden.reason)
    console.print(
        Text.assemble("The invariant allows what ", (forbidden.property, "bold"), " forbids:")
    )
    console.print(Text(f"  {reason}"))
    if forbidden.step is not None:
        console.print(Text(f"  {_step(forbidden.step)}", "cyan"))
    console.print()
    two = forbidden.step is not None
    console.print(Padding(states_table(forbidden.states, two=two), (0, 0, 1, 2)))
    if more:
        console.print(Text(f"It allows {count(more, 'more kind')} of forbidden states."))
        console.print()


def states_table(states: StateShown, *, two: bool) -> Table:
    """Threads and variables, before and after; or of one state."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("before" if two else "state", overflow="fold")
    if two:
        table.add_column("after", overflow="fold")
    for crowd in states.crowds:
        cells = [Text(f"{crowd.number} {crowd.kind}"), Text(crowd.before)]
        table.add_row(*cells, *_later(crowd.before, crowd.after, two=two))
    for variable in states.variables:
        cells = [Text(variable.name), Text(variable.before)]
        table.add_row(*cells, *_later(variable.before, variable.after, two=two))
    if states.elsewhere:
        table.add_row(Text(f"{count(states.elsewhere, 'more thread')}", "dim"), Text("elsewhere"))
    return table


def _later(before: str, after: str | None, *, two: bool) -> list[Text]:
    if not two:
        return []
    return [Text("the same", "dim") if after is None else Text(after, "bold")]


def print_fact(console: Console, fact: BrokenFact) -> None:
    """A conjunct that is not true: why it should be, its formula, and the numbers."""
    said = Text.assemble((fact.name, "bold"), f": {fact.why}")
    console.print(Padding(said, (0, 0, 0, 2)))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    for label, text in (("", fact.formula), ("before", fact.before), ("after", fact.numbers)):
        if text is not None:
            table.add_row(label if fact.before or not label else "here", Text(text))
    console.print(Padding(table, (0, 0, 1, 4)))


def _step(step: Step) -> str:
    places = [place(step.where)] if step.where else []
    if step.source:
        places.insert(0, step.source)
    return f"{step.thread}: {step.action}" + (f"  ({', '.join(places)})" if places else "")


# --- what is claimed ------------------------------------------------------------------------------


def print_claims(console: Console, decisions: Decisions) -> None:
    """What PROVED covers, and what it leaves out."""
    proved = [d for d in decisions.decisions if any(f.answer is Answer.PROVED for f in d.findings)]
    if not proved:
        return
    console.print(Text("PROVED is for any number of packets and any capacity of the queues, and"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for decision in proved:
        table.add_row(Text(f"  {decision.theorem.id}"), Text(decision.theorem.threads))
    console.print(table)
    console.print(Text("It abstracts, or does not claim:"))
    points = Table.grid(padding=(0, 1, 0, 0))
    for sentence in ABSTRACTED:
        points.add_row("  -", Text(sentence, "dim"))
    console.print(points)
    console.print()


def summary(decisions: Decisions, seconds: float, *, interrupted: bool = False) -> Text:
    """The whole run in one line."""
    driver, base = decisions.driver, decisions.base
    own = base is driver or base is None
    head = driver.name if own or base is None else f"{driver.name}, compared with {base.name}"
    parts: list[tuple[str, str]] = []
    for answer in Answer:
        number = decisions.answers.count(answer)
        if number:
            parts.append((f"{number} {answer.value}", STYLES[answer]))
    new = decisions.new
    parts.append((f"{new} NEW", "bold red") if new else ("nothing new", "green"))
    missing = sum(finding.missing for finding in decisions.findings)
    if missing:
        parts.append((f"{count(missing, 'declared defect')} no longer found", "bold red"))
    if interrupted:
        parts.append(("interrupted", "bold magenta"))
    line = Text(f"{head}: {count(len(decisions.decisions), 'theorem')}: ")
    line.append_text(Text(", ").join(Text(text, style) for text, style in parts))
    return line.append(f"; {duration(seconds)}")
