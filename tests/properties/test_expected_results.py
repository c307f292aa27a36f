"""What is wrong with each driver, as the checker finds it, against what the drivers declare.

The expectation of each scenario is derived from the drivers' declarations, which are for users;
that they say what the checker finds, no more and no less, is what is tested here.
"""

from __future__ import annotations

from functools import cache

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.driver import Driver, KnownDefect
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import check_scenario
from haiku_tuntap.properties.verdict import Result, Trace, Verdict

Pair = tuple[str, str]  # a scenario's name and a property's id

TUNNEL = DRIVERS["tunnel"]
REPAIRABLE = [defect for defect in TUNNEL.known if defect.repair is not None]
EVERY_PAIR = {(scenario, prop) for scenario in SCENARIOS for prop in PROPERTIES}

# Where a repair that breaks something else would show soonest: with and without a close, a
# failing open, the interface, and a select.
OTHERS = ("reader-sender", "reader-close", "close-reopen", "poll-sender", "down-while-waiting")

ONE_EACH = {
    "close-race": "reader-close",
    "down-race": "down-while-waiting",
    "nonblock-ignored": "nonblocking-reader",
    "open-leak": "cookie-allocation-fails",
    "read-leak": "user-copy-faults",
    "stale-queue": "close-reopen",
    "restart": "reused-number",
    "late-notify": "poll-read-poll",
    "select-close": "select-close",
    "init-dangling": "create-fails",
    "init-early": "create-open",
    "delete-while-open": "delete-reader",
    "consumer-teardown": "delete-consumer",
    "double-up": "two-deletes",
    "revival": "delete-races-create",
}

# What is not the driver's: it is left when the driver is repaired.
OF_THE_STACK = ("consumer-teardown", "double-up", "revival")


@cache
def checked(driver: str, scenario: str) -> dict[str, Result]:
    """The results of one scenario, by property; each is found once."""
    made = check_scenario(DRIVERS[driver], SCENARIOS[scenario], list(PROPERTIES.values()))
    return {result.property: result for result in made}


def verdicts(driver: str, scenarios: tuple[str, ...]) -> dict[Pair, Verdict]:
    """All verdicts of these scenarios."""
    return {(s, p): result.verdict for s in scenarios for p, result in checked(driver, s).items()}


def refuted(driver: str, scenarios: tuple[str, ...]) -> set[Pair]:
    """The refuted pairs; nothing may be undetermined."""
    found = verdicts(driver, scenarios)
    assert set(found.values()) <= {Verdict.HOLDS, Verdict.REFUTED}
    return {pair for pair, verdict in found.items() if verdict is Verdict.REFUTED}


def declared(driver: Driver) -> set[Pair]:
    return {pair for defect in driver.known for pair in defect.places}


def trace_of(driver: str, scenario: str, prop: str) -> Trace:
    trace = checked(driver, scenario)[prop].trace
    assert trace is not None
    return trace


# --- today's driver, and all repairs together ----------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("driver", ["tunnel", "tunnel-repaired", "stack-repaired"])
def test_exactly_what_is_declared_is_refuted_and_all_else_holds(driver: str, scenario: str) -> None:
    known = declared(DRIVERS[driver])
    expected = {
        (s, p): Verdict.REFUTED if (s, p) in known else Verdict.HOLDS
        for s, p in EVERY_PAIR
        if s == scenario
    }
    assert verdicts(driver, (scenario,)) == expected


def test_the_declared_defects_of_tunnel_are_all_that_is_found() -> None:
    assert declared(TUNNEL) == refuted("tunnel", tuple(SCENARIOS))


def test_no_pair_is_declared_of_two_defects_unless_both_say_that_they_share_it() -> None:
    alone = [pair for defect in TUNNEL.known for pair in defect.refutes]
    shared = [pair for defect in TUNNEL.known for pair in defect.shared]
    assert len(alone) == len(set(alone))
    assert not set(alone) & set(shared)
    assert {shared.count(pair) for pair in shared} == {2}


def test_what_is_left_in_the_repaired_driver_is_the_stacks_and_the_select_that_is_not_woken() -> (
    None
):
    left = [d for d in TUNNEL.known if d.owner != "driver"]
    assert [(d.id, d.owner) for d in left] == [
        ("select-close", "VFS"),
        *((id_, "stack") for id_ in OF_THE_STACK),
    ]
    assert DRIVERS["tunnel-repaired"].known == tuple(left)
    assert refuted("tunnel-repaired", tuple(SCENARIOS)) == {p for d in left for p in d.places}


def test_only_the_select_that_is_not_woken_is_left_when_the_stack_is_repaired_too() -> None:
    assert refuted("stack-repaired", tuple(SCENARIOS)) == {("select-close", "no-lost-wakeup")}


@pytest.mark.parametrize("id_", OF_THE_STACK)
def test_a_repair_of_the_stack_replaces_nothing_of_the_drivers(id_: str) -> None:
    (defect,) = [d for d in TUNNEL.known if d.id == id_]
    assert defect.repair is not None
    for original in defect.repair.replacements:
        assert original.function.__module__.startswith("haiku_tuntap.model.kernel.")


