"""What is proved of the drivers, what is refuted, and whether a failed proof is the driver's fault.

A proof takes seconds, so that each is tried once.
"""

from __future__ import annotations

import io
import re
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
from haiku_tuntap.properties.prove.counted.proof import Attempt
from haiku_tuntap.properties.prove.limits import OutOfTimeError
from haiku_tuntap.properties.prove.outcome import Outcome
from haiku_tuntap.properties.prove.ranking.outcome import NO_INVARIANT, ProgressOutcome
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
from haiku_tuntap.properties.report.proofs_json import prove_document
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
PROVED, REFUTED, UNDETERMINED = Answer.PROVED, Answer.REFUTED, Answer.UNDETERMINED


def _decide(driver: str, *theorems: str) -> Decisions:
    run = ProofRun(load_driver(driver), None, 1)
    decisions, interrupted = run.run([THEOREMS[theorem] for theorem in theorems])
    assert not interrupted
    return decisions


def _answers(decisions: Decisions) -> dict[tuple[str, str], Answer]:
    """Of each theorem's properties, and of its threads' progress."""
    found = {(f.theorem.id, f.prop.id): f.answer for f in decisions.findings}
    for made in decisions.decisions:
        found[(made.theorem.id, "progress")] = made.outcome.progress.answer
    return found


def _defect(finding: Finding) -> str | None:
    return finding.defect.id if finding.defect is not None else None


def _steps(finding: Finding) -> int:
    shown = finding.refutation
    assert shown is not None
    assert shown.trace is not None
    assert shown.trace.shortest
    return len(shown.trace.steps)


# --- the shipped drivers --------------------------------------------------------------------------


CLOSE_RACE_IN_12 = {
    ("close", "no-lost-wakeup"): ("close-race", 12),
    ("reopen", "no-lost-wakeup"): ("close-race", 12),
}
LEFT = {
    ("nonblocking", "nonblocking"): ("nonblock-ignored", 5),
    ("interface", "no-lost-wakeup"): ("down-race", 24),
    ("interface", "interface-down-returns"): ("down-race", 24),
}
KNOWN = {  # what is refuted: by which declared defect, and how long its shortest run is
    "tunnel": {
        ("close", "no-lost-wakeup"): ("close-race", 10),
        ("reopen", "no-lost-wakeup"): ("close-race", 10),
        **LEFT,
    },
    "tunnel-repaired": {},
    "tunnel-flag-only": {**CLOSE_RACE_IN_12, **LEFT},
    "tunnel-semaphore": LEFT,
}
FIXED = {
    ("tunnel-semaphore", "close", "no-lost-wakeup"): "close-race",
    ("tunnel-semaphore", "reopen", "no-lost-wakeup"): "close-race",
}


@pytest.mark.parametrize("theorem", THEOREMS)
@pytest.mark.parametrize("driver", KNOWN)
def test_all_is_proved_of_a_shipped_driver_but_what_a_known_defect_refutes(
    driver: str, theorem: str
) -> None:
    decisions = _decide(driver, theorem)
    places = [(theorem, prop.id) for prop in THEOREMS[theorem].properties]
    known = {place: KNOWN[driver][place] for place in places if place in KNOWN[driver]}
    answers = {place: REFUTED if place in known else PROVED for place in places}
    assert _answers(decisions) == {**answers, (theorem, "progress"): PROVED}
    found = {(f.theorem.id, f.prop.id): f for f in decisions.findings}
    for place, (defect, steps) in known.items():
        assert (_defect(found[place]), _steps(found[place])) == (defect, steps)
        assert found[place].comparison is Comparison.KNOWN
    fixed = {p: _defect(f) for p, f in found.items() if f.comparison is Comparison.FIXED}
    assert fixed == {
        (t, p): d for (name, t, p), d in FIXED.items() if (name, t) == (driver, theorem)
    }
    assert decisions.exit_code == 0


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
    assert decisions.decisions[0].outcome.progress.problems == (NO_INVARIANT,)
    assert decisions.exit_code == 3
    [broken] = decisions.decisions[0].outcome.broken
    [fact] = broken.facts
    assert fact.name == "bytes-are-packets"
    assert fact.formula == "send_queue.current_bytes == send_queue.buffers"
    assert _equal(fact.before)
    assert not _equal(fact.numbers)
    assert (broken.step.thread, broken.step.action) == ("reader", "lock(send_queue.lock)")
    assert broken.step.source == "stack/utility.cpp:232"
    tried = [(r.scenario, r.verdict) for r in decisions.findings[0].searches]
    assert tried == [
        ("readers-senders", Verdict.HOLDS),
        ("poll-reader-sender", Verdict.HOLDS),
    ]
    shown = README.partition("<!-- broken -->\n```text\n")[2].partition("```")[0]
    report = _without_numbers(_report(decisions))
    for part in _without_numbers(shown).split("\n\n"):
        if "before     " not in part:  # which state is shown there is Z3's choice
            assert part in report


