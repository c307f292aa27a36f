"""What is proved of the drivers, what is refuted, and whether a failed proof is the driver's fault.

A proof takes seconds, so that each is tried once.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.properties.known import shipped_base
from haiku_tuntap.properties.loading import InputError, load_driver
from haiku_tuntap.properties.prove import verdicts
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.counted.population import CannotCountError
from haiku_tuntap.properties.prove.outcome import Outcome
from haiku_tuntap.properties.prove.running import ProofRun
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.verdicts import (
    Decisions,
    Finding,
    attempt,
    decision,
    require_provable,
)
from haiku_tuntap.properties.report.proofs import print_decisions
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
PROVED, REFUTED, UNDETERMINED = Answer.PROVED, Answer.REFUTED, Answer.UNDETERMINED


def _decide(driver: str, *theorems: str) -> Decisions:
    run = ProofRun(load_driver(driver), None, 1)
    decisions, interrupted = run.run([THEOREMS[theorem] for theorem in theorems])
    assert not interrupted
    return decisions


def _answers(decisions: Decisions) -> dict[tuple[str, str], Answer]:
    return {(f.theorem.id, f.prop.id): f.answer for f in decisions.findings}


def _steps(finding: Finding) -> int:
    shown = finding.refutation
    assert shown is not None
    assert shown.trace is not None
    assert shown.trace.shortest
    return len(shown.trace.steps)


# --- the shipped drivers --------------------------------------------------------------------------


def test_of_tunnel_packets_are_proved_and_close_is_refuted_by_the_known_race() -> None:
    decisions = _decide("tunnel", "packets", "close")
    assert _answers(decisions) == {
        ("packets", "no-lost-wakeup"): PROVED,
        ("packets", "no-deadlock"): PROVED,
        ("packets", "kernel-rules"): PROVED,
        ("close", "no-lost-wakeup"): REFUTED,
        ("close", "no-deadlock"): PROVED,
        ("close", "kernel-rules"): PROVED,
    }
    [refuted] = [f for f in decisions.findings if f.answer is REFUTED]
    assert (refuted.comparison, refuted.defect and refuted.defect.id) == (
        Comparison.KNOWN,
        "close-race",
    )
    assert _steps(refuted) == 10
    assert decisions.exit_code == 0


def test_of_tunnel_repaired_both_are_proved() -> None:
    decisions = _decide("tunnel-repaired", "packets", "close")
    assert set(_answers(decisions).values()) == {PROVED}
    assert len(decisions.findings) == 6
    assert decisions.exit_code == 0


def test_a_flag_alone_does_not_repair_close() -> None:
    decisions = _decide("tunnel-flag-only", "close")
    refuted = decisions.findings[0]
    assert (refuted.prop.id, refuted.answer) == ("no-lost-wakeup", REFUTED)
    assert _steps(refuted) == 12
    assert refuted.comparison is Comparison.KNOWN


# --- a user's change ------------------------------------------------------------------------------

BYTES = """
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.events import packet_taken
from haiku_tuntap.model.kernel.net_fifo import NetFifo, take_first_buffer
from haiku_tuntap.model.language import procedure

driver = TUNNEL.derive("mine", "the queue's bytes are never given back")


@driver.replaces(take_first_buffer)
@procedure()
async def take(fifo: NetFifo) -> NetBuffer:
    buffer = fifo.buffers[0]
    fifo.buffers = fifo.buffers[1:]
    packet_taken(fifo, buffer)
    return buffer
"""

WEAKER = """

@driver.invariant("packets", why="Bytes only grow.")
def bytes_are_packets(state):
    queue = state.device.send_queue
    return queue.current_bytes >= queue.buffers
"""

FORGETS = """
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.net_fifo import NetFifo, fifo_notify_one_reader
from haiku_tuntap.model.language import procedure

driver = TUNNEL.derive("mine", "a lone reader is not notified")


@driver.replaces(fifo_notify_one_reader)
@procedure()
async def notify(fifo: NetFifo) -> None:
    if fifo.waiting > 1:
        fifo.waiting -= 1
        await fifo.notify.release()
