"""The register of scenarios, and the world that they are made of."""

from __future__ import annotations

import re

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.repairs.closable_fifo import ClosableFifo
from haiku_tuntap.model.drivers.repairs.delete_while_open import (
    DetachableTunnelCookie,
    DetachableTunnelDevice,
)
from haiku_tuntap.model.drivers.tunnel import COOKIE_ALLOCATION, TUNNEL, TunnelCookie
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.device_interface import IFF_UP
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK
from haiku_tuntap.model.kernel.system_calls import user_read
from haiku_tuntap.model.kernel.user_memory import USER_COPY
from haiku_tuntap.model.language import Thread, call
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, World, scenario_named
from haiku_tuntap.model.scenarios.life import WHATEVER_CREATE_NEEDS

# Every situation that has to be looked at, with the scenario that does.
SITUATIONS = {
    "a reader and a sender": "reader-sender",
    "two readers, two senders": "readers-senders",
    "a reader and a signal, then another reader": "reader-signal",
    "a poll and a sender": "poll-sender",
    "a poll, a reader and a sender compete": "poll-reader-sender",
    "one application polls, reads and polls": "poll-read-poll",
    "a select for writing": "select-write",
    "a reader that must not wait": "nonblocking-reader",
    "a full queue": "full-queue",
    "copying faults": "user-copy-faults",
    "a reader and a close": "reader-close",
    "two readers and a close": "two-readers-close",
    "a poll and a close": "poll-close",
    "a select and a close": "select-close",
    "a close, then an open by another": "close-reopen",
    "a woken read whose number was reused": "reused-number",
    "two applications open": "two-openers",
    "a cookie cannot be allocated": "cookie-allocation-fails",
    "packets that are not IP, to and from a TUN": "unknown-protocol",
    "packets that are not IP, to and from a TAP": "tap-any-protocol",
    "a writer and the reader thread": "writer-reader-thread",
    "down while the reader thread waits": "down-while-waiting",
    "down while it works": "down-while-working",
    "down twice": "down-twice",
    "down, then up": "down-then-up",
    "create fails at each point, and again": "create-fails",
    "names that exist, that are foreign, too long": "create-names",
    "more devices than the table holds": "create-eleven",
    "create while an open looks names up": "create-open",
    "TUN and TAP side by side": "side-by-side",
    "delete while open": "delete-open",
    "delete while a reader waits": "delete-reader",
    "delete while a poll waits": "delete-poll",
    "delete while an open comes": "delete-opener",
    "delete, create, and the old file": "delete-create",
    "delete while the consumer is about to take": "delete-consumer",
    "delete while up": "delete-up",
    "two ups, one down, delete": "two-ups",
    "delete while it goes up": "up-delete",
    "delete while it goes down": "down-delete",
    "down racing up, then delete": "down-races-up",
    "two deletes": "two-deletes",
    "delete racing create": "delete-races-create",
}


def test_every_situation_has_its_scenario_in_order() -> None:
    assert list(SCENARIOS) == list(SITUATIONS.values())


def test_scenarios_are_found_by_their_names() -> None:
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())
    assert scenario_named("reader-close") is SCENARIOS["reader-close"]
    with pytest.raises(LookupError) as caught:
        scenario_named("reader-closes")
    assert caught.value.args == (
        f"there is no scenario named reader-closes; there are {', '.join(SCENARIOS)}",
    )


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_states_its_bounds(scenario: Scenario) -> None:
    assert re.fullmatch(rf"\d+ [^;]+(; [^;]+)*; queues of {scenario.capacity}", scenario.bounds)
    assert scenario.title.endswith(".")
    assert scenario.family


