"""What the compiler knows inside one inlined call of a routine."""

from __future__ import annotations

import ast
from typing import Any

from attrs import Factory, define

from haiku_tuntap.model.language.compiler.flow import Label
from haiku_tuntap.model.language.compiler.texts import Text
from haiku_tuntap.model.language.errors import LanguageError, Where
from haiku_tuntap.model.language.graph import Expr, Frame, Var


@define(eq=False)
class Loop:
    """An enclosing loop: where break and continue go, and how many lockers were open outside."""

    on_break: Label
    on_continue: Label
    lockers: int


@define(eq=False)
class Inlined:
    """One inlined call: its text, its names, where its result goes and where it ends.

    `indivisible` is true of primitives and observers, whose bodies are single steps.
    `targets` are the variables that receive what it returns; None when nobody wants it.
    """

    text: Text
    source: str | None
    parent: Inlined | None
    targets: list[Var] | None
    indivisible: bool
    exit: Label = Factory(Label)
    names: dict[str, Expr] = Factory(dict)
    variables: dict[str, Var] = Factory(dict)
    lockers: list[Expr] = Factory(list)
    locker_names: dict[str, Expr] = Factory(dict)
    loops: list[Loop] = Factory(list)
    line: int = 0

    @property
    def where(self) -> Where:
        return Where(self.text.file, self.line or self.text.tree.lineno)

    def at(self, node: ast.AST) -> None:
        """Remember the line being compiled."""
        self.line = getattr(node, "lineno", self.line)

    def error(self, node: ast.AST, problem: str, instead: str) -> LanguageError:
        """The error for something outside the language at `node`."""
        return LanguageError(
            Where(self.text.file, getattr(node, "lineno", self.line)), problem, instead
        )

    def variable(self, name: str) -> Var:
        """The variable `name` of this call."""
        if name not in self.variables:
            self.variables[name] = Var(name, self.text.name)
        return self.variables[name]

    def meaning(self, name: str) -> Any:
        """What a name means in the module: a Python value. KeyError if it means nothing."""
        return self.text.names[name]

    def stack(self) -> tuple[Frame, ...]:
        """The call stack, outermost first, with the current line in each."""
        outer = self.parent.stack() if self.parent else ()
        cpp = self.text.cpp_lines.get(self.line)
        return (*outer, Frame(self.text.name, self.where, self.source, cpp))
