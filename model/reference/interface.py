"""What the stack does to a device: up, down, MTU, delete, transmit and deliver."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from haiku_tuntap.model.profiles import Profile
from haiku_tuntap.model.reference.files import is_runt, refusals
from haiku_tuntap.model.reference.operations import (
    ETHERNET_HEADER,
    OK,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Packet,
    Result,
    SetMtu,
    Transmit,
)
from haiku_tuntap.model.reference.state import Call, Outcome, State, fits
from haiku_tuntap.model.status import B_BAD_VALUE, B_DEVICE_NOT_FOUND, B_INTERRUPTED, B_OK


def turned(state: State, call: Call, profile: Profile) -> Iterator[Outcome]:
    """Interface up or down.

    UP-1: up and down never wait for an application. UP-2: packets stay queued. UP-3: while another
    up or down is under way, they may be refused or have no effect.
    """
    others = [c for c in state.calls if c.thread != call.thread]
    if any(isinstance(other.operation, InterfaceUp | InterfaceDown) for other in others):
        yield from refusals(state, profile.busy_interface.value, "UP-3")
    up = isinstance(call.operation, InterfaceUp)
    after = evolve(state, up=up)
    if not up and not profile.queue_survives_down.value:
        after = evolve(after, to_application=(), to_stack=())
    yield Outcome(OK, after, "UP-1")


def mtu_set(state: State, operation: SetMtu, profile: Profile) -> Iterator[Outcome]:
    """Set the MTU.

    MTU-1: an MTU outside the range is refused and changes nothing. MTU-2: it binds at most what is
    sent to the application, never what the application writes.
    """
    tun = state.kind is Kind.TUN
    largest = (profile.tun_largest_mtu if tun else profile.tap_largest_mtu).value
    if profile.smallest_mtu.value <= operation.mtu <= largest:
        yield Outcome(OK, evolve(state, mtu=operation.mtu), "MTU-1")
    else:
        yield Outcome(Result(B_BAD_VALUE), state, "MTU-1")


def deleted(state: State, profile: Profile) -> Iterator[Outcome]:
    """Delete the interface.

    DELETE-1: an interface whose device is open is not deleted, unless the profile says so.
    DELETE-2: calls on a device that is gone fail, and none waits.
    """
    in_use = any(not file.closed or state.uses(file) for file in state.files)
    allowed = profile.delete_while_open.value if in_use else (B_OK,)
    for status in allowed:
        if status == B_OK:
            after = evolve(state, deleted=True, up=False, to_application=(), to_stack=())
            yield Outcome(OK, after, "DELETE-1")
        else:
            yield Outcome(Result(status), state, "DELETE-1")


def transmitted(state: State, operation: Transmit, profile: Profile) -> Iterator[Outcome]:
    """The stack sends a packet to the application.

    SEND-1: a packet is queued whole and last, or not at all. SEND-3: sending never waits. SEND-2:
    a packet for which the queue has no room is dropped, and those that are queued stay. FRAME-3:
    TUN carries nothing but IP to the application, TAP every frame.
    """
    packet = operation.packet
    if state.deleted:
        yield Outcome(Result(B_DEVICE_NOT_FOUND), state, "DELETE-2")
        return
    largest = state.mtu if state.kind is Kind.TUN else state.mtu + ETHERNET_HEADER
    checks = [
        (state.kind is Kind.TUN and packet.version not in (4, 6), profile.transmit_not_ip),
        (not state.up, profile.transmit_while_down),
        (packet.size > largest, profile.transmit_above_mtu),
    ]
    for (applies, decision), clause in zip(checks, ("FRAME-3", "SEND-1", "MTU-2"), strict=True):
        if applies:
            for status in decision.value:
                if status != B_OK:
                    yield Outcome(Result(status), state, clause)
            if B_OK not in decision.value:
                return
    if fits(state.to_application, packet, state.capacity, profile):
        yield Outcome(OK, evolve(state, to_application=(*state.to_application, packet)), "SEND-1")
    else:
        yield from refusals(state, profile.transmit_full.value, "SEND-2")


def delivered(state: State, profile: Profile) -> Iterator[Outcome]:
    """The stack's reader thread takes a packet that an application has written.

    DELIVER-1: packets are taken in the order in which they were written, each once, and only while
    the interface is up. WAKE-6: the reader thread does not wait while a packet is queued. WAKE-7:
    it does not wait when the interface is down.
    """
    if not state.up:
        woken = profile.down_wakes_reader_thread.value
        yield Outcome(Result(B_INTERRUPTED), state, "WAKE-7", promised=woken)
    elif state.to_stack:
        packet, *queue = state.to_stack
        yield Outcome(Result(B_OK, packet), evolve(state, to_stack=tuple(queue)), "DELIVER-1")


def has_handler(kind: Kind, packet: Packet, profile: Profile) -> bool:
    """DELIVER-2: whether a protocol of the stack takes a packet after it was delivered.

    What has no handler is seen by captures, and then freed without a word.
    """
    if kind is Kind.TUN:
        return packet.version == 4 or (packet.version == 6 and profile.ipv6_on_tun.value)
    return not is_runt(packet)
