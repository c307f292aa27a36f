"""Results that no search has found, for the tests of the reports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.verdict import Change, Result, Trace, TraceStep, Verdict


def _step(
    number: int,
    thread: int,
    action: str,
    *changes: Change,
    outcome: str | None = None,
    source: str | None = "stack/utility.cpp:258",
) -> TraceStep:
    where = Where("/somewhere/my_driver.py", 10 + number)
    return TraceStep(number, thread, action, outcome, where, source, changes)


@pytest.fixture
def trace() -> Trace:
    """A reader that is late, in three steps."""
    return Trace(
        threads=("reader", "closer"),
        steps=(
            _step(1, 0, "begin user_read", source=None),
            _step(2, 1, "release_all(device.send_queue.notify)", source="tunnel.cpp:120"),
            _step(
                3,
                0,
                "acquire(device.send_queue.notify)",
                Change("device.send_queue.waiting", "0", "1"),
                Change("local status", "", "B_OK"),
                outcome="sleeps",
            ),
        ),
        conclusion=("reader sleeps in acquire(device.send_queue.notify).", "Nobody will come."),
        shortest=True,
        token="tunnel/reader-close/no-lost-wakeup/abc/a1b1a1",
    )


@pytest.fixture
def result() -> Callable[..., Result]:
    """Makes results."""

    def make(
        scenario: str = "reader-close",
        property_: str = "no-lost-wakeup",
        verdict: Verdict = Verdict.HOLDS,
        **more: object,
    ) -> Result:
        found: dict[str, object] = {
            "driver": "tunnel",
            "states": 1234,
            "depth": 14,
            "seconds": 0.5,
            "bounds": "1 reader, 1 close",
            **more,
        }
        return Result(scenario=scenario, property=property_, verdict=verdict, **found)

    return make
