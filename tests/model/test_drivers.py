"""Drivers: what may replace what, and that every one that is shipped is complete."""

from __future__ import annotations

import pytest

from haiku_tuntap.model.drivers import DRIVERS, driver_named
from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.repairs.closable_fifo import ClosableFifo
from haiku_tuntap.model.drivers.tunnel import (
    TUNNEL,
    TunnelCookie,
    TunnelDevice,
    tunnel_close,
    tunnel_read,
)
from haiku_tuntap.model.kernel import hooks
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import Procedure, Substitution, primitive, procedure
from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.model.status import B_OK, Status

HOOKS = [value for value in vars(hooks).values() if isinstance(value, Procedure)]


@procedure()
async def close_quietly(cookie: TunnelCookie) -> Status:
    """Wake nobody."""
    return B_OK


@primitive()
def close_at_once(cookie: TunnelCookie) -> Status:
    """A primitive where a procedure is wanted."""
    return B_OK


# --- what may replace what -----------------------------------------------------------------------


def refusal(original: object, replacement: object) -> str:
    mine = TUNNEL.derive("mine", "")
    with pytest.raises(TypeError) as caught:
        mine.replaces(original)(replacement)
    assert mine.replacements == {}
    return str(caught.value)


def test_a_procedure_is_replaced_only_by_a_procedure() -> None:
    assert refusal(tunnel_close, close_at_once) == (
        "mine: tunnel_close is a procedure, but close_at_once, which should replace it, is not; "
        "put @procedure(...) below @replaces"
    )


def test_a_plain_function_replaces_nothing() -> None:
    async def close(cookie: TunnelCookie) -> Status:
        return B_OK

    assert refusal(tunnel_close, close) == (
        "mine: tunnel_close is a procedure, but close, which should replace it, is not; "
        "put @procedure(...) below @replaces"
    )


def test_a_primitive_is_replaced_only_by_a_primitive() -> None:
    release = vars(Semaphore)["release"]
    assert refusal(release, close_quietly) == (
        "mine: release is a primitive, but close_quietly, which should replace it, is not; "
        "put @primitive(...) below @replaces"
    )


def test_a_record_class_is_replaced_only_by_one_derived_from_it() -> None:
    assert refusal(NetFifo, Mutex) == (
        "mine: NetFifo is a record class, so it can only be replaced by a record class derived "
        "from it; Mutex is not one"
    )
    assert refusal(ClosableFifo, NetFifo) == (
        "mine: ClosableFifo is a record class, so it can only be replaced by a record class "
        "derived from it; NetFifo is not one"
    )
    assert refusal(TunnelDevice, tunnel_close).endswith("; tunnel_close is not one")


def test_nothing_else_can_be_replaced() -> None:
    assert refusal(len, close_quietly) == (
        "mine: len cannot be replaced; only procedures, primitives and record classes can"
    )
    assert refusal("tunnel_close", close_quietly) == (
        "mine: 'tunnel_close' cannot be replaced; only procedures, primitives and record classes "
        "can"
    )


def test_what_is_declared_is_still_there_under_its_name() -> None:
    mine = TUNNEL.derive("mine", "")
    assert mine.replaces(tunnel_close)(close_quietly) is close_quietly
    assert mine.replacements == {tunnel_close: close_quietly}


# --- chains --------------------------------------------------------------------------------------


def test_what_nothing_replaces_stands_for_itself() -> None:
    assert Substitution().resolve(tunnel_close) is tunnel_close


def test_replacements_of_replacements_are_followed() -> None:
    """From the hook to tunnel's, and from there to mine."""
    mine = TUNNEL.derive("mine", "")
    mine.replaces(tunnel_close)(close_quietly)
    assert TUNNEL.substitution.resolve(hooks.device_close) is tunnel_close
    assert mine.substitution.resolve(hooks.device_close) is close_quietly
    assert mine.substitution.resolve(tunnel_close) is close_quietly


