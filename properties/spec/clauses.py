"""Clauses, read from the Markdown files of a folder.

A clause is a paragraph or a list item that begins with its id:

    **READ-3.** A blocking read of an empty queue must wait.

It ends at the next blank line, list item, heading or fence. What stands in a code block is no
clause. In a chapter that has clauses, only they say *must*: whatever is demanded has a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

CLAUSE_ID = re.compile(r"(?<![\w-])[A-Z]{2,}-[0-9]+(?![\w-])")
NO_CLAUSES = frozenset({"UTF-8", "SHA-1", "SHA-256", "ISO-8601", "POSIX-1"})
"""What looks like the id of a clause, and is none."""

_BEGINS = re.compile(r"(?:[-*] )?\*\*([A-Z]{2,}-[0-9]+)\.\*\*\s+(.*)")
_ENDS = re.compile(r"\s*$|[-*] |#|```|<!--|\|")
_FENCE = re.compile(r"\s*```")
_NORMATIVE = re.compile(r"\b(must|may|never)\b")


@frozen
class Clause:
    """One clause, and the lines where it begins and ends."""

    id: str
    text: str
    chapter: str
    line: int
    last_line: int

    @property
    def normative(self) -> bool:
        """Whether it demands or allows something."""
        return _NORMATIVE.search(self.text) is not None


@frozen
class Reference:
    """An id that stands in the text outside of the head of its clause."""

    id: str
    chapter: str
    line: int


def clause_ids(text: str) -> Iterator[str]:
    """The ids of clauses in a line."""
    for found in CLAUSE_ID.finditer(text):
        if found.group() not in NO_CLAUSES:
            yield found.group()


def read_clauses(folder: Path) -> list[Clause]:
    """All clauses of the chapters in a folder, chapter by chapter, in the order of the text."""
    return [clause for chapter in chapters(folder) for clause in _clauses(chapter)]


def read_references(folder: Path) -> list[Reference]:
    """The ids that the chapters mention, code blocks included, but for the clauses' own heads."""
    heads = {(clause.id, clause.chapter, clause.line) for clause in read_clauses(folder)}
    return [
        Reference(found, chapter.name, number)
        for chapter in chapters(folder)
        for number, line in enumerate(_lines(chapter), start=1)
        for found in clause_ids(line)
        if (found, chapter.name, number) not in heads
    ]


def read_nameless_demands(folder: Path) -> list[tuple[str, int]]:
    """Chapter and line of each *must* in plain text, in the chapters that have clauses."""
    found = []
    for chapter in chapters(folder):
        clauses = list(_clauses(chapter))
        named = {n for clause in clauses for n in range(clause.line, clause.last_line + 1)}
        fenced = False
        for number, line in enumerate(_lines(chapter), start=1):
            fenced ^= _FENCE.match(line) is not None
            plain = not fenced and number not in named
            if clauses and plain and re.search(r"\bmust\b", line):
                found.append((chapter.name, number))
    return found


def chapters(folder: Path) -> list[Path]:
    """The chapters of a folder, in the order of their names."""
    return sorted(folder.glob("*.md"))


def _lines(chapter: Path) -> list[str]:
    return chapter.read_text(encoding="utf-8").splitlines()


def _clauses(chapter: Path) -> Iterator[Clause]:
    lines = _lines(chapter)
    fenced = False
    for number, line in enumerate(lines, start=1):
        if _FENCE.match(line):
            fenced = not fenced
        begins = None if fenced else _BEGINS.match(line)
        if begins is None:
            continue
        text = [begins.group(2)]
        for following in lines[number:]:
            if _ENDS.match(following):
                break
            text.append(following.strip())
        last = number + len(text) - 1
        yield Clause(begins.group(1), " ".join(text), chapter.name, number, last)
