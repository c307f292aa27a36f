"""Each proof is found, each seeded fault refutes its proof, and both agree with real bytes."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from haiku_tuntap.model.packet import FRAMINGS, LINUX_TUN_INFORMATION, TUN
from haiku_tuntap.properties.framing import PROOFS, Answer, Fault, FramingProof, prove_all
from haiku_tuntap.properties.framing.claims import Claim, type_and_version
from haiku_tuntap.properties.framing.world import LONGEST_PACKET, Values, real_world

FAULTS = {f"{p.id}: {f.name}": (p, f) for p in PROOFS.values() for f in p.faults}
SECONDS = 1.0


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_proved(proof: FramingProof) -> None:
    result = proof.prove()
    assert (result.answer, result.counterexample) == (Answer.PROVED, None), str(result)
    assert result.seconds < SECONDS
    assert proof.faults


@pytest.mark.parametrize(("proof", "fault"), FAULTS.values(), ids=FAULTS)
def test_seeded_faults_are_refuted(proof: FramingProof, fault: Fault) -> None:
    """And the counterexample is one of real bytes too, unless the fault is the size of a length."""
    result = proof.prove(fault)
    assert result.answer is Answer.REFUTED
    assert result.seconds < SECONDS
    found = result.counterexample
    assert found is not None
    assert found.values.length == len(found.values.content) <= LONGEST_PACKET
    assert found.fails_on_real_bytes(proof.claim) == (fault.bits == 32)


def values() -> st.SearchStrategy[Values]:
    byte = st.integers(0, 255)
    first = st.sampled_from(
        [b"", b"\x45", b"\x60", b"\0\0\x08\0\x45", b"\1\0\x86\xdd", bytes(12) + b"\x08\0\x45"]
    )
    rest = st.one_of(st.binary(max_size=20), st.binary(min_size=18, max_size=40))
    content = st.builds(bytes.__add__, first, rest)
    return st.builds(
        lambda content, outside, **rest: Values(
            length=len(content), content=content, outside=bytes(len(content)) + outside, **rest
        ),
        content=content,
        outside=st.binary(max_size=20),
        index=st.integers(0, 60),
        size=st.integers(0, 80),
        waiting=st.one_of(st.integers(0, 100), st.integers(48300, 48448)),
        frame_type=st.one_of(st.sampled_from([0x0800, 0x86DD, 0x0806]), st.integers(0, 0xFFFF)),
        header=st.tuples(*[byte] * 14),
    )


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_claims_hold_of_real_bytes(proof: FramingProof) -> None:
    """The same claims without Z3, so that its world and the real one cannot drift apart."""
    spoken_of = 0

    @given(values=values())
    @settings(derandomize=True, max_examples=50, deadline=None, database=None)
    def check(values: Values) -> None:
        nonlocal spoken_of
        claim = proof.claim(proof.framing, real_world(values))
        if claim.given:
            spoken_of += 1
            assert claim.then

    check()
    assert spoken_of >= 3


def test_a_wrong_offset_in_full() -> None:
    """Read left the header in, but for its last byte."""
    proof = PROOFS["framing/tun-before-2024/round-trip"]
    text = str(proof.prove(proof.faults[0])).splitlines()
    assert text[0].startswith("REFUTED  framing/tun-before-2024/round-trip  (")
    assert text[2:] == [
        "Haiku TUN before 2024-02-15: a packet of 1 byte",
        "  looked at: byte 0",
        "what is written",
        "0000  40" + " " * 47 + "IPv4 version and header length: 4, 0 bytes",
    ]


def test_sixteen_bit_lengths_fail_just_above_65521() -> None:
    """The header makes the length wrap, so that deframing finds no header to take off."""
    proof = PROOFS["framing/tun-before-2024/round-trip"]
    found = proof.prove(proof.faults[1]).counterexample
    assert found is not None
    assert found.values.length == 65536 - 14
    assert found.values.content == b"\x40" + bytes(65521)
    assert "and 65438 more bytes" in str(found)


def test_a_shown_ethernet_header_in_full() -> None:
    proof = PROOFS["framing/tun/header"]
    assert str(proof.prove(proof.faults[0])).splitlines()[2:] == [
        "Haiku TUN: a packet of 0 bytes",
        "  looked at: byte 0",
        "  sent with the frame type 0x0800 (IPv4)",
        "the packet that the stack sends",
        "(no bytes)",
    ]


def test_linux_trusts_the_packet_information() -> None:
    """There the type and the version need not agree: the first packet that shows it."""
    proof = evolve(
        PROOFS["framing/linux-tun/frame-type"],
        framing=LINUX_TUN_INFORMATION,
        claim=type_and_version,
    )
    result = proof.prove()
    assert result.answer is Answer.REFUTED
    assert result.counterexample is not None
    assert result.counterexample.values.content == bytes(4)


def test_a_claim_about_no_packet_is_undetermined() -> None:
    proof = evolve(
        PROOFS["framing/tun/accepted"],
        claim=lambda framing, world: Claim(
            given=world.algebra.less(world.packet.length, 0), then=world.algebra.every()
        ),
    )
    result = proof.prove()
    assert result.answer is Answer.UNDETERMINED
    assert "no packet meets the claim's condition" in str(result)


def test_a_timeout_is_undetermined() -> None:
    """An equation of high degree takes Z3 longer than a millisecond."""

    def hard(framing, world) -> Claim:
        a, b = world.size, world.index
        wanted = 4294967291
        small = world.algebra.every(world.algebra.less(1, a), world.algebra.less(1, b))
        solved = a * a * a * b * b + a * b * 7 == wanted
        return Claim(given=small, then=world.algebra.negation(solved))

    result = evolve(PROOFS["framing/tun/accepted"], claim=hard).prove(timeout=1)
    assert result.answer is Answer.UNDETERMINED
    assert "Z3 did not finish" in str(result)


def test_prove_all() -> None:
    results = prove_all([TUN.id, LINUX_TUN_INFORMATION.id])
    assert [r.proof.framing.id for r in results] == [TUN.id] * 8 + [LINUX_TUN_INFORMATION.id] * 7
    assert {r.answer for r in results} == {Answer.PROVED}


def test_every_framing_has_its_proofs() -> None:
    kinds = {"accepted", "round-trip", "header", "frame-type", "short-read", "no-wrap", "bounds"}
    for framing in FRAMINGS:
        have = {proof_id.rpartition("/")[2] for proof_id in PROOFS if f"/{framing}/" in proof_id}
        assert kinds <= have