def _equal(numbers: str | None) -> bool:
    """Whether it is so that `1 == 1`."""
    left, right = re.findall(r"\d+", numbers or "")
    return bool(left == right)


def _without_numbers(text: str) -> str:
    return re.sub(r"\b\d+ == \d+", "number == number", text)


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


BUSY = """
from haiku_tuntap.model.drivers.repairs.closable_fifo import ClosableFifo
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer, take_first_buffer
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_OK, B_WOULD_BLOCK, Status

driver = TUNNEL_REPAIRED.derive("mine", "a reader that was woken gives its token back first")


@driver.replaces(fifo_dequeue_buffer)
@procedure()
async def dequeue(fifo: ClosableFifo, *, wait: bool) -> tuple[Status, NetBuffer | None]:
    async with fifo.lock as locker:
        while len(fifo.buffers) == 0:
            if fifo.closed != B_OK:
                return fifo.closed, None
            if wait:
                fifo.waiting += 1
            await locker.unlock()
            if not wait:
                return B_WOULD_BLOCK, None
            status = await fifo.notify.acquire(interruptible=True)
            if status != B_OK:
                return status, None
            await fifo.notify.release()
            await locker.lock()
        buffer = await take_first_buffer(fifo)
        return B_OK, buffer
"""


def test_a_change_whose_threads_never_rest_is_new_although_its_properties_are_proved(
    tmp_path: Path,
) -> None:
    decisions = _of_file(tmp_path, BUSY)
    assert {f.answer for f in decisions.findings} == {PROVED}
    progress = decisions.decisions[0].outcome.progress
    assert progress.answer is REFUTED
    assert (decisions.new, decisions.exit_code) == (1, 1)
    report = _report(decisions)
    row = next(line for line in report.splitlines() if line.lstrip().startswith("progress "))
    assert row.split(maxsplit=3)[1:3] == ["REFUTED,", "NEW"]
    assert row.endswith("a round of 4 steps without end in readers-senders")
    assert "mine.py:" in report.partition("REFUTED: progress in theorem packets")[2]
    document = prove_document(decisions, 1.0, complete=True, exit_code=1)
    shown = document["theorems"][0]["progress"]
    assert (shown["verdict"], shown["search"]["shown"]) == ("REFUTED", "readers-senders")
    assert len(shown["loop"]) == len(shown["search"]["round"]) == 4


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


ALL_PROVED = Outcome(
    proved=frozenset(p.id for p in CLOSE.properties), progress=ProgressOutcome(PROVED)
)


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


def test_a_search_for_a_measure_that_takes_too_long_leaves_the_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def progress(*_: object) -> None:
        raise OutOfTimeError

    monkeypatch.setattr(verdicts, "progress", progress)
    outcome = attempt(TUNNEL, THEOREMS["interface"], lambda _: None, 500)
    assert outcome.proved == {"no-deadlock", "kernel-rules"}
    assert outcome.progress.answer is UNDETERMINED
    assert outcome.progress.problems == ("looking for a measure was given up after 500 s",)


def test_a_proof_tells_how_many_local_states_it_has_found() -> None:
    told: list[str] = []
    Attempt(TUNNEL, THEOREMS["packets"], lambda what, done, of: told.append(what)).prepare()
    assert told == ["local states", "256 local states", "512 local states"]


def test_ctrl_c_in_a_proof_comes_out() -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(TUNNEL, THEOREMS["packets"], interrupt, None)


def test_ctrl_c_while_a_measure_is_looked_for_leaves_the_proof_and_ends_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def progress(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verdicts, "progress", progress)
    run = ProofRun(DRIVERS["tunnel-repaired"], None, 1)
    decisions, interrupted = run.run([THEOREMS["interface"], THEOREMS["reopen"]])
    assert interrupted
    assert [d.theorem.id for d in decisions.decisions] == ["interface"]
    assert {f.answer for f in decisions.findings} == {PROVED}
    outcome = decisions.decisions[0].outcome.progress
    assert outcome.answer is UNDETERMINED
    assert outcome.problems == ("looking for a measure was interrupted",)
    assert "UNDETERMINED  looking for a measure was interrupted" in _report(decisions)


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
