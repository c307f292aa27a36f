"""The driver's threads come to rest by themselves; where they do not, the loop is found."""

from __future__ import annotations

import copy
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import pytest
import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import evolve
from rich.console import Console

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.repairs.closable_fifo import ClosableFifo
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer, take_first_buffer
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_OK, B_WOULD_BLOCK, Status
from haiku_tuntap.properties.prove.answer import Answer
from haiku_tuntap.properties.prove.counted.proof import prove
from haiku_tuntap.properties.prove.ranking import linear
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.outcome import NO_INVARIANT
from haiku_tuntap.properties.prove.ranking.progress import Progress, check, progress
from haiku_tuntap.properties.prove.ranking.shown import progress_outcome
from haiku_tuntap.properties.prove.ranking.synthesis import Synthesis
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.report.ranking import print_measures, print_restless

WAITING = "device.send_queue.waiting"
TOKENS = "device.send_queue.notify.tokens"
RELEASING = "somebody is about to do release(device.send_queue.notify) in close_fifo"

BUSY = TUNNEL_REPAIRED.derive("busy", "a reader that was woken gives its token back first")


@BUSY.replaces(fifo_dequeue_buffer)
@procedure()
async def busy_dequeue_buffer(fifo: ClosableFifo, *, wait: bool) -> tuple[Status, NetBuffer | None]:
    """The repaired dequeueing, but the token stays: whoever finds no packet tries again at once."""
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


@cache
def of(driver: str, theorem: str) -> Progress:
    """The progress of a driver in a theorem."""
    return progress(prove({**DRIVERS, "busy": BUSY}[driver], THEOREMS[theorem]))


def checked(found: Progress, levels: list[Level]) -> list[str]:
    """Why levels are no measure, in the order in which it was found."""
    other = evolve(found, levels=levels, refutations=[], undetermined=[])
    check(other)
    assert not other.undetermined
    return [r.reason for r in other.refutations]


def conditions(found: Progress) -> list[str | None]:
    return [level.condition and level.condition.text for level in found.levels]


def test_the_repaired_driver_comes_to_rest_while_others_open_and_close() -> None:
    found = of("tunnel-repaired", "reopen")
    assert found.answer is Answer.PROVED
    assert conditions(found) == [None, RELEASING, None]
    assert found.levels[1].variables == {WAITING: 1}
    assert set(found.levels[2].variables) == {TOKENS}


def test_weighted_sums_alone_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of("tunnel-repaired", "reopen")
    nothing: Callable[[Synthesis], Iterator[None]] = lambda synthesis: iter(())  # noqa: E731
    monkeypatch.setattr(Synthesis, "_in_loops", nothing)
    monkeypatch.setattr(Synthesis, "_tests", nothing)
    synthesis = Synthesis(found.proof, found.claims, lambda what, done, of: None)
    synthesis.run()
    labels = {step.rule.move.source.label for step in synthesis.left}
    assert "release(device.send_queue.notify)" in labels


@pytest.mark.parametrize(
    ("driver", "theorem", "levels"),
    [("tunnel", "reopen", 4), ("tunnel", "interface", 3), ("tunnel-repaired", "packets", 2)],
)
def test_where_nobody_closes_a_fifo_weighted_sums_are_enough(
    driver: str, theorem: str, levels: int
) -> None:
    found = of(driver, theorem)
    assert found.answer is Answer.PROVED
    assert conditions(found) == [None] * levels


def test_an_interface_that_is_up_does_not_snooze_for_ever() -> None:
    found = of("tunnel-repaired", "interface")
    assert found.answer is Answer.PROVED
    assert "device.flags.value ≠ 0" in conditions(found)
    knows_less = TUNNEL_REPAIRED.derive("knows-less", "the same, with less of an invariant")
    knows_less.without_invariant("up-interfaces-have-open-queues")
    without = progress(prove(knows_less, THEOREMS["interface"]))
    assert without.answer is Answer.UNDETERMINED
    assert "snooze()" in [step.action for step in without.loop]
    assert without.search is not None
    assert without.search.run is None
    assert without.search.complete


@pytest.mark.campaign
@pytest.mark.parametrize("driver", ["tunnel", "tunnel-repaired"])
@pytest.mark.parametrize("theorem", ["packets", "close", "reopen", "nonblocking"])
def test_both_drivers_come_to_rest_whatever_is_done_to_the_file(driver: str, theorem: str) -> None:
    assert of(driver, theorem).answer is Answer.PROVED


