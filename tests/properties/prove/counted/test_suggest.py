"""Suggestions make an invariant inductive, or say that they do not."""

from __future__ import annotations

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.properties.prove.counted.suggest import suggest
from haiku_tuntap.properties.prove.theorems import THEOREMS

INTERFACE = THEOREMS["interface"]


def test_an_invariant_that_lacks_nothing_needs_no_facts() -> None:
    found = suggest(DRIVERS["tunnel-repaired"], INTERFACE, INTERFACE.properties, 60)
    assert found.proved == tuple(prop.id for prop in INTERFACE.properties)
    assert not found.stopped
    assert found.facts == ()


@pytest.mark.campaign
def test_a_conjunct_that_is_missing_is_found_again_piece_by_piece() -> None:
    driver = DRIVERS["tunnel-repaired"].derive("short", "without one of its conjuncts")
    driver.without_invariant("down-closes-the-queue")
    found = suggest(driver, INTERFACE, INTERFACE.properties, 300)
    assert found.proved == tuple(prop.id for prop in INTERFACE.properties)
    waiting = "blocked wait_for_exit(device interface.reader_thread)"
    assert f"somebody is at down: {waiting} -> device.receive_queue.closed == 1" in [
        fact.text for fact in found.facts
    ]
    assert len(found.facts) < 20


def test_the_end_of_the_time_is_said() -> None:
    driver = DRIVERS["tunnel-repaired"].derive("short", "without one of its conjuncts")
    driver.without_invariant("down-closes-the-queue")
    found = suggest(driver, INTERFACE, INTERFACE.properties, 1e-9)
    assert found.stopped
    assert (found.proved, found.facts) == ((), ())
