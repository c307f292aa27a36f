"""The README is true: its trace, its files and its commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUNTAP = str(Path(sys.executable).with_name("tuntap"))


def block_after(marker: str) -> str:
    """The code block that follows a marker."""
    found = re.search(re.escape(marker) + r"\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no block after {marker}"
    return found.group(1)


def output_of(*command: str, cwd: Path) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_trace_in_the_readme_is_what_check_prints(tmp_path: Path) -> None:
    printed = output_of(TUNTAP, "check", "--scenario", "reader-close", cwd=tmp_path)
    assert block_after("<!-- trace -->") in printed


def test_the_change_in_the_readme_is_refuted_and_mended_is_not(tmp_path: Path) -> None:
    file = tmp_path / "my_driver.py"
    obvious = block_after("<!-- file: my_driver.py -->")
    file.write_text(obvious, encoding="utf-8")
    first = output_of(TUNTAP, "check", "my_driver.py", "--scenario", "reader-close", cwd=tmp_path)
    assert "KNOWN close-race" in first
    assert "1 known defect left, nothing new" in first
    mended = block_after("<!-- mend: my_driver.py -->")
    wrong = obvious[obvious.index("    async with fifo.lock:\n        fifo.closed = True") :]
    wrong = wrong[: wrong.index("    return B_OK\n") + len("    return B_OK\n")]
    file.write_text(obvious.replace(wrong, mended), encoding="utf-8")
    second = output_of(TUNTAP, "check", "my_driver.py", cwd=tmp_path)
    assert "FIXED close-race" in second
    assert "NEW" not in second


@pytest.mark.parametrize(
    "command",
    [
        "list",
        "explain close-race",
        "spec",
        "spec READ-3",
        "simulate",
        "simulate tunnel-repaired --pcap crossed.pcap",
        "frame",
        "prove tunnel-repaired --theorem reopen",
        "benchmark --scenario reader-close",
        "check --unreduced --scenario poll-sender --json results.json",
    ],
)
def test_the_commands_in_the_table_do_what_they_should(command: str, tmp_path: Path) -> None:
    name = command.split()[0]
    assert f"`tuntap {name}" in README
    assert output_of(TUNTAP, *command.split(), cwd=tmp_path)


def test_replay_shows_the_trace_of_a_token(tmp_path: Path) -> None:
    checked = output_of(TUNTAP, "check", "--scenario", "reader-close", cwd=tmp_path)
    [token] = re.findall(r"^tuntap replay (\S+)$", checked, re.MULTILINE)
    shown = output_of(TUNTAP, "replay", token, cwd=tmp_path)
    assert block_after("<!-- trace -->") in shown


@pytest.mark.parametrize("target", ["check", "test", "engines", "campaign", "lint", "benchmark"])
def test_the_make_targets_exist(target: str) -> None:
    assert shutil.which("make") is not None
    output_of("make", "--dry-run", target, cwd=ROOT)


def test_the_map_names_what_exists() -> None:
    for path in re.findall(r"`((?:model|properties)/[\w/]+(?:\.py)?)`", README):
        assert (ROOT / path).exists(), path
