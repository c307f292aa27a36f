"""The source text of a routine, parsed, with its places in Python and in C++.

A comment `# :258` (or `# :258-260`) at the end of a line says which lines of the routine's C++
file that statement mirrors; traces show it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from haiku_tuntap.model.language.errors import LanguageError, Where

_CPP_LINE = re.compile(r"#\s*:(\d+(?:-\d+)?)\s*$")


@frozen(eq=False, slots=False)
class Text:
    """A function's tree (line numbers are the file's), and what its names mean.

    `annotations` are those in its body that were read already.
    """

    name: str
    file: str
    tree: ast.FunctionDef | ast.AsyncFunctionDef
    names: dict[str, Any]
    assignments: Counter[str]
    cpp_lines: dict[int, str]
    annotations: dict[ast.expr, Any] = Factory(dict)

    @functools.cached_property
    def normal_form(self) -> str:
        """The text without its layout and comments."""
        return ast.unparse(self.tree)


def short_path(file: str) -> str:
    """A path as a reader knows it: from `model/` or `properties/` on, or from where they are."""
    parts = Path(file).parts
    for top in ("model", "properties"):
        if top in parts and (
            "haiku_tuntap" in parts
            or (Path(*parts[: parts.index(top)]) / "src" / "haiku_tuntap").exists()
        ):
            last = len(parts) - 1 - parts[::-1].index(top)
            return str(Path(*parts[last:]))
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return Path(file).name


@functools.cache
def text_of(function: Callable[..., Any]) -> Text:
    """Parse the source of `function`."""
    file = inspect.getsourcefile(function) or "?"
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        where = Where(short_path(file), function.__code__.co_firstlineno)
        raise LanguageError(
            where, f"the source of {function.__name__} cannot be read", "define it in a file"
        ) from error
    tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    ast.increment_lineno(tree, first - 1)
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise LanguageError(
            Where(short_path(file), first), "a routine must be a def", "write a named function"
        )
    found = ((first + i, _CPP_LINE.search(line)) for i, line in enumerate(lines))
    return Text(
        name=function.__name__,
        file=short_path(file),
        tree=tree,
        names=_names(function),
        assignments=_assignments(tree),
        cpp_lines={number: match.group(1) for number, match in found if match},
    )


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    names = dict(vars(sys.modules["builtins"]))
    names.update(function.__globals__)
    names.update(inspect.getclosurevars(function).nonlocals)
    return names


def _assignments(tree: ast.AST) -> Counter[str]:
    """How many statements assign to each name."""
    count: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            count[node.id] += 1
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            count[node.target.id] += 1
    return count
