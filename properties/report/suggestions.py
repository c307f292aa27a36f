"""The report of a search for what an invariant lacks."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from haiku_tuntap.properties.prove.outcome import Suggestion
from haiku_tuntap.properties.report.words import count, duration, without_device

SHOWN = 20  # facts that are true; the JSON has all


def print_suggestion(console: Console, theorem: str, suggestion: Suggestion) -> None:
    """What was tried, what is true, and what makes the invariant inductive, if anything does."""
    tried = f"{count(suggestion.tried, 'fact')} of simple shapes, {duration(suggestion.seconds)}"
    console.print(Text.assemble(("Looking for what the invariant lacks", "bold"), f" ({tried}):"))
    if suggestion.proved:
        proved = ", ".join(suggestion.proved)
        console.print(Text(f"With this in your file it proves {proved}:"))
        console.print()
        for line in conjunct(theorem, suggestion):
            console.print(Text(f"  {line}", "cyan"), soft_wrap=True)
    else:
        console.print(Text(f"Nothing was found: {_why_not(suggestion)}."))
        _print_true(console, suggestion.true)
    console.print()


def _why_not(suggestion: Suggestion) -> str:
    if suggestion.stopped:
        return "time ran out before it was known which of them are true"
    return "all that are true together do not make a proof"


def _print_true(console: Console, true: tuple[str, ...]) -> None:
    if not true:
        return
    console.print(Text(f"{count(len(true), 'of them holds', 'of them hold')} always:"))
    for fact in true[:SHOWN]:
        console.print(Padding(Text(without_device(fact), "dim"), (0, 0, 0, 2)))
    if len(true) > SHOWN:
        console.print(Text(f"  and {len(true) - SHOWN:,} more", "dim"))


def conjunct(theorem: str, suggestion: Suggestion) -> Iterator[str]:
    """The facts as a conjunct that a user's file may have."""
    yield "from haiku_tuntap.model.language.invariants import standing"
    yield ""
    yield f'@driver.invariant("{theorem}", why="...")'
    yield "def suggested(state):"
    yield "    return state.every("
    for fact in suggestion.facts:
        unnamed = f"# no conjunct can name it: {fact.text}"
        yield f"        {unnamed if fact.code is None else f'{fact.code},'}"
    yield "    )"
