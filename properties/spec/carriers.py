"""Who carries a clause: the places in the code and the tests that name its id.

A file is parsed and never run. An id counts for the definition in which it stands: a transition of
the reference, a property, a claim that is proved, a test. In the head of a module it is only a
mention: it must exist, but carries nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from attrs import frozen

from haiku_tuntap.properties.spec.clauses import clause_ids


class Kind(Enum):
    """What sort of thing carries a clause."""

    TRANSITION = "transitions"
    PROPERTY = "properties"
    PROOF = "proofs"
    STATEFUL = "stateful tests"
    MODEL = "other model"
    TEST = "tests"


# The first that fits decides.
FOLDERS = (
    ("model/reference", Kind.TRANSITION),
    ("model", Kind.MODEL),
    ("properties/framing", Kind.PROOF),
    ("properties/stateful", Kind.STATEFUL),
    ("properties", Kind.PROPERTY),
    ("tests", Kind.TEST),
)

# What reads the specification speaks of clauses without carrying any.
LEFT_OUT = ("properties/spec", "tests/properties/spec", "tests/test_spec.py")


@frozen
class Mention:
    """An id in the code: in which definition, if in any, and where."""

    id: str
    kind: Kind
    name: str | None
    file: str
    line: int

    @property
    def carries(self) -> bool:
        """Whether a definition stands behind it."""
        return self.name is not None


def read_mentions(top: Path) -> list[Mention]:
    """All mentions below a repository's top folder, file by file."""
    return [
        mention
        for folder in ("model", "properties", "tests")
        for file in sorted((top / folder).rglob("*.py"))
        for mention in _mentions(top, file)
    ]


def _mentions(top: Path, path: Path) -> Iterator[Mention]:
    file = path.relative_to(top).as_posix()
    if any(file == left or file.startswith(f"{left}/") for left in LEFT_OUT):
        return
    text = path.read_text(encoding="utf-8")
    found = [(n, i) for n, line in enumerate(text.splitlines(), start=1) for i in clause_ids(line)]
    if not found:
        return
    kind = next(kind for folder, kind in FOLDERS if file.startswith(f"{folder}/"))
    names = _names(text, file)
    for line, id_ in dict.fromkeys(found):
        yield Mention(id_, kind, names.get(line), file, line)


def _names(text: str, file: str) -> dict[int, str]:
    """The definition to which each line of a file belongs; the innermost function or class."""
    names: dict[int, str] = {}
    _name_lines(ast.parse(text, file), "", names)
    return names


def _name_lines(node: ast.AST, prefix: str, names: dict[int, str]) -> None:
    for child in ast.iter_child_nodes(node):
        name = _name(child)
        if name is None or not isinstance(child, ast.stmt):
            continue
        decorators = getattr(child, "decorator_list", [])
        first = min([child.lineno, *(d.lineno for d in decorators)])
        for line in range(first, (child.end_lineno or child.lineno) + 1):
            names[line] = f"{prefix}{name}"
        if isinstance(child, ast.ClassDef):
            _name_lines(child, f"{name}.", names)


def _name(node: ast.AST) -> str | None:
    """The name of a definition; a property or a proof goes by its id."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return None
    if isinstance(node.value, ast.Call):
        for keyword in node.value.keywords:
            if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else None