def counted(scenario: Scenario) -> dict[str, int]:
    """How often each call may be made, and how many packets the stack may send."""
    system = scenario.build(TUNNEL)
    calls = [str(made) for spec in system.threads if not spec.service for made in spec.calls]
    return {name: calls.count(name) for name in calls}


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        ("reader-signal", {"user_read": 2, "send_packet": 1, "kill": 1}),
        ("full-queue", {"user_read": 2, "send_packet": 3}),
        ("two-openers", {"user_open": 4, "user_close": 2}),
        ("down-then-up", {"user_write": 1, "interface_down": 1, "interface_up": 1}),
        ("poll-read-poll", {"user_poll": 2, "user_read": 1, "send_packet": 1}),
    ],
)
def test_the_bounds_are_those_of_the_system(scenario: str, calls: dict[str, int]) -> None:
    assert counted(SCENARIOS[scenario]) == calls
    numbers = [int(n) for n in re.findall(r"\b(\d+) (?!applications)", SCENARIOS[scenario].bounds)]
    if scenario != "two-openers" and scenario != "full-queue":
        assert sorted(numbers) == sorted(calls.values())


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_signal_is_sent_only_where_the_bounds_say_so(scenario: Scenario) -> None:
    assert ("kill" in counted(scenario)) == ("signal" in scenario.bounds)


def test_only_what_the_bounds_name_may_go_wrong() -> None:
    assert {name: s.chances for name, s in SCENARIOS.items() if s.chances} == {
        "user-copy-faults": {USER_COPY},
        "cookie-allocation-fails": {COOKIE_ALLOCATION},
        "create-fails": WHATEVER_CREATE_NEEDS,
    }
    assert len(WHATEVER_CREATE_NEEDS) == 7
    assert "may fault" in SCENARIOS["user-copy-faults"].bounds
    assert "may fail" in SCENARIOS["cookie-allocation-fails"].bounds


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_building_twice_gives_two_systems_that_share_nothing(scenario: Scenario) -> None:
    first, second = scenario.build(TUNNEL), scenario.build(TUNNEL)
    assert first.name == second.name == scenario.name
    assert list(first.roots) == list(second.roots)
    assert not {id(root) for root in first.roots.values()} & {
        id(root) for root in second.roots.values()
    }
    assert not {id(t.thread) for t in first.threads} & {id(t.thread) for t in second.threads}


# --- the world -----------------------------------------------------------------------------------


def test_a_world_is_made_of_the_drivers_records() -> None:
    world = World(DRIVERS["tunnel-repaired"])
    descriptor = world.open_file().descriptor
    assert type(world.device) is DetachableTunnelDevice
    assert type(world.device.send_queue) is ClosableFifo
    assert descriptor is not None
    assert type(descriptor.cookie) is DetachableTunnelCookie


def test_an_open_file_is_as_open_leaves_it() -> None:
    world = World(TUNNEL, capacity=3)
    descriptor = world.open_file(flags=O_NONBLOCK).descriptor
    assert descriptor is not None
    cookie = descriptor.cookie
    assert isinstance(cookie, TunnelCookie)
    assert cookie.device is world.device
    assert descriptor.nonblocking is True
    assert world.device.send_queue.max_bytes == world.device.receive_queue.max_bytes == 3


def test_threads_may_allocate_what_they_need_and_no_more() -> None:
    world = World(TUNNEL)
    slot = world.open_file()
    assert world.reader(slot).pool == {}
    assert world.sender(packets=2).pool == {NetBuffer: 2}
    assert world.writer(slot, packets=3).pool == {NetBuffer: 3}
    opener = world.thread("opener", call(user_read, slot), opens=2)
    assert opener.pool == {TunnelCookie: 2, FileDescriptor: 2}


def test_an_interface_that_is_up_has_a_reader_thread() -> None:
    world = World(TUNNEL)
    interface = world.interface_up()
    (reader_thread,) = world.threads
    assert (reader_thread.name, reader_thread.service) == ("reader thread", True)
    assert isinstance(reader_thread.thread, Thread)
    assert world.roots["interface"] is interface
    assert IFF_UP != 0
