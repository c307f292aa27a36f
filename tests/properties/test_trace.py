"""The trace of the close race, row for row, and what traces are in general."""

from __future__ import annotations

import re

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options, build, check_scenario, search
from haiku_tuntap.properties.explore import schedule
from haiku_tuntap.properties.explore.search import Limits
from haiku_tuntap.properties.trace import fingerprint
from haiku_tuntap.properties.verdict import Change, Result, Trace

ALL = list(PROPERTIES.values())
TUNNEL = DRIVERS["tunnel"]

# Violations of a last state, of a last step, of a step with a choice, and of a service thread.
REFUTED = [
    ("reader-close", "no-lost-wakeup"),
    ("reused-number", "own-file"),
    ("user-copy-faults", "ownership"),
    ("cookie-allocation-fails", "exclusive-open"),
    ("nonblocking-reader", "nonblocking"),
    ("down-while-waiting", "interface-down-returns"),
]


def refutation(scenario: str, prop: str, *, reduced: bool = True) -> Result:
    options = Options(reduced=reduced)
    results = check_scenario(TUNNEL, SCENARIOS[scenario], ALL, options)
    return next(r for r in results if r.property == prop)


def trace_of(result: Result) -> Trace:
    assert result.trace is not None
    return result.trace


@pytest.fixture(scope="module")
def close_race() -> Trace:
    return trace_of(refutation("reader-close", "no-lost-wakeup"))


# --- the close race ------------------------------------------------------------------------------


def test_the_close_race_is_told_step_by_step(close_race: Trace) -> None:
    queue = "device.send_queue"
    told = [(close_race.threads[s.thread], s.action, s.source) for s in close_race.steps]
    assert told == [
        ("reader", "begin user_read", None),
        ("reader", "get(files.fd3)", "kernel/fs/fd.cpp:798"),
        ("reader", f"lock({queue}.lock)", "stack/utility.cpp:232"),
        ("reader", f"unlock({queue}.lock)", "stack/utility.cpp:260"),
        ("closer", "begin user_close", None),
        ("closer", "remove(files.fd3)", "kernel/fs/fd.cpp:242"),
        ("closer", "add(descriptor.open_count)", "kernel/fs/fd.cpp:230"),
        ("closer", f"release_all({queue}.notify)", "tunnel.cpp:120"),
        ("reader", f"acquire({queue}.notify)", "stack/utility.cpp:266-267"),
        ("closer", "add(descriptor.ref_count)", "kernel/fs/fd.cpp:184"),
    ]
    assert [s.number for s in close_race.steps] == list(range(1, 11))


def test_the_close_race_says_what_came_of_its_steps(close_race: Trace) -> None:
    assert {s.number: s.outcome for s in close_race.steps if s.outcome} == {
        9: "sleeps",
        10: "close returns",
    }


def test_the_close_race_shows_what_its_steps_changed(close_race: Trace) -> None:
    changes = {s.number: s.changes for s in close_race.steps}
    assert Change("device.send_queue.waiting", "0", "1") in changes[3]
    assert (changes[6][0].name, changes[6][0].after) == ("files.fd3.descriptor", "none")
    assert [(c.before, c.after) for c in changes[7] if c.name.endswith("open_count")] == [
        ("1", "0")
    ]
    assert changes[8] == ()  # nobody was asleep, and nothing is stored
    assert [(c.before, c.after) for c in changes[10] if c.name.endswith("ref_count")] == [
        ("2", "1")
    ]


def test_the_close_race_ends_in_words(close_race: Trace) -> None:
    assert close_race.conclusion == (
        "Reader is stuck in acquire(device.send_queue.notify), although the last slot of its "
        "descriptor was closed.",
        "Reader sleeps in acquire(device.send_queue.notify) since step 9.",
        "Closer has already released everybody who was waiting, in step 8; that left nothing for "
        "those who came later.",
        "No thread inside a call and no kernel thread can take a step: nobody will come.",
    )


def test_every_step_inside_a_call_has_a_line_of_the_model(close_race: Trace) -> None:
    inside = [s for s in close_race.steps if not s.action.startswith("begin")]
    assert {s.where.file.rsplit("/", 1)[-1] for s in inside if s.where is not None} == {
        "system_calls.py",
        "net_fifo.py",
        "descriptors.py",
        "tunnel.py",
    }
    assert all(s.where is not None for s in inside)


# --- traces in general ---------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "prop"), REFUTED)
def test_a_trace_is_as_short_as_the_unreduced_search_is_deep(scenario: str, prop: str) -> None:
    """Which is breadth-first, so no run of the model with fewer steps violates the property."""
    trace = trace_of(refutation(scenario, prop))
    model = build(TUNNEL, SCENARIOS[scenario], ALL, reduced=False)
    violation = search(model, ALL, Limits()).violations[prop]
    assert trace.shortest is True
    assert len(trace.steps) == violation.depth


@pytest.mark.parametrize(("scenario", "prop"), REFUTED)
def test_the_unreduced_search_tells_the_same_trace(scenario: str, prop: str) -> None:
    reduced = trace_of(refutation(scenario, prop))
    unreduced = trace_of(refutation(scenario, prop, reduced=False))
    assert (reduced.steps, reduced.conclusion) == (unreduced.steps, unreduced.conclusion)


@pytest.mark.parametrize(("scenario", "prop"), [*REFUTED, ("down-twice", "interface-down-returns")])
def test_the_reason_of_a_result_is_what_its_trace_shows(scenario: str, prop: str) -> None:
    result = refutation(scenario, prop)
    assert result.reason is not None
    assert trace_of(result).conclusion[0] == f"{result.reason[0].upper()}{result.reason[1:]}."


def test_a_token_names_everything_that_the_run_depends_on(close_race: Trace) -> None:
    model = build(TUNNEL, SCENARIOS["reader-close"], ALL, reduced=False)
    mark = fingerprint(model)
    assert re.fullmatch("[0-9a-f]{6}", mark)
    assert close_race.token == f"tunnel/reader-close/no-lost-wakeup/{mark}/a4b4a1b1"


def test_the_fingerprint_is_of_the_text() -> None:
    def of(driver: str) -> str:
        return fingerprint(build(DRIVERS[driver], SCENARIOS["reader-close"], ALL, reduced=False))

    assert of("tunnel") == of("tunnel")
    assert of("tunnel") == of("repair-open-leak")  # nothing is opened in that scenario
    assert len({of("tunnel"), of("repair-close-race"), of("tunnel-flag-only")}) == 3


# --- how schedules are written -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "word"),
    [
        ([(0, 0)], "a1"),
        ([(0, 0), (0, 0), (1, 0), (0, 0)], "a2b1a1"),
        ([(0, 0), (0, 1), (0, 1), (2, 0)], "a1a2!1c1"),
        ([(25, 12)] * 11, "z11!12"),
    ],
)
def test_a_schedule_is_written_and_read(moves: list[schedule.Move], word: str) -> None:
    assert schedule.write(moves) == word
    assert schedule.read(word) == moves


def test_no_schedule_at_all_is_not_read() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        schedule.read("")


@pytest.mark.parametrize("word", ["a", "1a", "a1b", "a1 b1", "a1!", "A1", "a-1"])
def test_what_is_no_schedule_is_not_read(word: str) -> None:
    with pytest.raises(ValueError, match=re.escape(word)):
        schedule.read(word)
