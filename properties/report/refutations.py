"""The refutations of a check, each with its trace.

A known defect is shown once, where it was found first, and the other places are named. Several
properties that one run violates are shown together.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from rich.console import Console
from rich.text import Text

from haiku_tuntap.model.drivers import KnownDefect
from haiku_tuntap.properties.known import Classified
from haiku_tuntap.properties.report.trace import trace_lines
from haiku_tuntap.properties.report.words import whose
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict


@frozen
class Refutation:
    """Results that are shown with one trace: that of `shown`, which also violates `together`."""

    shown: Result
    together: tuple[Result, ...]
    elsewhere: tuple[Result, ...]
    defect: KnownDefect | None


def refutations(classified: Classified) -> list[Refutation]:
    """What was refuted, what is new first, each with what shares its trace."""
    refuted = [result for result in classified.results if result.verdict is Verdict.REFUTED]
    new = [result for result in refuted if result.comparison is not Comparison.KNOWN]
    made = [_together(group, None) for group in _by_run(new)]
    for defect in classified.found:
        made.append(_together([result for result in refuted if result.known == defect.id], defect))
    return made


def print_refutation(console: Console, refutation: Refutation) -> None:
    """Heading, trace, and where else."""
    shown, defect = refutation.shown, refutation.defect
    console.rule(style="dim", characters="-")
    properties = ", ".join(result.property for result in (shown, *refutation.together))
    if defect is not None:
        console.print(Text(f"KNOWN {defect.id}{whose(defect)}: {defect.title}", "bold yellow"))
    else:
        mark = "NEW" if shown.comparison is Comparison.NEW else shown.verdict.value
        console.print(Text(f"{mark}: {properties} in {shown.scenario}", "bold red"))
    where = f"driver {shown.driver}, scenario {shown.scenario} ({shown.bounds})"
    console.print(Text(f"{where}, property {properties}", "dim"))
    console.print()
    if shown.trace is None:
        console.print(Text(shown.reason or "There is no trace."))
    else:
        for line in trace_lines(shown.trace, console.width, _other_reasons(refutation)):
            console.print(line, soft_wrap=True)
        if refutation.elsewhere:
            places = dict.fromkeys(result.scenario for result in refutation.elsewhere)
            console.print(Text(f"Also found in {', '.join(places)}.", "dim"))
        # On a line of its own and in one piece, so that it can be copied.
        console.print(Text(f"tuntap replay {shown.trace.token}", "dim"), soft_wrap=True)
    console.print()


def _by_run(results: Sequence[Result]) -> list[list[Result]]:
    """Results of one scenario whose traces are the same steps belong together."""
    groups: list[list[Result]] = []
    for result in results:
        for group in groups:
            if _same_run(group[0], result):
                group.append(result)
                break
        else:
            groups.append([result])
    return groups


def _together(results: Sequence[Result], defect: KnownDefect | None) -> Refutation:
    shown, *others = results
    together = tuple(other for other in others if _same_run(shown, other))
    elsewhere = tuple(other for other in others if other not in together)
    return Refutation(shown, together, elsewhere, defect)


def _same_run(one: Result, other: Result) -> bool:
    return (
        one.scenario == other.scenario
        and one.trace is not None
        and other.trace is not None
        and one.trace.steps == other.trace.steps
    )


def _other_reasons(refutation: Refutation) -> list[str]:
    """The conclusions of the other properties."""
    return [
        sentence
        for result in refutation.together
        if result.trace is not None
        for sentence in result.trace.conclusion
    ]
