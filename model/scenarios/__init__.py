"""Scenarios: small systems of threads, each about one question.

A scenario says who calls what, and what may go wrong; everything else is the driver's. It is built
for a driver in a `World`: one device with an interface, and applications with their files.
"""

from haiku_tuntap.model.scenarios import applications, files, interfaces, life
from haiku_tuntap.model.scenarios.world import SCENARIOS, Scenario, World, scenario, scenario_named

__all__ = [
    "SCENARIOS",
    "Scenario",
    "World",
    "applications",
    "files",
    "interfaces",
    "life",
    "scenario",
    "scenario_named",
]
