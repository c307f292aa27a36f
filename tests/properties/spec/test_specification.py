"""Clauses, who carries them, and each thing that can be wrong between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from haiku_tuntap.properties.cli import main
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.spec import specification as module
from haiku_tuntap.properties.spec.carriers import Kind
from haiku_tuntap.properties.spec.specification import Specification, read_specification

TEXT = """# Reading

**READ-1.** A read must return the
first packet.

- **READ-2.** A read may be short.
- **READ-3.** A read never returns
  nothing; see READ-1.

```text
**READ-1.** What stands in a block must be no clause.
```
"""
REFERENCE = '''"""The reference. READ-1."""


def read(state):
    """READ-1: in order."""
    yield "READ-2"
'''
PROPERTY = """ORDER = Property(
    id="in-order",
    source="READ-1, READ-3",
)
"""
TEST = '''@parametrize("clause", ["READ-2"])
def test_short(clause):
    assert clause


class TestLong:
    def test_long(self):
        """READ-1; written in UTF-8."""
'''

Make = Callable[..., Path]


@pytest.fixture
def repository(tmp_path: Path) -> Make:
    """Makes a repository with a text and who carries it."""

    def make(text: str = TEXT, **files: str) -> Path:
        contents = {
            "spec/read.md": text,
            "model/reference/files.py": REFERENCE,
            "properties/order.py": PROPERTY,
            "tests/test_read.py": TEST,
            # Who reads the specification may name what is not there.
            "properties/spec/clauses.py": '"""Such as READ-77."""',
            "tests/test_spec.py": '"""Such as READ-78."""',
            **{name.replace("__", "/") + ".py": content for name, content in files.items()},
        }
        for name, content in contents.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        return tmp_path

    return make


def problems(top: Path) -> list[str]:
    return list(read_specification(top).problems())


# --- reading -------------------------------------------------------------------------------------


def test_a_clause_is_a_paragraph_or_a_list_item(repository: Make) -> None:
    clauses = read_specification(repository()).clauses
    assert [(c.id, c.text, c.chapter, c.line) for c in clauses] == [
        ("READ-1", "A read must return the first packet.", "read.md", 3),
        ("READ-2", "A read may be short.", "read.md", 6),
        ("READ-3", "A read never returns nothing; see READ-1.", "read.md", 7),
    ]


def carried(specification: Specification, clause: str) -> list[tuple[Kind, str | None, str, int]]:
    return [(m.kind, m.name, m.file, m.line) for m in specification.carriers(clause)]


def test_carriers_are_definitions_and_the_heads_of_modules_are_not(repository: Make) -> None:
    specification = read_specification(repository())
    assert carried(specification, "READ-1") == [
        (Kind.TRANSITION, "read", "model/reference/files.py", 5),
        (Kind.PROPERTY, "in-order", "properties/order.py", 3),
        (Kind.TEST, "TestLong.test_long", "tests/test_read.py", 8),
    ]
    assert carried(specification, "READ-2") == [
        (Kind.TRANSITION, "read", "model/reference/files.py", 6),
        (Kind.TEST, "test_short", "tests/test_read.py", 1),
    ]


def test_nothing_is_run(repository: Make) -> None:
    top = repository(properties__other='raise SystemExit("run!")')
    assert len(read_specification(top).clauses) == 3


# --- what can be wrong ---------------------------------------------------------------------------


def test_nothing_is_wrong_with_the_text_above(repository: Make) -> None:
    assert problems(repository()) == []


def test_a_clause_that_nothing_carries(repository: Make) -> None:
    top = repository(f"{TEXT}\n**READ-4.** It must be carried.\n")
    (problem,) = problems(top)
    assert problem.startswith("spec/read.md:14: no transition, property, proof or test carries")
    assert problem.endswith("READ-4; name it in the one that does")


def test_a_mention_in_the_head_of_a_module_carries_nothing(repository: Make) -> None:
    top = repository(f"{TEXT}\n**READ-4.** It must be.\n", model__other='"""READ-4."""\n')
    assert len(problems(top)) == 1


@pytest.mark.parametrize("folder", ["model", "model/reference", "properties", "tests"])
def test_an_id_in_the_code_that_the_text_does_not_have(repository: Make, folder: str) -> None:
    name = f"{folder.replace('/', '__')}__wrong"
    top = repository(**{name: 'def f():\n    """RAED-1."""\n'})
    assert problems(top) == [f"{folder}/wrong.py:2: there is no clause RAED-1"]


def test_an_id_in_the_text_that_it_does_not_have(repository: Make) -> None:
    in_a_clause = repository(TEXT.replace("see READ-1", "see READ-5"))
    assert problems(in_a_clause) == ["spec/read.md:8: there is no clause READ-5"]
    in_a_block = repository(TEXT.replace("**READ-1.** What", "**READ-9.** What"))
    assert problems(in_a_block) == ["spec/read.md:11: there is no clause READ-9"]


def test_an_id_that_is_given_twice(repository: Make) -> None:
    top = repository(f"{TEXT}\n**READ-1.** It must be another.\n")
    assert problems(top) == ["spec/read.md:14: READ-1 was given already, at read.md:3"]


def test_a_clause_that_demands_nothing(repository: Make) -> None:
    top = repository(TEXT.replace("may be short", "is short"))
    assert problems(top) == ["spec/read.md:6: READ-2 says neither must, may nor never"]


def test_a_demand_without_a_name(repository: Make) -> None:
    top = repository(f"{TEXT}\nAnd it must not fail.\n")
    assert problems(top) == [
        "spec/read.md:14: says must outside of a clause; make it one, or reword it"
    ]
    (top / "spec" / "words.md").write_text("*Must* and must are words.\n", encoding="utf-8")
    assert len(problems(top)) == 1


def test_without_the_text_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not part of this installation"):
        read_specification(tmp_path)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def tuntap_spec(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command on another repository."""
    real = read_specification

    def run(top: Path, *arguments: str) -> Result:
        monkeypatch.setattr(module, "read_specification", lambda: real(top))
        return CliRunner().invoke(main, ["spec", *arguments], catch_exceptions=False)

    return run


