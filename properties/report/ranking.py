"""The report on progress: the measures, or the loop that is left where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.ranking.outcome import LoopStep, ProgressOutcome, Search
from haiku_tuntap.properties.report.words import count, place, without_device


def how_it_ends(progress: ProgressOutcome) -> str:
    """Beside the verdict: what it means, in a few words."""
    search = progress.search
    if progress.answer is Answer.PROVED:
        return f"every woken call ends or sleeps again ({count(len(progress.levels), 'level')})"
    if search is not None and search.run is not None:
        steps = count(len(search.run.round), "step")
        return f"a round of {steps} without end in {search.run.scenario}"
    return progress.problems[0] if progress.problems else "no measure was found; see below"


def print_measures(console: Console, measures: Sequence[tuple[str, ProgressOutcome]]) -> None:
    """The levels of each theorem's measure, in a line each."""
    proved = [(name, p) for name, p in measures if p.answer is Answer.PROVED]
    if not proved:
        return
    console.print(
        Text(
            "Threads come to rest: in every step, but that which begins a call, a number of its "
            "list gets less, and none before it more:"
        )
    )
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, progress in proved:
        for number, level in enumerate(progress.levels, start=1):
            table.add_row(
                Text(f"  {name}" if number == 1 else ""), Text(str(number)), Text(level.text, "dim")
            )
    console.print(table)
    console.print()


def print_restless(console: Console, theorem: str, progress: ProgressOutcome) -> None:
    """Why it is not proved that threads come to rest: the loop, and whether it can happen."""
    if progress.answer is Answer.PROVED:
        return
    console.rule(style="dim", characters="-")
    style = "bold red" if progress.answer is Answer.REFUTED else "bold magenta"
    console.print(Text(f"{progress.answer.value}: progress in theorem {theorem}", style))
    for problem in progress.problems:
        console.print(Text(f"Open, because {problem}."))
    if progress.loop:
        console.print(Text("No measure gets less in every step. These give back what they take:"))
        console.print()
        console.print(Padding(_loop(progress.loop), (0, 0, 1, 2)))
    for sentence in _searched(progress.search):
        console.print(Text(sentence))
    console.print()


def _searched(search: Search | None) -> Iterator[str]:
    """Whether a run goes round like that."""
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


def _loop(steps: Sequence[LoopStep]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("thread", "step", "in", "source", "model"):
        table.add_column(column)
    for step in steps:
        often = f" ({step.times} times)" if step.times > 1 else ""
        table.add_row(
            Text(step.thread),
            Text(without_device(f"{step.action}{often}")),
            Text(step.routine),
            Text(step.source or ""),
            Text(place(step.where) if step.where else ""),
        )
    return table
