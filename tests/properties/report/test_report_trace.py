"""How a trace is drawn."""

from __future__ import annotations

import pytest
from attrs import evolve

from haiku_tuntap.properties.report.trace import trace_lines
from haiku_tuntap.properties.verdict import Trace

NARROW = """\
step  reader    closer                                      source
   1  begin user_read                                       /somewhere/my_driver.py:11
   2  |         release_all(send_queue.notify)              tunnel.cpp:120
      |                                                     /somewhere/my_driver.py:12
   3  acquire(send_queue.notify), sleeps                    stack/utility.cpp:258
        send_queue.waiting: 0 → 1;  local status = B_OK     /somewhere/my_driver.py:13

reader sleeps in acquire(send_queue.notify).
Nobody will come.

3 steps. No run with fewer steps does this. Names without a record are the device's."""


def _drawn(trace: Trace, width: int) -> str:
    return "\n".join(line.plain for line in trace_lines(trace, width))


def test_on_a_narrow_terminal_the_changes_stand_below_the_step(trace: Trace) -> None:
    assert _drawn(trace, 86) == NARROW


def test_on_a_wide_terminal_each_step_is_one_line(trace: Trace) -> None:
    lines = _drawn(trace, 160).splitlines()
    assert lines[0].split() == ["step", "reader", "closer", "changes", "source"]
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[3].split("  ")[-1].strip() == "/somewhere/my_driver.py:13"
    assert "send_queue.waiting: 0 → 1" in lines[3]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("threads", [2, 3, 4, 6])
def test_no_line_is_longer_than_the_terminal(trace: Trace, width: int, threads: int) -> None:
    names = tuple(f"application {n}" for n in range(threads))
    last = evolve(trace.steps[-1], thread=threads - 1, action=trace.steps[-1].action * 3)
    wide = evolve(trace, threads=names, steps=(*trace.steps[:-1], last))
    assert max(len(line.plain) for line in trace_lines(wide, width)) <= width


def test_nothing_of_a_long_action_is_lost(trace: Trace) -> None:
    action = "wait_for_exit(interface.device_interface.reader_thread.that.has.a.long.name)"
    long = evolve(trace, steps=(evolve(trace.steps[0], action=action),))
    drawn = "".join(line.plain[:58] for line in trace_lines(long, 86)[1:5])
    assert action in drawn.replace(" ", "")


def test_a_trace_that_may_not_be_the_shortest_says_so(trace: Trace) -> None:
    assert "a shorter run may exist" in _drawn(evolve(trace, shortest=False), 200)


def test_reasons_of_other_properties_follow_the_conclusion_once(trace: Trace) -> None:
    lines = trace_lines(trace, 100, ["Nobody will come.", "down does not return."])
    said = [line.plain for line in lines[-5:-2]]
    assert said == [
        "reader sleeps in acquire(send_queue.notify).",
        "Nobody will come.",
        "down does not return.",
    ]
