"""The report of proofs: what a reader sees of a proof that failed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve
from rich.console import Console

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.outcome import (
    BrokenFact,
    BrokenStep,
    Crowd,
    ForbiddenState,
    Outcome,
    StateShown,
    Step,
    Variable,
)
from haiku_tuntap.properties.prove.ranking.outcome import (
    LevelShown,
    LoopStep,
    ProgressOutcome,
    Run,
    Search,
    Weight,
)
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.verdicts import Decisions, decision
from haiku_tuntap.properties.report.progress import LiveProofs
from haiku_tuntap.properties.report.proofs import print_decisions
from haiku_tuntap.properties.report.proofs_json import prove_document
from haiku_tuntap.properties.verdict import Result

JSON_TEXT = (Path(__file__).parents[3] / "spec" / "prove-json.md").read_text(encoding="utf-8")
STEP = Step(
    "sender", "lock(send_queue.lock)", Where("/somewhere/mine.py", 55), "stack/utility.cpp:211"
)
BROKEN = BrokenStep(
    facts=(
        BrokenFact(
            "announced",
            "A reader that sleeps has announced itself.",
            "threads(asleep in send_queue.notify) <= send_queue.waiting",
            "1 <= 0",
            "1 <= 1",
        ),
    ),
    step=STEP,
    states=StateShown(
        crowds=(
            Crowd(1, "sender", "about to lock(send_queue.lock)", "holds send_queue.lock"),
            Crowd(2, "reader", "asleep in acquire(send_queue.notify)"),
        ),
        variables=(Variable("send_queue.waiting", "1", "0"), Variable("send_queue.closed", "B_OK")),
        elsewhere=3,
    ),
)
FORBIDDEN = ForbiddenState(
    "no-lost-wakeup",
    "reader is stuck in acquire(device.send_queue.notify), although 1 packet lies in the queue",
    StateShown((Crowd(1, "reader", "asleep in acquire(send_queue.notify)"),), (), 0),
    None,
)
FIRST = BrokenFact("empty", "Nobody has sent.", "send_queue.buffers > 0", "0 > 0")
FAILED = Outcome(
    proved=frozenset({"kernel-rules"}),
    conjuncts=("announced", "empty"),
    at_first=(FIRST,),
    broken=(BROKEN,),
    forbidden=(FORBIDDEN, FORBIDDEN),
    problems=("Z3 gave up: timeout",),
    states=659,
    classes=141,
    transitions=89,
    queries=114,
    seconds=2.5,
)


@pytest.fixture
def decisions(result: Callable[..., Result]) -> Decisions:
    driver = TUNNEL.derive("mine", "")
    searched = [result("readers-senders", p) for p in ("no-lost-wakeup", "no-deadlock")]
    made = decision(driver, THEOREMS["packets"], FAILED, searched)
    return Decisions(driver, TUNNEL, (made,))


def _report(decisions: Decisions) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_decisions(console, decisions, 2.5, interrupted=False, traces=True)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO
    return "\n".join(line.rstrip() for line in lines)


def test_a_broken_step_is_two_states_side_by_side_and_the_fact_with_its_numbers(
    decisions: Decisions,
) -> None:
    assert """\
A step breaks announced:
  sender: lock(send_queue.lock)  (stack/utility.cpp:211, /somewhere/mine.py:55)

                      before                                after
  1 sender            about to lock(send_queue.lock)        holds send_queue.lock
  2 reader            asleep in acquire(send_queue.notify)  the same
  send_queue.waiting  1                                     0
  send_queue.closed   B_OK                                  the same
  3 more threads      elsewhere

  announced: A reader that sleeps has announced itself.
            threads(asleep in send_queue.notify) <= send_queue.waiting
    before  1 <= 1
    after   1 <= 0
""" in _report(decisions)


def test_a_forbidden_state_is_shown_once_and_the_others_are_counted(decisions: Decisions) -> None:
    assert """\
The invariant allows what no-lost-wakeup forbids:
  reader is stuck in acquire(send_queue.notify), although 1 packet lies in the queue

            state
  1 reader  asleep in acquire(send_queue.notify)

It allows 1 more kind of forbidden states.
""" in _report(decisions)


def test_what_is_not_true_at_first_has_its_numbers(decisions: Decisions) -> None:
    assert """\
Not true at first: empty
  empty: Nobody has sent.
          send_queue.buffers > 0
    here  0 > 0
