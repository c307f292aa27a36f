"""Conservation of packets can fail, and what fails it is found."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_read
from haiku_tuntap.model.kernel.net_fifo import fifo_dequeue_buffer
from haiku_tuntap.model.language import free, procedure
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.check import check_scenario
from haiku_tuntap.properties.prove.conservation import CONSERVATION
from haiku_tuntap.properties.prove.counted.proof import prove
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.verdict import Verdict

FORGETFUL = TUNNEL.derive("forgetful", "read takes a packet and gives it to nobody")


@FORGETFUL.replaces(tunnel_read)
@procedure(source="tunnel.cpp:154-173")
async def read(cookie: TunnelCookie) -> Status:
    """Take a packet, and free it without copying it."""
    status, buffer = await fifo_dequeue_buffer(cookie.device.send_queue, wait=True)
    if status != B_OK:
        return status
    assert buffer is not None
    await free(buffer)
    return B_OK


def test_the_search_finds_a_packet_that_is_given_to_nobody() -> None:
    (found,) = check_scenario(FORGETFUL, SCENARIOS["readers-senders"], [CONSERVATION])
    assert found.verdict is Verdict.REFUTED
    assert found.reason == (
        "1 packets were accepted; 0 were delivered, 0 discarded, and 0 are queued"
    )


def test_the_ledger_of_such_a_driver_does_not_balance() -> None:
    proof = prove(FORGETFUL, THEOREMS["reopen"])
    assert {failure.claim.name for failure in proof.failures} == {"ledgers-balance"}
    assert not proof.proves(CONSERVATION)


def test_the_search_agrees_that_tunnel_conserves_packets() -> None:
    (found,) = check_scenario(TUNNEL, SCENARIOS["readers-senders"], [CONSERVATION])
    assert found.verdict is Verdict.HOLDS
    assert not found.vacuous
