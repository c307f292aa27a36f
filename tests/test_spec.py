"""The text of the specification is true: its clauses, its samples, its generated parts, its links.

(What `tuntap spec` finds wrong in texts that are wrong is in tests/properties/spec/.)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from haiku_tuntap.properties.spec.clauses import chapters
from haiku_tuntap.properties.spec.generate import PARTS, blocks, generated
from haiku_tuntap.properties.spec.specification import TOP, read_specification

BIN = Path(sys.executable).parent
# Formats and interfaces of this project, whose samples are tested where they are.
ELSEWHERE = {"check-json.md", "prove-json.md", "kit.md"}
CHAPTERS = [chapter for chapter in chapters(TOP / "spec") if chapter.name not in ELSEWHERE]
# What these find in all scenarios is tested in properties/test_expected_results.py.
IN_ONE_SCENARIO = {
    "tuntap check --no-traces": " --scenario reader-close",
    "tuntap check stack-repaired": " --scenario delete-reader",
}


def samples(language: str) -> list[object]:
    """The code blocks in a language, each with the chapter and line where it stands."""
    found: list[object] = []
    for chapter in CHAPTERS:
        text = chapter.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match.group(1), id=f"{chapter.name}:{line}"))
    return found


def test_every_clause_is_carried_and_every_one_that_is_named_exists() -> None:
    began = time.process_time()
    specification = read_specification()
    assert list(specification.problems()) == []
    assert time.process_time() - began < 2
    assert len(specification.clauses) > 80


@pytest.mark.parametrize("script", samples("sh"))
def test_commands_succeed(script: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    for command in script.splitlines():
        assert command.startswith("tuntap "), f"{command}: what else is run, the test must learn"
        ended = subprocess.run(
            command + IN_ONE_SCENARIO.get(command, ""),
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("program", samples("python"))
def test_programs_run(program: str) -> None:
    assert "assert" in program, "a sample says what comes of it"
    exec(compile(program, "sample", "exec"), {})


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_generated_parts_are_current(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    assert generated(text) == text, "run python -m haiku_tuntap.properties.spec.generate"


def test_every_generated_part_is_somewhere() -> None:
    used = [name for chapter in CHAPTERS for name, _ in blocks(chapter.read_text(encoding="utf-8"))]
    assert sorted(used) == sorted(PARTS)


def test_the_contents_page_names_every_chapter() -> None:
    contents = (TOP / "spec" / "README.md").read_text(encoding="utf-8")
    for chapter in CHAPTERS:
        assert chapter.name == "README.md" or f"]({chapter.name})" in contents


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_links_and_paths_lead_somewhere(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    for file, anchor in re.findall(r"\]\(([\w.-]*)(?:#([\w-]+))?\)", text):
        target = chapter.parent / file if file else chapter
        assert target.exists(), file
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    for path in re.findall(r"`((?:model|properties|tests|spec)/[\w./-]*)`", text):
        assert (TOP / path).exists(), path
