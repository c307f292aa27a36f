"""The reference, one call at a time: a clause, a profile, what is allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from attrs import evolve

from haiku_tuntap.model import packet as packet_model
from haiku_tuntap.model.packet import Framing
from haiku_tuntap.model.packet.framings import LINUX_TAP, LINUX_TUN, TAP, TUN
from haiku_tuntap.model.profiles import HAIKU, LINUX, REQUIRED, Profile
from haiku_tuntap.model.reference import (
    OK,
    Close,
    Delete,
    Deliver,
    Deselect,
    Events,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Open,
    Operation,
    Packet,
    Poll,
    Read,
    Reference,
    Result,
    Select,
    SetBlocking,
    SetMtu,
    State,
    Transmit,
    Write,
    completable,
    has_handler,
    invoke,
    leave,
    quiescent,
    refused_content,
    step,
)
from haiku_tuntap.model.status import Status

IP4 = Packet.of(bytes.fromhex("45 00 00 14"))
IP6 = Packet.of(bytes.fromhex("60 00 00 00"))
ARP = Packet.of(bytes(range(14)))
RUNTS = [b"\x45" * size for size in (1, 13, 14)]
RUNT = Packet.of(bytes(range(13)))


def device(profile: Profile = REQUIRED, kind: Kind = Kind.TUN, **changes: object) -> State:
    """A device that is up and has file 1 open."""
    state = Reference(kind=kind, profile=profile, files=(1,)).initial()
    return evolve(state, **changes)  # type: ignore[arg-type]  # fields by name


def allowed(state: State, operation: Operation, profile: Profile = REQUIRED) -> list[str]:
    """The results that a call may have which begins now, and the clauses, in words."""
    return [str(outcome) for outcome in step(state, operation, profile)]


def after(state: State, *operations: Operation, profile: Profile = REQUIRED) -> State:
    """The state after calls which each have but one outcome."""
    for operation in operations:
        (outcome,) = step(state, operation, profile)
        state = outcome.state
    return state


def test_open_is_exclusive_and_reopening_empties_the_queue() -> None:
    """OPEN-1, OPEN-3."""
    state = after(device(), Transmit(IP4))
    assert allowed(state, Open(2)) == ["EBUSY (OPEN-1)"]
    reopened = after(state, Close(1), Open(2))
    assert reopened.to_application == ()
    kept = after(state, Close(1), Open(2), profile=HAIKU)
    assert kept.to_application == (IP4,)


def test_calls_on_a_closed_file_fail() -> None:
    """FILE-1, WAKE-5."""
    state = after(device(), Close(1))
    for operation in (Read(1), Write(1, IP4), Select(1), SetBlocking(1, True)):
        assert [o.result for o in step(state, operation, REQUIRED)] == [Result(Status.B_FILE_ERROR)]
    assert allowed(state, Close(1)) == ["B_FILE_ERROR (CLOSE-2)"]
    assert allowed(state, Poll(1)) == ["B_OK (INVALID) (WAKE-5)"]


def test_read_returns_packets_in_order_and_then_waits() -> None:
    state = after(device(), Transmit(IP4), Transmit(IP6))
    assert allowed(state, Read(1)) == [f"B_OK {IP4} (READ-1)"]
    assert allowed(after(state, Read(1)), Read(1)) == [f"B_OK {IP6} (READ-1)"]
    assert allowed(after(state, Read(1), Read(1)), Read(1)) == ["waits (READ-3)"]


def test_a_short_read_returns_the_prefix_and_drops_the_rest() -> None:
    state = after(device(), Transmit(IP4))
    (outcome,) = step(state, Read(1, 2), REQUIRED)
    assert outcome.result == Result(packet=Packet.of(bytes.fromhex("45 00")))
    assert outcome.clause == "READ-2"
    assert outcome.state.to_application == ()


def test_empty_reads_and_writes() -> None:
    state = after(device(), Transmit(IP4))
    (outcome,) = step(state, Read(1, 0), REQUIRED)
    assert outcome.result == OK
    assert outcome.state.to_application == (IP4,)
    assert allowed(state, Write(1, None)) == ["B_OK (WRITE-2)"]
    assert allowed(state, Write(1, None), LINUX) == ["B_BAD_VALUE (WRITE-2)"]


@pytest.mark.parametrize(
    ("kind", "packet", "profile", "expected"),
    [
        (Kind.TUN, IP4, REQUIRED, ["B_OK (WRITE-1)"]),
        (Kind.TUN, IP6, REQUIRED, ["B_OK (WRITE-1)"]),
        (Kind.TUN, ARP, REQUIRED, ["B_BAD_DATA (FRAME-1)"]),
        (Kind.TUN, ARP, LINUX, ["B_BAD_VALUE (FRAME-1)"]),
        (Kind.TAP, ARP, REQUIRED, ["B_OK (WRITE-1)"]),
        (Kind.TAP, RUNT, REQUIRED, ["B_BAD_DATA (FRAME-2)", "B_OK (FRAME-2)"]),
        (Kind.TAP, RUNT, HAIKU, ["B_OK (FRAME-2)"]),
        (Kind.TAP, RUNT, LINUX, ["B_BAD_VALUE (FRAME-2)"]),
    ],
)
def test_what_write_accepts(
    kind: Kind, packet: Packet, profile: Profile, expected: list[str]
) -> None:
    assert allowed(device(profile, kind), Write(1, packet), profile) == expected


@pytest.mark.parametrize(
    ("framing", "profile"),
    [(TUN, HAIKU), (TAP, HAIKU), (LINUX_TUN, LINUX), (LINUX_TAP, LINUX)],
)
@pytest.mark.parametrize("data", [b"", *(bytes([n << 4]) * 20 for n in range(16)), *RUNTS])
def test_what_write_accepts_agrees_with_the_framing(
    framing: Framing, profile: Profile, data: bytes
) -> None:
    packet = Packet.of(data) if data else None
    statuses, _ = refused_content(framing.kind, packet, profile)
    assert packet_model.write(framing, data).status in statuses


def test_write_and_poll_while_down() -> None:
    """WRITE-3: what is wrong with the packet itself comes first. SELECT-2."""
    state = device(up=False)
    both = ["EIO (WRITE-6)", "B_OK (WRITE-1)"]
    assert allowed(state, Write(1, IP4)) == both
    assert allowed(state, Write(1, IP4), HAIKU) == both[1:]
    assert allowed(state, Write(1, IP4), LINUX) == both[:1]
    assert allowed(state, Write(1, ARP), LINUX) == ["B_BAD_VALUE (FRAME-1)"]
    writable = Poll(1, Events.WRITE, wait=False)
    assert allowed(state, writable, HAIKU) == ["B_OK (WRITE) (SELECT-3)"]
    assert allowed(state, writable, LINUX) == ["B_OK (SELECT-4)"]


def test_full_queues() -> None:
    state = after(device(capacity=7), Transmit(IP4))
    assert allowed(state, Transmit(IP6)) == ["ENOBUFS (SEND-2)"]
    full = after(device(capacity=7), Write(1, IP4))
    assert allowed(full, Write(1, IP6)) == ["ENOBUFS (WRITE-4)"]
    assert allowed(full, Poll(1, Events.WRITE)) == ["B_OK (WRITE) (SELECT-3)"]
    one = after(device(LINUX, capacity=1), Transmit(IP4), profile=LINUX)
    (dropped,) = step(one, Transmit(IP6), LINUX)
    assert dropped.result == OK
    assert dropped.state.to_application == (IP4,)
    larger_than_the_queue = Packet("large", size=48449)
    assert allowed(device(), Transmit(larger_than_the_queue)) == ["ENOBUFS (SEND-2)"]


def test_packets_survive_down_and_up() -> None:
    """UP-2."""
    state = after(device(), Transmit(IP4), Write(1, IP6), InterfaceDown())
    assert allowed(state, Deliver()) == ["B_INTERRUPTED (WAKE-7)"]
    state = after(state, InterfaceUp())
    assert allowed(state, Deliver()) == [f"B_OK {IP6} (DELIVER-1)"]
    assert allowed(state, Read(1)) == [f"B_OK {IP4} (READ-1)"]


def test_nonblocking_mode_that_changes_under_a_read() -> None:
    """READ-7: it may do either."""
    state = invoke(device(), "reader", Read(1))
    assert quiescent(state, REQUIRED)
    (change,) = step(state, SetBlocking(1, False), REQUIRED, thread="other")
    (way,) = completable(change.state, "reader", REQUIRED)
    assert str(way) == "B_WOULD_BLOCK (READ-4, not promised)"
    assert quiescent(change.state, REQUIRED)
    later = after(device(), SetBlocking(1, False))
    assert allowed(later, Read(1)) == ["B_WOULD_BLOCK (READ-4)"]
    assert allowed(later, Read(1), HAIKU) == ["waits (READ-3)"]


def test_a_timeout_ends_a_poll() -> None:
    state = invoke(device(), "poller", Poll(1))
    assert completable(state, "poller", REQUIRED) == ()
    (over,) = step(state, Deselect("poller"), REQUIRED)
    (way,) = completable(over.state, "poller", REQUIRED)
    assert str(way) == "B_OK (SELECT-4)"
    assert leave(way.state, "poller").calls == ()


def test_poll_on_both_events() -> None:
    both = Poll(1, Events.READ | Events.WRITE)
    assert allowed(device(), both) == ["B_OK (WRITE) (SELECT-3)"]
    assert allowed(after(device(), Transmit(IP4)), both) == ["B_OK (READ and WRITE) (SELECT-3)"]


@pytest.mark.parametrize(
    ("profile", "kind", "mtu", "status"),
    [
        (HAIKU, Kind.TUN, 15, "B_BAD_VALUE"),
        (HAIKU, Kind.TUN, 16, "B_OK"),
        (HAIKU, Kind.TAP, 65536, "B_OK"),
        (HAIKU, Kind.TAP, 65537, "B_BAD_VALUE"),
        (LINUX, Kind.TUN, 67, "B_BAD_VALUE"),
        (LINUX, Kind.TUN, 65535, "B_OK"),
        (LINUX, Kind.TAP, 65522, "B_BAD_VALUE"),
    ],
)
def test_mtu(profile: Profile, kind: Kind, mtu: int, status: str) -> None:
    assert allowed(device(profile, kind), SetMtu(mtu), profile) == [f"{status} (MTU-1)"]


def test_the_mtu_binds_what_linux_transmits() -> None:
    large = Packet("large", size=1501)
    assert allowed(device(LINUX), Transmit(large), LINUX) == ["B_ERROR (MTU-2)"]
    assert allowed(device(LINUX, Kind.TAP), Transmit(large), LINUX) == ["B_OK (SEND-1)"]
    assert allowed(device(), Transmit(large)) == ["B_OK (SEND-1)"]


def test_delete() -> None:
    assert allowed(device(), Delete()) == ["EBUSY (DELETE-1)"]
    gone = after(device(), Close(1), Delete())
    assert allowed(gone, Open(2)) == ["ENODEV (OPEN-4)"]
    under_a_file = after(device(LINUX), Delete(), profile=LINUX)
    assert allowed(under_a_file, Poll(1), LINUX) == ["B_OK (ERROR) (SELECT-3)"]
    assert allowed(under_a_file, Read(1), LINUX) == [
        "B_BAD_ADDRESS (DELETE-2)",
        "B_ERROR (DELETE-2)",
    ]


def test_ipv6_on_tun_has_no_handler_on_haiku() -> None:
    """DELIVER-2."""
    assert has_handler(Kind.TUN, IP6, REQUIRED)
    assert not has_handler(Kind.TUN, IP6, HAIKU)
    assert has_handler(Kind.TUN, IP4, HAIKU)
    assert not has_handler(Kind.TAP, RUNT, HAIKU)


def test_states_and_operations_describe_themselves() -> None:
    state = after(device(), Transmit(IP4))
    assert str(invoke(state, "reader", Read(1, 9))) == (
        "TUN up, MTU 1500; files: file 1; to application: [45 00 00 14, 4 bytes]; "
        "to stack: none; calls: reader: read up to 9 bytes of file 1"
    )


def test_misuse_is_refused_in_plain_words() -> None:
    with pytest.raises(ValueError, match="file 1 exists already; give each open its own number"):
        invoke(device(), "a", Open(1))
    inside = invoke(device(), "a", Read(1))
    with pytest.raises(ValueError, match="a cannot begin to close file 1: it is inside a call"):
        invoke(inside, "a", Close(1))
    with pytest.raises(ValueError, match="b is in no call"):
        completable(inside, "b", REQUIRED)
    with pytest.raises(ValueError, match="at least one byte"):
        Packet.of(b"")


def test_the_reference_needs_attrs_alone() -> None:
    program = (
        "import sys, haiku_tuntap.model.reference; "
        "print(*{'hypothesis', 'z3', 'click', 'rich', 'haiku_tuntap.properties'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("\n", "")