"""


def _of_file(folder: Path, text: str) -> Decisions:
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    return _decide(str(file), "packets")


def test_a_change_that_breaks_only_the_invariant_is_undetermined(tmp_path: Path) -> None:
    decisions = _of_file(tmp_path, BYTES)
    assert set(_answers(decisions).values()) == {UNDETERMINED}
    assert decisions.exit_code == 3
    [broken] = decisions.decisions[0].outcome.broken
    [fact] = broken.facts
    assert (fact.name, fact.before, fact.numbers) == ("bytes-are-packets", "1 == 1", "1 == 0")
    assert fact.formula == "send_queue.current_bytes == send_queue.buffers"
    assert (broken.step.thread, broken.step.action) == ("reader", "lock(send_queue.lock)")
    assert broken.step.source == "stack/utility.cpp:232"
    tried = [(r.scenario, r.verdict) for r in decisions.findings[0].searches]
    assert tried == [
        ("readers-senders", Verdict.HOLDS),
        ("poll-reader-sender", Verdict.HOLDS),
    ]
    assert README.partition("<!-- broken -->\n```text\n")[2].partition("```")[0] in _report(
        decisions
    )


def _report(decisions: Decisions) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_decisions(console, decisions, 1.0, interrupted=False, traces=True)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO
    return "\n".join(line.rstrip() for line in lines)


def test_with_the_invariant_weakened_in_the_file_it_is_proved(tmp_path: Path) -> None:
    decisions = _of_file(tmp_path, BYTES + WEAKER)
    assert set(_answers(decisions).values()) == {PROVED}
    assert decisions.exit_code == 0


def test_a_change_that_breaks_the_driver_is_refuted_by_a_run(tmp_path: Path) -> None:
    decisions = _of_file(tmp_path, FORGETS)
    refuted = decisions.findings[0]
    assert (refuted.answer, refuted.comparison) == (REFUTED, Comparison.NEW)
    assert _steps(refuted) == 11
    assert decisions.exit_code == 1
    assert "covered" in [f.name for b in decisions.decisions[0].outcome.broken for f in b.facts]


# --- compared with what is known, without proofs --------------------------------------------------

CLOSE = THEOREMS["close"]


def _result(scenario: str, verdict: Verdict, limit: str | None = None) -> Result:
    return Result("it", scenario, "no-lost-wakeup", verdict, 1, 1, 0.0, "", limit=limit)


def _finding(driver: str, outcome: Outcome, *searched: Result) -> tuple[Finding, int]:
    loaded = DRIVERS.get(driver) or TUNNEL.derive(driver, "")
    made = decision(loaded, CLOSE, outcome, searched)
    found = made.findings[0]
    one = type(made)(CLOSE, outcome, (found,))
    return found, Decisions(loaded, shipped_base(loaded), (one,)).exit_code


ALL_PROVED = Outcome(proved=frozenset(p.id for p in CLOSE.properties))


def test_what_is_proved_of_a_change_and_declared_of_its_base_is_fixed() -> None:
    found, exit_code = _finding("mine", ALL_PROVED)
    assert found.comparison is Comparison.FIXED
    assert found.defect is not None
    assert found.defect.id == "close-race"
    assert exit_code == 0


def test_a_shipped_driver_that_is_proved_and_declares_a_defect_there_is_wrong() -> None:
    found, exit_code = _finding("tunnel", ALL_PROVED)
    assert (found.answer, found.missing) == (PROVED, True)
    assert exit_code == 1


def test_a_declared_defect_that_the_whole_search_does_not_find_is_missing() -> None:
    searched = [_result(name, Verdict.HOLDS) for name in CLOSE.scenarios]
    found, exit_code = _finding("tunnel", Outcome(), *searched)
    assert (found.answer, found.missing) == (UNDETERMINED, True)
    assert exit_code == 1


def test_what_was_not_searched_is_not_missing() -> None:
    found, exit_code = _finding("tunnel", Outcome())
    assert (found.answer, found.missing) == (UNDETERMINED, False)
    assert exit_code == 3


def test_a_search_that_hits_a_limit_leaves_it_undetermined() -> None:
    searched = [_result("reader-close", Verdict.UNDETERMINED, "10 states")]
    found, exit_code = _finding("tunnel", Outcome(), *searched)
    assert (found.answer, found.missing) == (UNDETERMINED, False)
    assert exit_code == 3


# --- limits and mistakes --------------------------------------------------------------------------


def test_a_proof_that_takes_too_long_is_given_up() -> None:
    outcome = attempt(TUNNEL, THEOREMS["packets"], lambda _: None, 1e-9)
    assert outcome.problems == ("the proof was given up after 1e-09 s",)
    assert outcome.proved == frozenset()


def test_ctrl_c_in_a_proof_comes_out() -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(TUNNEL, THEOREMS["packets"], interrupt, None)


RETURNS = "    return queue.waiting >= 0"


@pytest.mark.parametrize(
    ("text", "instead", "line", "problem"),
    [
        (RETURNS, "    return queue.wating >= 0", 6, "send_queue has no wating; did you mean wait"),
        (RETURNS, "    return queue.waiting", 3, "it gives send_queue.waiting, which is no fact"),
        (RETURNS, "    queue.waiting >= 0", 3, "it gives nothing, which is no fact"),
        (RETURNS, "    return 1 / 0 > queue.waiting", 6, "ZeroDivisionError: division by zero"),
        (RETURNS, RETURNS + " and queue.buffers >= 0", 6, "a fact is about all states, so that Py"),
        ('"packets"', '"pakets"', 3, "there is no theorem named 'pakets'; did you mean packets?"),
        ('"packets", ', "", 3, "it names no theorem; there are packets, close"),
        ("state.device", "state.devise", 5, "the system of theorem packets has no devise; did yo"),
    ],
)
def test_a_mistake_in_an_invariant_is_said_with_its_line(
    tmp_path: Path, text: str, instead: str, line: int, problem: str
) -> None:
    good = (
        "from haiku_tuntap.model.drivers.tunnel import TUNNEL\n"
        'driver = TUNNEL.derive("mine", "")\n'
        '@driver.invariant("packets", why="?")\n'
        "def counted(state):\n"
        "    queue = state.device.send_queue\n"
        f"{RETURNS}\n"
    )
    file = tmp_path / "mine.py"
    file.write_text(good.replace(text, instead), encoding="utf-8")
    driver = load_driver(str(file))
    with pytest.raises(InputError) as raised:
        require_provable(driver, [THEOREMS["packets"]])
    place, _, said = str(raised.value).partition(": invariant counted: ")
    assert place.endswith(f"mine.py:{line}")
    assert said.startswith(problem)


def test_what_cannot_be_counted_is_undetermined_and_says_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prove(*_: object) -> None:
        raise CannotCountError("a thread has two records of class Ticket")

    monkeypatch.setattr(verdicts, "prove", prove)
    outcome = attempt(TUNNEL, CLOSE, lambda _: None, None)
    assert outcome.problems == (
        "integers cannot stand for this: a thread has two records of class Ticket",
    )
    assert _finding("mine", outcome)[1] == 3
