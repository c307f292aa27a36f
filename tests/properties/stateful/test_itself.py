"""The reference is sound under random calls, and each invariant can fail."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from haiku_tuntap.model import reference
from haiku_tuntap.model.profiles import PROFILES
from haiku_tuntap.model.reference import (
    File,
    Kind,
    Open,
    Outcome,
    Read,
    Result,
    State,
    Transmit,
    ignored,
    invoke,
)
from haiku_tuntap.model.status import B_OK
from haiku_tuntap.properties.stateful.itself import ReferenceMachine, machine_for

SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    stateful_step_count=40,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
# A seeded fault need not be shrunk.
FAULT = settings(SETTINGS, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False)


def run(machine: type[ReferenceMachine], how: settings) -> None:
    """Run one machine."""
    run_state_machine_as_test(machine, settings=how)


# Every clause that an outcome names; a reference that never comes to one is not tested by it.
CLAUSES = {
    *("OPEN-1", "OPEN-2", "OPEN-3", "OPEN-4", "OPEN-5", "CLOSE-1", "CLOSE-2"),
    *("FILE-1", "FILE-3", "CONTROL-1"),
    *("READ-1", "READ-2", "READ-4", "READ-5", "WAKE-2", "WAKE-3", "WAKE-5", "WAKE-7"),
    *("WRITE-1", "WRITE-2", "WRITE-4", "WRITE-6", "FRAME-1", "FRAME-2", "FRAME-3"),
    *("SELECT-3", "SELECT-4", "SELECT-5", "SIGNAL-1", "SEND-1", "SEND-2", "DELIVER-1"),
    *("UP-1", "UP-3", "MTU-1", "MTU-2", "DELETE-1", "DELETE-2"),
}


def test_the_reference_is_sound_and_every_clause_is_reached() -> None:
    reached: set[str] = set()

    class Recording(ReferenceMachine):
        def end(self, thread: str, outcome: Outcome) -> None:
            reached.add(outcome.clause)
            super().end(thread, outcome)

    for profile in PROFILES:
        for kind in Kind:
            run(machine_for(kind, profile, Recording), SETTINGS)
    assert reached == CLAUSES


class ReadLeavesThePacket(ReferenceMachine):
    """A read that returns a packet and does not take it off the queue."""

    def completable(self, thread: str) -> tuple[Outcome, ...]:
        call = self.state.call(thread)
        assert call is not None
        if not isinstance(call.operation, Read):
            return super().completable(thread)
        queue = self.state.to_application
        return tuple(
            evolve(way, state=evolve(way.state, to_application=queue))
            for way in super().completable(thread)
        )


class OpenIsShared(ReferenceMachine):
    """An open that succeeds always."""

    def completable(self, thread: str) -> tuple[Outcome, ...]:
        call = self.state.call(thread)
        assert call is not None
        ways = super().completable(thread)
        if not isinstance(call.operation, Open):
            return ways
        file = File(call.operation.file)
        return tuple(
            Outcome(Result(B_OK), evolve(way.state, to_application=()).with_file(file), "OPEN-1")
            for way in ways
        )


class QueueIsEndless(ReferenceMachine):
    """A transmit for which there is always room."""

    def completable(self, thread: str) -> tuple[Outcome, ...]:
        call = self.state.call(thread)
        assert call is not None
        ways = super().completable(thread)
        if not isinstance(call.operation, Transmit):
            return ways
        queue = (*self.state.to_application, call.operation.packet)
        return tuple(
            evolve(way, result=Result(B_OK), state=evolve(way.state, to_application=queue))
            for way in ways
        )


class ReaderIsForgotten(ReferenceMachine):
    """A machine that calls a state quiescent while a read is owed a packet."""

    def quiescent(self, state: State) -> bool:
        return not any(
            not isinstance(call.operation, Read) or call.ended
            for call, _ in ignored(state, self.profile)
        )


class EverybodyIsBusy(ReferenceMachine):
    """A machine that never comes to rest."""

    def quiescent(self, state: State) -> bool:
        return not state.calls


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (ReadLeavesThePacket, "packets: "),
        (OpenIsShared, "two open files: "),
        (QueueIsEndless, "a queue is too full: "),
        (ReaderIsForgotten, "quiescent, but .*read up to"),
        (EverybodyIsBusy, "not quiescent, but nobody could end"),
    ],
)
def test_each_invariant_can_fail(machine: type[ReferenceMachine], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        run(machine, FAULT)


def test_progress_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference in which a call that has ended never leaves."""
    machine = ReferenceMachine()
    machine.state = invoke(machine.state, "red", Open(1))
    machine.it_comes_to_rest()
    monkeypatch.setattr(reference, "leave", lambda state, thread: state)
    with pytest.raises(AssertionError, match="no rest: "):
        machine.it_comes_to_rest()
