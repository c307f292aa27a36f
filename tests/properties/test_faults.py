"""Every property can fail, and has something to say somewhere."""

import pytest

from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options, check_scenario
from haiku_tuntap.properties.faults import FAULTS
from haiku_tuntap.properties.verdict import Verdict

# The faults whose mistake cannot but break another property, too.
ALSO_REFUTED = {
    "no-deadlock": {"no-lost-wakeup"},
    "interface-down-returns": {"no-lost-wakeup"},
    "honest-select": {"no-lost-wakeup"},
    "delete-returns": {"no-lost-wakeup"},
}


def test_every_property_has_a_seeded_fault() -> None:
    assert FAULTS.keys() == PROPERTIES.keys()


@pytest.mark.parametrize("reduced", [True, False])
@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_seeded_fault_refutes_its_property_and_no_other(
    property_id: str, reduced: bool
) -> None:
    fault = FAULTS[property_id]
    results = check_scenario(
        fault.driver,
        SCENARIOS[fault.scenario],
        list(PROPERTIES.values()),
        Options(reduced=reduced),
    )
    refuted = {r.property for r in results if r.verdict is Verdict.REFUTED}
    assert refuted == {property_id} | ALSO_REFUTED.get(property_id, set())


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_repaired_driver_holds_there_and_not_vacuously(property_id: str) -> None:
    fault = FAULTS[property_id]
    base = fault.driver.base
    assert base is not None
    prop = PROPERTIES[property_id]
    [result] = check_scenario(base, SCENARIOS[fault.scenario], [prop])
    assert (result.verdict, result.vacuous) == (Verdict.HOLDS, False)


def test_a_reader_thread_that_is_not_told_of_a_packet_is_a_lost_wakeup() -> None:
    fault = FAULTS["no-lost-wakeup"]
    prop = PROPERTIES["no-lost-wakeup"]
    [result] = check_scenario(fault.driver, SCENARIOS["writer-reader-thread"], [prop])
    assert result.verdict is Verdict.REFUTED
    assert result.reason == "the reader thread sleeps, although a packet lies in the receive queue"
