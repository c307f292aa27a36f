"""All proofs about framing, each with the faults that refute it.

`prove_all()` runs them. A proof's id is `framing/<framing>/<claim>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from haiku_tuntap.model.packet.framing import ETHERNET_HEADER, Framing, Kind
from haiku_tuntap.model.packet.framings import FRAMINGS, QUEUE_BYTES, TUN_BEFORE_2024
from haiku_tuntap.properties.framing import claims
from haiku_tuntap.properties.framing.faults import (
    ChecksNoLength,
    ReadsTheEnd,
    SwapsTheType,
    with_mistake,
)
from haiku_tuntap.properties.framing.proof import Fault, FramingProof, ProofResult

ACCEPTED_STATEMENTS = {
    "tun": "accepts a packet exactly when its first nibble is 4 or 6; else B_BAD_DATA, and "
    "B_BAD_VALUE if it is empty",
    "tap": "accepts every frame, whatever its length and content",
    "tun-before-2024": "accepts a packet exactly when its first nibble is 4 or 6; else B_BAD_DATA, "
    "and B_BAD_VALUE if it is empty",
    "linux-tun": "accepts a packet exactly when its first nibble is 4 or 6; else EINVAL",
    "linux-tun-information": "accepts exactly what has at least 4 bytes; else EINVAL",
    "linux-tap": "accepts exactly what has at least 14 bytes; else EINVAL",
    "linux-tap-information": "accepts exactly what has at least 18 bytes; else EINVAL",
}


def _short_lengths(framing: Framing) -> Fault:
    return Fault("lengths have 16 bits", framing, bits=16)


def _wrong_offset(framing: Framing, offset: int) -> Fault:
    return Fault(f"read leaves out {offset} bytes", evolve(framing, taken_off=offset))


def _swapped_type(framing: Framing) -> Fault:
    return Fault("deframing swaps the bytes of the type", with_mistake(SwapsTheType, framing))


def _accepted(framing: Framing) -> FramingProof:
    if framing.version_decides:
        fault = Fault("write ignores the version", evolve(framing, version_decides=False))
    else:
        shortest = framing.shortest - 1 if framing.shortest else 1
        fault = Fault(f"write wants {shortest} bytes", evolve(framing, shortest=shortest))
    return FramingProof(
        id=f"framing/{framing.id}/accepted",
        statement=f"The driver's write {ACCEPTED_STATEMENTS[framing.id]}.",
        framing=framing,
        claim=claims.accepted_exactly_when,
        faults=(fault,),
    )


def _round_trip(framing: Framing) -> FramingProof:
    whole = " and that has a whole Ethernet header" if framing.kind is Kind.TAP else ""
    apart = ""
    faults = [_wrong_offset(framing, 13 if framing.taken_off else ETHERNET_HEADER)]
    if framing.information and framing.kind is Kind.TUN:
        apart = ", but for the flags of the packet information"
        faults = [_swapped_type(framing)]
    elif framing.information:
        apart = ", but for the packet information"
    if framing is TUN_BEFORE_2024:
        faults.append(_short_lengths(framing))
    return FramingProof(
        id=f"framing/{framing.id}/round-trip",
        statement=f"A packet that write accepts{whole} passes deframing; sent back by "
        f"the stack as it is, it is read byte for byte as it was written{apart}.",
        framing=framing,
        claim=claims.round_trip,
        faults=tuple(faults),
    )


def _header(framing: Framing) -> FramingProof:
    after = (
        "What is read, after the packet information, is"
        if framing.information
        else ("What is read is")
    )
    if framing.kind is Kind.TAP:
        statement = "a whole Ethernet header and then the stack's packet."
        fault = _wrong_offset(framing, ETHERNET_HEADER)
    else:
        statement = "the stack's packet, and never an Ethernet header."
        shown = evolve(framing, inside_stack=ETHERNET_HEADER, taken_off=0)
        fault = Fault("the stack puts a header on that read does not leave out", shown)
    return FramingProof(
        id=f"framing/{framing.id}/header",
        statement=f"{after} {statement}",
        framing=framing,
        claim=claims.ethernet_header,
        faults=(fault,),
    )


def _frame_type(framing: Framing) -> FramingProof:
    faults: tuple[Fault, ...]
    swaps = _swapped_type(framing)
    if framing.put_on:
        claim = claims.header_and_type
        statement = (
            "The frame type, the type in the header inside the stack and the IP version agree, "
            "and the header's addresses are zero."
        )
        faults = (swaps, Fault("write leaves out a byte", evolve(framing, put_on=13)))
    elif framing.version_decides:
        claim = claims.type_and_version
        statement = "An accepted packet has the frame type IPv4 or IPv6, as its IP version says."
        trusts = evolve(framing, version_decides=False)
        faults = (swaps, Fault("the application names the type", trusts))
    else:
        claim = claims.type_from_bytes
        what = "Ethernet header" if framing.kind is Kind.TAP else "packet information"
        statement = f"The frame type is the one in the {what}, whatever follows it."
        faults = (swaps,)
    return FramingProof(f"framing/{framing.id}/frame-type", statement, framing, claim, faults)


def _short_read(framing: Framing) -> FramingProof:
    statement = (
        "A read with too little room gives the beginning of the packet and nothing else; with "
        "enough, all of it."
    )
    if framing.information:
        statement += (
            " The information says whether the packet was cut; with less room than that: EINVAL."
        )
    return FramingProof(
        id=f"framing/{framing.id}/short-read",
        statement=statement,
        framing=framing,
        claim=claims.short_read,
        faults=(Fault("a short read gives the end", with_mistake(ReadsTheEnd, framing)),),
    )


def _no_wrap(framing: Framing) -> FramingProof:
    if framing.inside_stack or framing.information:
        fault = _short_lengths(framing)
    else:
        fault = _wrong_offset(framing, ETHERNET_HEADER)
    return FramingProof(
        id=f"framing/{framing.id}/no-wrap",
        statement="No length wraps: a packet with a header is never shorter than the header.",
        framing=framing,
        claim=claims.no_length_wraps,
        faults=(fault,),
    )


def _bounds(framing: Framing) -> FramingProof:
    return FramingProof(
        id=f"framing/{framing.id}/bounds",
        statement="No status and no frame type depends on a byte outside the packet.",
        framing=framing,
        claim=claims.nothing_beyond_the_end,
        faults=(Fault("lengths are not checked", with_mistake(ChecksNoLength, framing)),),
    )


def _queue(framing: Framing) -> FramingProof:
    largest = QUEUE_BYTES - framing.put_on
    return FramingProof(
        id=f"framing/{framing.id}/queue",
        statement=f"A packet above {largest:,} bytes gets ENOBUFS always, any other is taken by an "
        "empty queue, and no queue holds more than 48,448 bytes.",
        framing=framing,
        claim=claims.queue_limit,
        faults=(
            Fault("the queue has no limit", evolve(framing, queue_bytes=None)),
            _short_lengths(framing),
        ),
    )


def _proofs_of(framing: Framing) -> Iterator[FramingProof]:
    yield _accepted(framing)
    yield _round_trip(framing)
    yield _header(framing)
    yield _frame_type(framing)
    yield _short_read(framing)
    yield _no_wrap(framing)
    yield _bounds(framing)
    if framing.queue_bytes is not None:
        yield _queue(framing)


PROOFS: dict[str, FramingProof] = {
    proof.id: proof for framing in FRAMINGS.values() for proof in _proofs_of(framing)
}
"""All of them, by id."""


def prove_all(framings: Iterable[str] = tuple(FRAMINGS)) -> list[ProofResult]:
    """Run the proofs about the framings with those ids, all of them unless told."""
    wanted = set(framings)
    return [proof.prove() for proof in PROOFS.values() if proof.framing.id in wanted]
