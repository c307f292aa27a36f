"""`tuntap prove`: what it prints, and how it ends. The proofs themselves are put in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties import verdict as verdicts
from haiku_tuntap.properties.check import Options
from haiku_tuntap.properties.cli import main
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove import running
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.outcome import Outcome
from haiku_tuntap.properties.prove.ranking.outcome import ProgressOutcome
from haiku_tuntap.properties.prove.theorems import THEOREMS, Theorem
from haiku_tuntap.properties.verdict import Trace, TraceStep, Verdict

Engine = Callable[..., None]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("prove", *arguments), catch_exceptions=False)


def _result(driver: Driver, scenario: Scenario, prop: Property, refuted: bool) -> verdicts.Result:
    step = TraceStep(1, 0, "begin user_read", None, None, None, ())
    trace = Trace(("reader",), (step,), ("It is stuck.",), True, "the/token")
    return verdicts.Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=Verdict.REFUTED if refuted else Verdict.HOLDS,
        states=7,
        depth=3,
        seconds=0.1,
        bounds="1 reader",
        trace=trace if refuted else None,
    )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Makes a prover that proves some theorems, and a search that refutes in some scenarios."""

    def install(*proved: str, refuted: Sequence[str] = (), interrupt: str | None = None) -> None:
        def attempt(driver: Driver, theorem: Theorem, tell: object, limit: object) -> Outcome:
            if theorem.id == interrupt:
                raise KeyboardInterrupt
            if theorem.id in proved:
                ids = frozenset(p.id for p in theorem.properties)
                return Outcome(proved=ids, progress=ProgressOutcome(Answer.PROVED))
            return Outcome(problems=("Z3 gave up: timeout",))

        def run_check(
            driver: Driver,
            scenarios: Sequence[Scenario],
            properties: Sequence[Property],
            options: Options,
            at_once: int,
        ) -> tuple[list[verdicts.Result], bool]:
            places = [(s, p) for s in scenarios for p in properties]
            return [
                _result(driver, s, p, s.name in refuted and p.id == "no-lost-wakeup")
                for s, p in places
            ], False

        monkeypatch.setattr(running, "attempt", attempt)
        monkeypatch.setattr(running, "run_check", run_check)

    return install


def test_everything_proved_ends_with_0_and_says_what_is_abstracted(engine: Engine) -> None:
    engine(*THEOREMS)
    run = _run("tunnel-repaired")
    assert run.exit_code == 0
    assert [name for name in THEOREMS if f"\n{name} " not in run.stdout] == []
    for said in (
        THEOREMS["packets"].threads,
        "Wake order: whoever waits may be woken first.",
        "Packets are counted",
        "Every packet has size 1",
        "That memory is used only while it is allocated is not claimed.",
        "There is one device.",
        "it would wrap after about 2^31",
        "That one particular reader is ever served is not claimed",
    ):
        assert said in " ".join(run.stdout.split())
    assert ", nothing new; " in run.stdout.splitlines()[-1]


def test_a_known_defect_is_shown_with_its_run(engine: Engine) -> None:
    engine("packets", refuted=["reader-close", "two-readers-close"])
    run = _run("tunnel", "-t", "close", "-t", "packets", "--jobs", "1")
    assert "REFUTED, KNOWN close-race" in run.stdout
    assert "a run of 1 step in reader-close" in run.stdout
    assert run.exit_code == 3  # no-deadlock is neither proved nor refuted
    assert "What is REFUTED is the driver's fault: a run shows it." in run.stdout
    assert "It is stuck." in run.stdout
    assert "It is stuck." not in _run("tunnel", "-t", "close", "--no-traces").stdout


def test_something_new_ends_with_1(engine: Engine) -> None:
    engine(refuted=["readers-senders"])
    run = _run("tunnel-repaired", "-t", "packets", "--jobs", "1")
    assert run.exit_code == 1
    assert "NEW: no-lost-wakeup in readers-senders" in run.stdout
    assert "1 NEW" in run.stdout.splitlines()[-1]


def test_neither_a_proof_nor_a_run_ends_with_3_and_says_what_was_tried(engine: Engine) -> None:
    engine()
    run = _run("tunnel-repaired", "-t", "packets")
    assert run.exit_code == 3
    said = " ".join(run.stdout.split())
    assert "No run was found within: readers-senders (1 reader); poll-reader-sender" in said
    assert "So it is open whether the driver is at fault." in said
    assert "Z3 gave up: timeout." in said
    assert "PROVED is for any number" not in said


def test_ctrl_c_shows_what_was_found_and_ends_with_130(engine: Engine, tmp_path: Path) -> None:
    engine("packets", interrupt="close")
    file = tmp_path / "proofs.json"
    run = _run("tunnel-repaired", "--jobs", "1", "--json", str(file))
    assert run.exit_code == 130
    assert "1 theorem: 4 PROVED, nothing new, interrupted; " in run.stdout.splitlines()[-1]
    document = json.loads(file.read_text())
    assert document["complete"] is False
    assert [theorem["id"] for theorem in document["theorems"]] == ["packets"]


def test_ctrl_c_in_one_of_several_processes_leaves_its_theorem_undetermined(
    engine: Engine,
) -> None:
    engine("packets", interrupt="close")
    run = _run("tunnel", "-t", "packets", "-t", "close", "--jobs", "2")
    assert "the proof did not come to its end: interrupted." in run.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["tunel"], "there is no driver named 'tunel'; did you mean tunnel"),
        (["none.py"], "there is no file none.py"),
        (["-t", "clsoe"], "there is no theorem named 'clsoe'; did you mean close?"),
        (["--json", "/none/x.json"], "--json /none/x.json: there is no directory /none"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_is_wrong(arguments: list[str], problem: str) -> None:
    run = _run(*arguments)
    assert (run.exit_code, run.stdout) == (2, "")
    assert run.stderr.startswith(f"tuntap: {problem}")


def test_a_bad_invariant_ends_with_2_before_anything_is_proved(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine()
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from haiku_tuntap.model.drivers.tunnel import TUNNEL\n"
        'driver = TUNNEL.derive("mine", "")\n'
        '@driver.invariant("packets", why="?")\n'
        "def counted(state):\n"
        "    return state.device.send_queue.wating == 0\n"
    )
    run = _run("mine.py")
    assert run.exit_code == 2
    assert run.stderr == (
        "tuntap: mine.py:5: invariant counted: send_queue has no wating; did you mean waiting?\n"
    )


def test_without_z3_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['z3'] = None; "
        "from haiku_tuntap.properties.cli import main; main(['prove'])"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == (
        "tuntap: Z3 is not installed; pip install 'haiku-tuntap-model[prove]' brings it\n"
    )
