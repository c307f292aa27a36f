"""Clauses on the console: all of them in a table, or one with where it lives."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from haiku_tuntap.properties.report.words import count
from haiku_tuntap.properties.spec.carriers import Kind, Mention
from haiku_tuntap.properties.spec.clauses import Clause
from haiku_tuntap.properties.spec.specification import Specification


def print_clauses(console: Console, specification: Specification) -> None:
    """Every clause with who carries it, what is wrong, and a summary in one line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("clause", no_wrap=True, style="cyan")
    table.add_column("transitions", overflow="fold")
    table.add_column("properties and proofs", overflow="fold")
    table.add_column("tests", justify="right")
    chapter = ""
    for clause in specification.clauses:
        if clause.chapter != chapter:
            chapter = clause.chapter
            table.add_row(Text(f"spec/{chapter}", "bold"))
        tests = len(_names(specification.carriers(clause.id, Kind.STATEFUL, Kind.TEST)))
        table.add_row(
            Text(clause.id),
            ", ".join(_names(specification.carriers(clause.id, Kind.TRANSITION, Kind.MODEL))),
            ", ".join(_names(specification.carriers(clause.id, Kind.PROPERTY, Kind.PROOF))),
            str(tests or ""),
        )
    console.print(table)
    console.print()
    problems = list(specification.problems())
    for problem in problems:
        console.print(Text(problem, "bold red"), soft_wrap=True)
    chapters = len({clause.chapter for clause in specification.clauses})
    wrong = count(len(problems), "problem") if problems else "each is carried"
    console.print(
        f"{count(len(specification.clauses), 'clause')} in {count(chapters, 'chapter')}: {wrong}"
    )


def print_clause(console: Console, specification: Specification, clause: Clause) -> None:
    """One clause, and where it lives."""
    place = f"  spec/{clause.chapter}:{clause.line}"
    console.print(Text.assemble((clause.id, "bold"), (place, "dim")), soft_wrap=True)
    console.print(Text(clause.text))
    console.print()
    carriers = specification.carriers(clause.id)
    for kind in Kind:
        head = kind.value
        for mention in (mention for mention in carriers if mention.kind is kind):
            place = f"{mention.file}:{mention.line}"
            line = Text.assemble((f"{head:16}", "cyan"), place, (f"  {mention.name}", "dim"))
            console.print(line, soft_wrap=True)
            head = ""
    if not carriers:
        console.print("Nothing carries it.")


def _names(mentions: list[Mention]) -> list[str]:
    """The names of the definitions, each once."""
    return list(dict.fromkeys(mention.name or "" for mention in mentions))
