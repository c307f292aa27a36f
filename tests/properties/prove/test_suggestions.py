"""`tuntap prove --suggest`: what it finds makes a proof, and when it finds nothing it says so."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from haiku_tuntap.properties.loading import load_driver
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.counted import suggest
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.suggest import Candidate
from haiku_tuntap.properties.prove.running import ProofRun
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.verdicts import Decision
from haiku_tuntap.properties.report.suggestions import conjunct, print_suggestion

FILE = """
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED

driver = TUNNEL_REPAIRED.derive("mine", "the same, with less of an invariant")
driver.without_invariant("{name}")
"""
LACKING = ("no-lost-wakeup", "interface-down-returns")
FEW = ("receive_queue.closed", "receive_queue.waiting", "reader_thread.resumed")


def _decide(folder: Path, text: str, theorem: str, seconds: float | None = None) -> Decision:
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    run = ProofRun(load_driver(str(file)), seconds, 1, suggests=True)
    decisions, interrupted = run.run([THEOREMS[theorem]])
    assert not interrupted
    return decisions.decisions[0]


def _report(decision: Decision) -> str:
    console = Console(file=io.StringIO(), width=100)
    assert decision.suggestion is not None
    print_suggestion(console, decision.theorem.id, decision.suggestion)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # the StringIO


def test_what_it_suggests_proves_what_was_undetermined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among fewer facts than there are, for the sake of time."""
    every = suggest.candidates

    def few(space: Space) -> Iterator[Candidate]:
        return (c for c in every(space) if c.variable is None or c.variable.endswith(FEW))

    monkeypatch.setattr(suggest, "candidates", few)
    text = FILE.format(name="down-closes-the-queue")
    made = _decide(tmp_path, text, "interface")
    assert tuple(f.prop.id for f in made.undetermined) == LACKING
    found = made.suggestion
    assert found is not None
    assert (found.proved, found.stopped) == (LACKING, False)
    waits = "somebody is at down: blocked wait_for_exit(device interface.reader_thread) -> "
    assert f"{waits}device.receive_queue.closed == 1" in [fact.text for fact in found.facts]
    assert {fact.text for fact in found.facts} <= set(found.true)
    assert f"it proves {', '.join(LACKING)}:" in _report(made)
    with_it = "\n".join([text, *conjunct("interface", found)])
    again = _decide(tmp_path, with_it, "interface")
    assert {f.answer for f in again.findings} == {Answer.PROVED}
    assert again.suggestion is None


def test_when_time_runs_out_it_says_that_it_found_nothing(tmp_path: Path) -> None:
    made = _decide(tmp_path, FILE.format(name="announced"), "reopen", seconds=4)
    assert [f.prop.id for f in made.undetermined] == ["no-lost-wakeup"]
    found = made.suggestion
    assert found is not None
    assert (found.facts, found.proved, found.true, found.stopped) == ((), (), (), True)
    assert "Nothing was found: time ran out" in _report(made)


def test_when_no_fact_helps_it_says_so_and_what_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = suggest.candidates

    def simple(space: Space) -> Iterator[Candidate]:
        return (c for c in every(space) if c.place is None or c.variable is None)

    monkeypatch.setattr(suggest, "candidates", simple)
    made = _decide(tmp_path, FILE.format(name="announced"), "reopen")
    found = made.suggestion
    assert found is not None
    assert (found.facts, found.proved, found.stopped) == ((), (), False)
    assert "device.send_queue.waiting >= 0" in found.true
    report = _report(made)
    assert "Nothing was found: all that are true together do not make a proof." in report
    assert f"{len(found.true)} of them hold always:" in report
