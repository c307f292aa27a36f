"""The error a user sees when a text is outside the language: what, where, and what to write."""

from attrs import frozen


@frozen
class Where:
    """A place in a source file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class LanguageError(Exception):
    """A procedure, record or system is outside the language.

    The message says what is wrong, where, and what to write instead.
    """

    def __init__(self, where: Where | None, problem: str, instead: str) -> None:
        self.where = where
        self.problem = problem
        self.instead = instead
        place = f"{where}: " if where else ""
        super().__init__(f"{place}{problem}\n  instead: {instead}")
