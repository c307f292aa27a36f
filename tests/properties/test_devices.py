"""Devices that come and go: what is left of them in the end."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, TunnelDevices, tunnel_close
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.modules import Module
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.language import guarded_by, procedure, record
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.language.running import random_run
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build, search
from haiku_tuntap.properties.devices import only_device
from haiku_tuntap.properties.explore.search import Limits, Search
from haiku_tuntap.properties.explore.view import View


def ends(driver: str, scenario: str) -> Iterator[View]:
    """The states in which all calls of a scenario have been made and have returned."""
    model = build(DRIVERS[driver], SCENARIOS[scenario], list(PROPERTIES.values()), reduced=True)
    found: list[View] = []

    def note(state: object) -> tuple[()]:
        view = View(model.layout, state)  # type: ignore[arg-type]  # what the search asks about
        if all(t.location.kind is LocationKind.DONE for t in view.threads):
            found.append(view)
        return ()

    outcome = Search(model, note, {}.get, ("nothing",), Limits(), None).run()
    assert outcome.complete
    yield from found


def held(view: View) -> tuple[int, list[str], int]:
    """How many devices the table holds, what is published, and the module's references."""
    instances = view.layout.instances
    (table,) = instances.of_class(TunnelDevices)
    (module,) = instances.of_class(Module)
    names = [n.name for n in instances.of_class(DeviceName) if view.value(n.object, "published")]
    return len(view.value(table.object, "table")), names, view.value(module.object, "references")


def test_the_driver_makes_ten_devices_and_refuses_the_eleventh() -> None:
    """CREATE-5."""
    (end,) = ends("tunnel", "create-eleven")
    assert held(end) == (10, [f"tun/{n}" for n in range(10)], 10)


def test_names_that_no_tunnel_may_have_make_no_device() -> None:
    """CREATE-5."""
    (end,) = ends("tunnel", "create-names")
    assert held(end) == (1, ["tun/0"], 1)


@pytest.mark.parametrize("driver", ["tunnel-repaired", "stack-repaired"])
def test_whatever_fails_while_an_interface_is_made_nothing_is_left_after_its_delete(
    driver: str,
) -> None:
    """CREATE-2, DELETE-3."""
    assert {str(held(end)) for end in ends(driver, "create-fails")} == {"(0, [], 0)"}


def test_today_an_interface_that_was_deleted_while_open_keeps_all_but_its_module() -> None:
    """DELETE-3."""
    kept = {str(held(end)) for end in ends("tunnel", "delete-open")}
    assert kept == {"(0, [], 0)", "(1, ['tun/0'], 0)"}


def test_a_device_that_was_deleted_while_open_is_freed_when_its_file_is_closed() -> None:
    """DELETE-3."""
    for end in ends("tunnel-repaired", "delete-open"):
        (device,) = (i for i in end.layout.instances.all if i.name == "device")
        assert held(end) == (0, [], 0)
        assert not end.is_alive(device)


@pytest.mark.parametrize(
    ("scenario", "device"),
    [("reader-close", "device"), ("delete-open", "device"), ("create-fails", None)],
)
def test_a_property_of_one_device_looks_at_the_one_that_stays(
    scenario: str, device: str | None
) -> None:
    system = SCENARIOS[scenario].build(TUNNEL)
    assert only_device(system) is (system.roots["device"] if device else None)


@pytest.mark.parametrize("scenario", ["side-by-side", "delete-create"])
def test_where_there_may_be_several_devices_none_is_the_one(scenario: str) -> None:
    assert only_device(SCENARIOS[scenario].build(TUNNEL)) is None


def test_a_driver_may_reach_its_lock_through_the_cookie_where_there_are_several_devices() -> None:
    """That it is the same device both times follows from the cookie's device being final."""
    driver = TUNNEL.derive("counting", "counts closes")

    @driver.replaces(NetFifo)
    @record
    class Fifo(NetFifo):
        closes: int = guarded_by("lock", default=0)

    @procedure()
    async def count(fifo: Fifo) -> None:
        fifo.closes += 1

    @driver.replaces(tunnel_close)
    @procedure()
    async def close(cookie: TunnelCookie) -> Status:
        async with cookie.device.send_queue.lock:
            await count(cookie.device.send_queue)  # type: ignore[arg-type]  # it is one here
        return B_OK

    model = build(driver, SCENARIOS["side-by-side"], [], reduced=True)
    assert search(model, [], Limits()).complete


def test_running_a_life_ends_with_nothing_left() -> None:
    """The text itself, without the compiler."""
    run = random_run(SCENARIOS["two-deletes"].build(DRIVERS["stack-repaired"]), Random(1), 1000)
    assert [v.code for v in run.violations] == []