""" in _report(decisions)


def test_it_says_what_was_tried_and_that_the_fault_is_open(decisions: Decisions) -> None:
    report = _report(decisions)
    assert "UNDETERMINED: no-lost-wakeup, no-deadlock in theorem packets\n" in report
    assert "No run was found within: readers-senders (1 reader, 1 close).\n" in report
    assert "So it is open whether the driver is at fault." in report
    assert "Z3 gave up: timeout.\n" in report
    assert "mine, compared with tunnel: 1 theorem: 1 PROVED, 3 UNDETERMINED, nothing new" in report


def test_a_proof_says_what_it_does_not_need_and_how_much_is_dead() -> None:
    outcome = Outcome(
        proved=frozenset(p.id for p in THEOREMS["packets"].properties),
        needless=("covered",),
        dead=("reader: get(files.fd3)", "poller: lock(device.select_pool.lock)"),
        classes=1,
    )
    made = decision(TUNNEL, THEOREMS["packets"], outcome, [])
    report = " ".join(_report(Decisions(TUNNEL, TUNNEL, (made,))).split())
    assert "nobody can ever be at 2 places, not needed: covered" in report


def test_the_json_has_all_of_it(decisions: Decisions) -> None:
    document = prove_document(decisions, 2.5, complete=True, exit_code=3)
    assert json.loads(json.dumps(document)) == document
    assert (document["schema"], document["version"]) == ("haiku-tuntap-model/prove", 1)
    assert (document["driver"], document["base"], document["exit"]) == ("mine", "tunnel", 3)
    [theorem] = document["theorems"]
    assert {f["property"]: f["verdict"] for f in theorem["findings"]} == {
        "no-lost-wakeup": "UNDETERMINED",
        "no-deadlock": "UNDETERMINED",
        "kernel-rules": "PROVED",
    }
    [search] = theorem["findings"][0]["searches"]
    assert (search["scenario"], search["verdict"]) == ("readers-senders", "HOLDS")
    proof = theorem["proof"]
    assert (proof["local_states"], proof["classes"], proof["transitions"]) == (659, 141, 89)
    [broken] = proof["broken"]
    assert broken["step"] == {
        "thread": "sender",
        "action": "lock(send_queue.lock)",
        "where": {"file": "/somewhere/mine.py", "line": 55},
        "source": "stack/utility.cpp:211",
    }
    assert broken["states"]["threads"][1] == {
        "number": 2,
        "kind": "reader",
        "before": "asleep in acquire(send_queue.notify)",
        "after": None,
    }
    assert broken["facts"][0]["numbers"] == "1 <= 0"
    assert proof["not_true_at_first"][0]["name"] == "empty"
    assert len(proof["forbidden"]) == 2


RESTLESS = ProgressOutcome(
    Answer.REFUTED,
    levels=(
        LevelShown("each reader's way to go", (Weight("reader", "primitive get(fd3)", 0, 2),)),
    ),
    loop=(LoopStep("reader", "lock(queue)", "take", STEP.where, STEP.source, 2),),
    search=Search(Run("readers-senders", 7, (("reader 2", "lock(queue)"),)), ("one",), True),
    queries=9,
    seconds=0.5,
)


def test_threads_that_never_rest_are_new_and_the_json_has_the_run(decisions: Decisions) -> None:
    [made] = decisions.decisions
    restless = evolve(made, outcome=evolve(made.outcome, progress=RESTLESS))
    decisions = evolve(decisions, decisions=(restless,))
    assert (decisions.new, decisions.exit_code) == (1, 1)
    report = _report(decisions)
    assert (
        "progress        REFUTED, NEW  a round of 1 step without end in readers-senders" in report
    )
    assert "In readers-senders, after 7 steps, 1 step can be made again and again:" in report
    document = prove_document(decisions, 2.5, complete=True, exit_code=1)
    progress = document["theorems"][0]["progress"]
    assert json.loads(json.dumps(progress)) == progress
    assert (progress["verdict"], progress["queries"]) == ("REFUTED", 9)
    assert progress["loop"][0]["times"] == 2
    assert progress["levels"][0]["weights"][0]["most"] == 2
    assert progress["search"] == {
        "scenarios": ["one"],
        "complete": True,
        "shown": "readers-senders",
        "steps_before": 7,
        "round": [{"thread": "reader 2", "action": "lock(queue)"}],
    }
    assert [name for name in _names(progress) if f"`{name}`" not in JSON_TEXT] == []


def test_every_field_of_the_json_is_described(decisions: Decisions) -> None:
    document = prove_document(decisions, 2.5, complete=True, exit_code=3)
    for finding in document["theorems"][0]["findings"]:
        finding["searches"] = []  # they are described with those of a check
    assert [name for name in _names(document) if f"`{name}`" not in JSON_TEXT] == []


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def test_each_proof_that_runs_has_a_line() -> None:
    console = Console(file=io.StringIO(), width=100)
    live = LiveProofs(console, 2)
    live.started("packets")
    live.started("close")
    live.news("close", ("transitions", 40, 115))
    live.finished("packets")
    console.print(live.lines())
    first, last = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # StringIO
    assert first.split() == ["close", "transitions", "40", "of", "115"]
    assert last.startswith("1 of 2 proofs tried")
