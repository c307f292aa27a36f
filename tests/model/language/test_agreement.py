"""One text, two uses: running it and compiling it give the same states on every schedule."""

from __future__ import annotations

import pytest
from lockstep import agree

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.scenarios import SCENARIOS

PAIRS = [(driver, scenario) for driver in DRIVERS for scenario in SCENARIOS]


@pytest.mark.parametrize(("driver", "scenario"), PAIRS)
def test_running_and_compiling_agree_on_every_shipped_scenario(driver: str, scenario: str) -> None:
    runs = 20 if driver in ("tunnel", "tunnel-repaired") else 4
    made = SCENARIOS[scenario]
    assert agree(lambda: made.build(DRIVERS[driver]), runs=runs) > 5 * runs