def test_every_defect_of_the_table_is_found() -> None:
    assert [defect.id for defect in TUNNEL.known] == list(ONE_EACH)
    for defect in TUNNEL.known:
        found = refuted("tunnel", (ONE_EACH[defect.id],))
        assert found & defect.refutes, defect.id


def test_every_refutation_has_the_shortest_trace_and_a_reason() -> None:
    for driver in ("tunnel", "tunnel-repaired"):
        for scenario, prop in refuted(driver, tuple(SCENARIOS)):
            trace = trace_of(driver, scenario, prop)
            assert trace.shortest is True, (driver, scenario, prop)
            assert checked(driver, scenario)[prop].reason, (driver, scenario, prop)


@pytest.mark.parametrize("prop", PROPERTIES)
def test_every_property_has_something_to_say_in_some_scenario(prop: str) -> None:
    results = [checked(d, s)[prop] for d in ("tunnel", "tunnel-repaired") for s in SCENARIOS]
    assert any(not result.vacuous for result in results if result.driver == "tunnel-repaired")
    assert all(not result.vacuous for result in results if result.verdict is Verdict.REFUTED)


def test_select_is_the_only_defect_without_a_repair() -> None:
    assert [d.id for d in TUNNEL.known if d.repair is None] == ["select-close"]


# --- each repair alone ---------------------------------------------------------------------------


def of_interest(defect: KnownDefect) -> tuple[str, ...]:
    """The scenarios of a defect, and a few others."""
    return tuple(dict.fromkeys([*sorted({s for s, _ in defect.places}), *OTHERS]))


@pytest.mark.parametrize("defect", REPAIRABLE, ids=lambda d: str(d.id))
def test_a_repair_alone_mends_its_defect_and_nothing_else(defect: KnownDefect) -> None:
    assert defect.repair is not None
    scenarios = of_interest(defect)
    before, after = refuted("tunnel", scenarios), refuted(defect.repair.name, scenarios)
    assert before - after == defect.refutes
    assert after - before == set()


@pytest.mark.campaign
@pytest.mark.parametrize("defect", REPAIRABLE, ids=lambda d: str(d.id))
def test_a_repair_alone_mends_nothing_else_in_any_scenario(defect: KnownDefect) -> None:
    assert defect.repair is not None
    assert refuted(defect.repair.name, tuple(SCENARIOS)) == declared(TUNNEL) - defect.refutes


# --- the repairs of close that were considered ---------------------------------------------------


def test_the_obvious_repair_still_loses_the_reader_that_has_unlocked() -> None:
    trace = trace_of("tunnel-flag-only", "reader-close", "no-lost-wakeup")
    assert trace.threads == ("reader", "closer")
    of_reader = [s for s in trace.steps if s.thread == 0]
    assert [(s.action, s.outcome) for s in of_reader[-3:]] == [
        ("lock(device.send_queue.lock)", None),
        ("unlock(device.send_queue.lock)", None),
        ("acquire(device.send_queue.notify)", "sleeps"),
    ]
    unlocks, sleeps = of_reader[-2], of_reader[-1]
    between = [s for s in trace.steps if unlocks.number < s.number < sleeps.number]
    assert {s.thread for s in between} == {1}
    assert [s.action for s in between[-3:]] == [
        "lock(device.send_queue.lock)",
        "unlock(device.send_queue.lock)",
        "release_all(device.send_queue.notify)",
    ]
    flag = [
        (change.before, change.after)
        for step in between
        for change in step.changes
        if change.name == "device.send_queue.closed"
    ]
    assert flag == [("B_OK", "B_INTERRUPTED")]
    # The reader had announced itself when the flag was not set, so it did not see it.
    announced = [c for s in of_reader[-3:] for c in s.changes if c.name.endswith("queue.waiting")]
    assert [(c.before, c.after) for c in announced] == [("0", "1")]


def test_the_obvious_repair_is_refuted_wherever_the_close_race_was() -> None:
    scenarios = ("reader-close", "two-readers-close", "reused-number")
    assert refuted("tunnel-flag-only", scenarios) == refuted("tunnel", scenarios)


def test_deleting_the_semaphore_in_close_wakes_every_reader() -> None:
    closes = ("reader-close", "two-readers-close")
    assert refuted("tunnel", closes) == {(s, "no-lost-wakeup") for s in closes}
    assert refuted("tunnel-semaphore", closes) == set()


def test_deleting_the_semaphore_also_keeps_a_read_from_restarting_on_another_file() -> None:
    assert refuted("repair-close-race", ("reused-number",)) == {("reused-number", "own-file")}
    assert refuted("repair-restart", ("reused-number",)) == {("reused-number", "no-lost-wakeup")}
    assert refuted("tunnel-semaphore", ("reused-number",)) == set()