def test_a_derived_driver_has_the_rest_from_its_base() -> None:
    mine = TUNNEL.derive("mine", "mine").derive("mine too", "mine, too")
    assert mine.base is not None
    assert mine.base.base is TUNNEL
    assert mine.substitution.resolve(hooks.device_read) is tunnel_read
    assert mine.substitution.resolve(hooks.NetDevice) is TunnelDevice


def test_the_last_replacement_wins_and_the_base_keeps_its_own() -> None:
    @procedure()
    async def close_later(cookie: TunnelCookie) -> Status:
        """Another one."""
        return B_OK

    first = TUNNEL.derive("first", "")
    first.replaces(tunnel_close)(close_quietly)
    second = first.derive("second", "")
    second.replaces(tunnel_close)(close_later)
    assert second.substitution.resolve(hooks.device_close) is close_later
    assert first.substitution.resolve(hooks.device_close) is close_quietly
    assert TUNNEL.substitution.resolve(hooks.device_close) is tunnel_close


# --- the shipped drivers -------------------------------------------------------------------------


def test_the_shipped_drivers_are_there_in_order() -> None:
    repairs = [d.repair.name for d in TUNNEL.known if d.repair is not None]
    assert list(DRIVERS) == [
        *("tunnel", "tunnel-repaired", "tunnel-flag-only", "tunnel-semaphore"),
        *repairs,
    ]
    assert repairs == [f"repair-{d.id}" for d in TUNNEL.known if d.repair is not None]
    assert all(name == driver.name and driver.summary for name, driver in DRIVERS.items())


def test_a_driver_is_found_by_its_name() -> None:
    assert driver_named("tunnel") is TUNNEL
    with pytest.raises(LookupError) as caught:
        driver_named("tunel")
    assert caught.value.args == (f"there is no driver named tunel; there are {', '.join(DRIVERS)}",)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_every_driver_has_all_hooks(driver: Driver) -> None:
    assert len(HOOKS) == 14
    for hook in HOOKS:
        assert driver.substitution.resolve(hook) is not hook, hook.name
    for cls in (hooks.NetDevice, hooks.Cookie):
        assert issubclass(driver.substitution.resolve(cls), cls)
        assert driver.substitution.resolve(cls) is not cls


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_every_driver_builds_every_scenario(driver: Driver) -> None:
    for scenario in SCENARIOS.values():
        system = scenario.build(driver)
        instances = Instances(system)
        devices = instances.of_class(TunnelDevice)
        assert {type(d.object) for d in devices} == {driver.substitution.resolve(TunnelDevice)}
        assert len(system.threads) >= 1


def test_every_known_defect_is_of_scenarios_that_exist() -> None:
    for defect in TUNNEL.known:
        assert {scenario for scenario, _ in defect.refutes} <= SCENARIOS.keys()
        assert defect.refutes
        assert defect.source
        assert defect.prose.endswith(".")


# What mirrors no place in Haiku: what the repairs add to the stack, and the environment's signal.
OWN = {"close_fifo", "reopen_fifo", "end_calls", "kill"}


CLOSES = ("reader-close", "close-reopen")  # all that the rival repairs of close change


@pytest.mark.parametrize(
    ("driver", "scenarios"),
    [
        ("tunnel", tuple(SCENARIOS)),
        ("tunnel-repaired", tuple(SCENARIOS)),
        ("tunnel-flag-only", CLOSES),
        ("tunnel-semaphore", CLOSES),
    ],
    ids=["tunnel", "tunnel-repaired", "tunnel-flag-only", "tunnel-semaphore"],
)
def test_everything_that_runs_names_its_place_in_haiku(
    driver: str, scenarios: tuple[str, ...]
) -> None:
    without_source = set()
    for scenario in scenarios:
        system = SCENARIOS[scenario].build(DRIVERS[driver])
        for graph in compile_threads(system, Instances(system), reduced=False):
            frames = [frame for location in graph.locations for frame in location.stack]
            without_source |= {frame.routine for frame in frames if frame.source is None}
            assert all(f.source.count(":") == 1 for f in frames if f.source is not None)
    assert without_source <= OWN
    assert ("close_fifo" in without_source) == (driver == "tunnel-repaired")
