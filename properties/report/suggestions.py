"""The report of a search for what an invariant lacks."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from haiku_tuntap.properties.prove.outcome import SuggestedFact, Suggestion
from haiku_tuntap.properties.report.words import count, duration, without_device

SHOWN = 20  # facts that are true; the JSON has all
INDENT = "  "
WIDTH = 100 - len(INDENT)  # of the lines of a conjunct


def print_suggestion(console: Console, theorem: str, suggestion: Suggestion) -> None:
    """What was tried, what is true, and what makes the invariant inductive, if anything does."""
    tried = f"{count(suggestion.tried, 'fact')} of simple shapes, {duration(suggestion.seconds)}"
    console.print(Text.assemble(("Looking for what the invariant lacks", "bold"), f" ({tried}):"))
    if suggestion.proved:
        proved = ", ".join(suggestion.proved)
        console.print(Text(f"With this in your file it proves {proved}:"))
        console.print()
        for line in conjunct(theorem, suggestion):
            console.print(Text(f"{INDENT}{line}", "cyan"), soft_wrap=True)
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
        for line in _fact(fact, WIDTH - 8):
            yield f"        {line}"
    yield "    )"


def _fact(fact: SuggestedFact, width: int) -> Iterator[str]:
    if fact.code is not None:
        yield from broken(fact.code, width, after=",")
        return
    for line in textwrap.wrap(f"no conjunct can name it: {fact.text}", width - 2):
        yield f"# {line}"


def broken(code: str, width: int, after: str = "") -> Iterator[str]:
    """A Python expression in lines of that width, as far as it can be broken; `after` comes last.

    What is broken are calls, the left side of comparisons, and texts.
    """
    node = ast.parse(code, mode="eval").body
    if len(code) + len(after) <= width:
        yield code + after
    elif isinstance(node, ast.Call):
        yield f"{_source(code, node.func)}("
        for argument in node.args:
            for line in broken(_source(code, argument), width - 4, after=","):
                yield f"    {line}"
        yield f"){after}"
    elif isinstance(node, ast.Compare):
        left = _source(code, node.left)
        yield from broken(left, width, after=code.removeprefix(left) + after)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        room = width - len('""') - len(after)
        *parts, last = textwrap.wrap(node.value, room, drop_whitespace=False)
        yield from (f'"{part}"' for part in parts)
        yield f'"{last}"{after}'
    else:
        yield code + after


def _source(code: str, node: ast.expr) -> str:
    found = ast.get_source_segment(code, node)
    assert found is not None
    return found