def test_the_list_of_a_whole_text(repository: Make, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(repository())
    assert ended.exit_code == 0
    assert "3 clauses in 1 chapter: each is carried" in ended.output
    assert [line.split() for line in ended.output.splitlines()[1:5]] == [
        ["spec/read.md"],
        ["READ-1", "read", "in-order", "1"],
        ["READ-2", "read", "1"],
        ["READ-3", "in-order"],
    ]


def test_the_list_of_a_wrong_text(repository: Make, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(repository(f"{TEXT}\n**READ-1.** It must be another.\n"))
    assert ended.exit_code == 1
    assert "spec/read.md:14: READ-1 was given already, at read.md:3" in ended.output
    assert ended.output.endswith("4 clauses in 1 chapter: 1 problem\n")


def test_one_clause(repository: Make, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(repository(), "read-1")
    assert ended.exit_code == 0
    assert [line.split() for line in ended.output.splitlines()] == [
        ["READ-1", "spec/read.md:3"],
        ["A", "read", "must", "return", "the", "first", "packet."],
        [],
        ["transitions", "model/reference/files.py:5", "read"],
        ["properties", "properties/order.py:3", "in-order"],
        ["tests", "tests/test_read.py:8", "TestLong.test_long"],
    ]


def test_a_clause_without_carriers(repository: Make, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(repository(f"{TEXT}\n**READ-4.** It must be.\n"), "READ-4")
    assert ended.output.endswith("Nothing carries it.\n")


def test_an_unknown_clause(repository: Make, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(repository(), "REED-3")
    assert ended.exit_code == 2
    assert "there is no clause named 'REED-3'; did you mean READ-3" in ended.output
    ended = tuntap_spec(repository(), "x")
    assert "there is no clause named 'x'; see `tuntap spec`" in ended.output


def test_no_text(tmp_path: Path, tuntap_spec: Callable[..., Result]) -> None:
    ended = tuntap_spec(tmp_path)
    assert ended.exit_code == 2
    assert "the text of the specification is not part of this installation" in ended.output
