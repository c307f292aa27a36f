"""The report of a proof of progress: the measure, or the loop that is left where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.progress import Answer, Progress
from haiku_tuntap.properties.report.words import count, duration, place, without_device

STYLES = {Answer.PROVED: "green", Answer.REFUTED: "red", Answer.UNDETERMINED: "bold magenta"}


def print_ranking(console: Console, progress: Progress, *, weights: bool = False) -> None:
    """The answer and why; with `weights` also what every level makes of every place."""
    console.print(_headline(progress))
    for sentence in _reasons(progress):
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    if progress.answer is Answer.PROVED:
        _print_levels(console, progress)
    if progress.loop:
        console.print(Padding(_loop(progress), (0, 0, 0, 2)))
    if weights:
        space = progress.proof.counted.space
        for number, level in enumerate(progress.levels, start=1):
            console.print(Text(f"level {number}: {level_text(level, space)}", "bold"))
            console.print(Padding(_weights(level, space), (0, 0, 0, 2)))


def level_text(level: Level, space: Space) -> str:
    """One level in a line: what it counts, with which weights, and when."""
    parts = [
        f"{factor} times {name}" if factor > 1 else name
        for name, factor in sorted(level.variables.items())
    ]
    heaviest = level.heaviest(space)
    if heaviest:
        shown = ", ".join(f"{name} {weight}" for name, weight in heaviest.items())
        parts.append(f"each thread's way to go (at most: {shown})")
    total = " + ".join(parts)
    if level.condition is not None:
        total = f"while {level.condition.text}: {total}"
    return without_device(total)


def _headline(progress: Progress) -> Text:
    proof = progress.proof
    said = {
        Answer.PROVED: "between two calls that begin, the threads make finitely many steps",
        Answer.REFUTED: "threads can run for ever without the environment",
        Answer.UNDETERMINED: "no measure was found that gets less in every step",
    }[progress.answer]
    line = Text(f"{progress.answer.value:13}", STYLES[progress.answer])
    line.append(f"progress of {proof.driver.name} in {proof.theorem.id}: {said}", "default")
    line.append(f" ({duration(progress.seconds)}, {count(progress.queries, 'query', 'queries')})")
    return line


def _reasons(progress: Progress) -> Iterator[str]:
    for refutation in progress.refutations:
        labels = dict.fromkeys(rule.move.source.label for rule in refutation.rules)
        where = f" in {', '.join(labels)}" if labels else ""
        yield without_device(f"The measure was refuted: {refutation.reason}{where}.")
    yield from progress.undetermined
    search = progress.search
    if search is None:
        return
    if search.run is not None:
        run = search.run
        yield (
            f"In {run.scenario}, after {count(run.steps_before, 'step')}, "
            f"{count(len(run.round), 'step')} can be made again and again:"
        )
        for thread, action in run.round:
            yield without_device(f"  {thread}: {action}")
        return
    names = ", ".join(search.scenarios)
    much = "no run goes round" if search.complete else "no run that goes round was met"
    within = "" if search.complete else ", within the limit of states"
    yield f"In {names} {much}{within}."


def _print_levels(console: Console, progress: Progress) -> None:
    space = progress.proof.counted.space
    console.print(Text("  In every step a number of this list gets less, and none before it more:"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for number, level in enumerate(progress.levels, start=1):
        table.add_row(Text(f"{number:3}"), Text(level_text(level, space)))
    console.print(Padding(table, (0, 0, 0, 2)))


def _loop(progress: Progress) -> Table:
    table = Table(
        title="These steps together take nothing away from any place or variable:",
        title_justify="left",
        title_style="default",
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for column in ("thread", "step", "in", "source", "model"):
        table.add_column(column)
    for step in progress.loop:
        often = f" ({step.times} times)" if step.times > 1 else ""
        table.add_row(
            Text(step.thread),
            Text(without_device(f"{step.action}{often}")),
            Text(step.routine),
            Text(step.source or ""),
            Text(place(step.where) if step.where else ""),
        )
    return table


def _weights(level: Level, space: Space) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for template, location, least, most in level.by_location(space):
        weight = str(most) if least == most else f"{least} to {most}"
        table.add_row(
            Text(template),
            Text(without_device(f"{location.kind.name.lower()} {location.label}")),
            Text(weight, justify="right"),
        )
    return table
