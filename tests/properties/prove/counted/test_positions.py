"""Where a thread is, as the places of an invariant see it."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.language import internal, record
from haiku_tuntap.model.language.invariants import asleep_in, has, mine
from haiku_tuntap.properties.prove.counted.facts import Counted
from haiku_tuntap.properties.prove.counted.proof import system_space
from haiku_tuntap.properties.prove.theorems import THEOREMS


def test_a_record_of_a_threads_own_is_the_one_that_the_driver_has_instead() -> None:
    driver = TUNNEL.derive("wider", "tunnel, with a field more in what a poll registers")

    @driver.replaces(SelectInfo)
    @record
    class Info(SelectInfo):
        more: int = internal(default=0)

    built = THEOREMS["packets"].build(driver)
    positions = Counted(system_space(built.system, built.single)).positions
    asleep = asleep_in(mine(SelectInfo).semaphore)
    assert {p.standing for p in positions if asleep.holds(p)} == {
        "poller: blocked acquire(poller's info.semaphore)",
        "selector: blocked acquire(selector's info.semaphore)",
    }
    token = has(SelectInfo, "semaphore.tokens", lambda tokens: tokens > 0)
    assert any(token.holds(p) for p in positions)