def test_every_level_is_needed() -> None:
    found = of("tunnel-repaired", "reopen")
    for at in range(len(found.levels)):
        levels = [level for number, level in enumerate(found.levels) if number != at]
        assert "the measure does not get less" in checked(found, levels)


def test_a_token_that_weighs_too_little_is_noticed() -> None:
    found = of("tunnel-repaired", "reopen")
    *first, last = found.levels
    assert checked(found, [*first, last]) == []
    light = evolve(last, variables={TOKENS: 1})
    assert checked(found, [*first, light]) == ["the measure does not get less"]


def test_a_level_that_counts_always_is_noticed() -> None:
    found = of("tunnel-repaired", "reopen")
    first, second, last = found.levels
    always = evolve(second, condition=None)
    assert "the measure does not get less" in checked(found, [first, always, last])


def test_a_level_without_end_is_noticed() -> None:
    found = of("tunnel-repaired", "reopen")
    bottomless = Level(variables={WAITING: -1})
    assert checked(found, [*found.levels, bottomless]) == ["level 4 can be negative"]


def test_a_busy_loop_is_shown_with_a_run_that_goes_round() -> None:
    found = of("busy", "packets")
    assert found.answer is Answer.REFUTED
    loop = [
        "unlock(device.send_queue.lock)",
        "acquire(device.send_queue.notify)",
        "release(device.send_queue.notify)",
        "lock(device.send_queue.lock)",
    ]
    assert [(step.thread, step.action) for step in found.loop] == [("reader", a) for a in loop]
    assert {step.routine for step in found.loop} == {"busy_dequeue_buffer"}
    assert found.search is not None
    assert found.search.run is not None
    assert found.search.run.scenario == "readers-senders"
    assert sorted(a for _, a in found.search.run.round) == sorted(loop)


def test_nothing_is_proved_on_an_invariant_that_was_not() -> None:
    proof = copy.copy(of("tunnel-repaired", "reopen").proof)
    proof.undetermined = ["Z3 gave up: timeout"]
    found = progress(proof)
    assert found.answer is Answer.UNDETERMINED
    assert found.undetermined == [NO_INVARIANT]


def printed(found: Progress) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    theorem, outcome = found.proof.theorem.id, progress_outcome(found)
    print_measures(console, [(theorem, outcome)])
    print_restless(console, theorem, outcome)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_measure_is_printed_in_words() -> None:
    said, *lines, last = printed(of("tunnel-repaired", "reopen"))
    assert said.startswith("Threads come to rest: in every step, but that which begins a call, ")
    assert lines == [
        "  reopen  1  send_queue.buffers + each thread's way to go",
        "          2  while somebody is about to do release(send_queue.notify) in close_fifo: "
        "send_queue.waiting + each reader's way to go",
        "          3  4 times send_queue.notify.tokens + each reader's way to go",
    ]
    assert last == ""


def test_the_weights_of_the_places_are_kept() -> None:
    _, second, _ = progress_outcome(of("tunnel-repaired", "reopen")).levels
    assert second.text.startswith("while somebody is about to do release(send_queue.notify)")
    assert {weight.thread for weight in second.weights} == {"reader"}
    assert all(0 <= weight.least <= weight.most for weight in second.weights)


def test_a_loop_is_printed_with_its_lines_and_the_run_that_goes_round() -> None:
    lines = printed(of("busy", "packets"))
    assert lines[1] == "REFUTED: progress in theorem packets"
    assert any("busy_dequeue_buffer" in line and "test_ranking.py:" in line for line in lines)
    assert "In readers-senders, after " in "\n".join(lines)
    assert "  reader 2: acquire(send_queue.notify)" in lines


@pytest.fixture
def _python_hears_ctrl_c() -> Iterator[None]:
    """Where tests run side by side, their processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_hears_ctrl_c")
def test_ctrl_c_while_z3_looks_for_weights_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "TIMEOUT", 1_000)
    optimizer = linear.new_optimizer()
    chosen = [z3.Int(f"chosen {i}") for i in range(60)]
    optimizer.add(*(z3.And(c >= 0, c <= 1) for c in chosen))
    choices = Random(1)
    for _ in range(40):  # too hard for the time there is
        parts = [choices.randint(1, 99) * c for c in chosen]
        optimizer.add(z3.Sum(parts) % 97 == choices.randint(0, 96))
    press = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    press.start()
    with pytest.raises(KeyboardInterrupt):
        optimizer.check()
    press.join()
