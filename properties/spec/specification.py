"""The text and its carriers together, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from attrs import frozen

from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.spec.carriers import Kind, Mention, read_mentions
from haiku_tuntap.properties.spec.clauses import (
    Clause,
    Reference,
    read_clauses,
    read_nameless_demands,
    read_references,
)

TOP = Path(__file__).resolve().parent.parent.parent


@frozen
class Specification:
    """Clauses, everybody who names one, and where something is demanded outside of them."""

    clauses: tuple[Clause, ...]
    references: tuple[Reference, ...]
    nameless: tuple[tuple[str, int], ...]
    mentions: tuple[Mention, ...]

    def clause(self, id_: str) -> Clause:
        """The clause with that id."""
        for clause in self.clauses:
            if clause.id == id_.upper():
                return clause
        near = get_close_matches(id_.upper(), [clause.id for clause in self.clauses], cutoff=0.5)
        instead = f"did you mean {' or '.join(near)}?" if near else "see `tuntap spec`"
        raise InputError(f"there is no clause named {id_!r}; {instead}")

    def carriers(self, id_: str, *kinds: Kind) -> list[Mention]:
        """Who carries a clause, each place once; only those of some kinds if any is given."""
        return [
            mention
            for mention in self.mentions
            if mention.id == id_ and mention.carries and (not kinds or mention.kind in kinds)
        ]

    def problems(self) -> Iterator[str]:
        """What is wrong, each in a sentence that begins with its place."""
        first: dict[str, Clause] = {}
        for clause in self.clauses:
            place = f"spec/{clause.chapter}:{clause.line}"
            if clause.id in first:
                other = first[clause.id]
                yield f"{place}: {clause.id} was given already, at {other.chapter}:{other.line}"
                continue
            first[clause.id] = clause
            if not clause.normative:
                yield f"{place}: {clause.id} says neither must, may nor never"
            if not self.carriers(clause.id):
                yield (
                    f"{place}: no transition, property, proof or test carries {clause.id}; "
                    "name it in the one that does"
                )
        for chapter, line in self.nameless:
            yield f"spec/{chapter}:{line}: says must outside of a clause; make it one, or reword it"
        for reference in self.references:
            if reference.id not in first:
                yield (
                    f"spec/{reference.chapter}:{reference.line}: there is no clause {reference.id}"
                )
        for mention in self.mentions:
            if mention.id not in first:
                yield f"{mention.file}:{mention.line}: there is no clause {mention.id}"


def read_specification(top: Path = TOP) -> Specification:
    """The specification of a repository. Raises InputError where there is no text."""
    folder = top / "spec"
    if not folder.is_dir():
        raise InputError(
            "the text of the specification is not part of this installation; it is in the folder "
            "spec/ of the repository, beside model/, properties/ and tests/"
        )
    return Specification(
        tuple(read_clauses(folder)),
        tuple(read_references(folder)),
        tuple(read_nameless_demands(folder)),
        tuple(read_mentions(top)),
    )
