"""What an application's calls do: open, close, control, read, write, poll and select."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from haiku_tuntap.model.profiles import Profile, Statuses
from haiku_tuntap.model.reference.operations import (
    ETHERNET_HEADER,
    OK,
    Close,
    Events,
    Kind,
    Open,
    Packet,
    Poll,
    Read,
    Result,
    Select,
    SetBlocking,
    Write,
)
from haiku_tuntap.model.reference.state import Call, File, Outcome, State, fits, mode_changed
from haiku_tuntap.model.status import B_FILE_ERROR, B_OK, ENODEV


def opened(state: State, operation: Open, profile: Profile) -> Iterator[Outcome]:
    """Open the device.

    OPEN-1: while one file of the device is open, every other open is refused. OPEN-2: when no file
    is open, open succeeds; OPEN-5: but between a close and the return of the last call that used
    the file it may be refused, too. OPEN-3: a file does not read what was queued before its open.
    OPEN-4: a device that is gone cannot be opened.
    """
    if state.deleted:
        yield Outcome(Result(ENODEV), state, "OPEN-4")
        return
    held = [file for file in state.files if not file.closed]
    lingering = [file for file in state.files if file.closed and state.uses(file)]
    if held or lingering:
        for status in profile.open_while_open.value:
            yield Outcome(Result(status), state, "OPEN-1" if held else "OPEN-5")
    if not held:
        # Had a call that is still inside looked at the old file, the file would not be freed.
        calls = tuple(
            evolve(c, late=True)
            if isinstance(c.operation, Read | Write | Poll | Select | SetBlocking) and not c.ended
            else c
            for c in state.calls
        )
        queue = state.to_application if profile.queue_survives_reopen.value else ()
        after = evolve(state, calls=calls, to_application=queue).tidy()
        file = File(operation.file, operation.nonblocking)
        yield Outcome(OK, after.with_file(file), "OPEN-3" if state.to_application else "OPEN-2")


def closed(state: State, operation: Close) -> Iterator[Outcome]:
    """Close the last descriptor of a file.

    CLOSE-1: close never waits. CLOSE-2: a file that is closed cannot be closed again.
    """
    file = state.file(operation.file)
    if file is None or file.closed:
        yield Outcome(Result(B_FILE_ERROR), state, "CLOSE-2")
    else:
        yield Outcome(OK, state.with_file(evolve(file, closed=True)), "CLOSE-1")


def gone(state: State, file: File | None, call: Call) -> Iterator[Outcome]:
    """FILE-1: a call on a closed file fails; FILE-3: if it had begun before, it may do so."""
    if file is None or file.closed or call.late:
        late = file is None or call.late
        yield Outcome(Result(B_FILE_ERROR), state, "FILE-1" if late else "FILE-3")


def mode_set(state: State, call: Call, operation: SetBlocking) -> Iterator[Outcome]:
    """CONTROL-1: the mode of a file can be set at any time. CONTROL-2: that never waits."""
    file = state.file(operation.file)
    yield from gone(state, file, call)
    if file is not None and not call.late:
        nonblocking = not operation.blocking
        after = state.with_file(evolve(file, nonblocking=nonblocking))
        calls = tuple(mode_changed(c, file.number, nonblocking) for c in after.calls)
        yield Outcome(OK, evolve(after, calls=calls), "CONTROL-1")


def read(state: State, call: Call, operation: Read, profile: Profile) -> Iterator[Outcome]:
    """Read one packet.

    READ-1: a read returns the packet that was queued first. READ-6: no other read returns it.
    READ-2: a buffer that is too small gets the first bytes, and the rest is lost. READ-3: with an
    empty queue a read waits. READ-4: if its file is non-blocking, it returns B_WOULD_BLOCK in
    place of waiting. READ-7: if the mode is set meanwhile, it may do either. READ-5: a read of 0
    bytes returns at once and takes nothing. WAKE-1: a read does not wait while a packet is queued.
    WAKE-2: a read whose file is closed does not wait. FILE-2: it does not act on another file.
    WAKE-3: a read that has got a signal does not wait.
    """
    file = state.file(operation.file)
    if file is None or call.late:
        yield Outcome(Result(B_FILE_ERROR), state, "FILE-1")
        return
    if operation.size == 0:
        yield from gone(state, file, call)
        yield from refusals(state, profile.empty_read.value, "READ-5")
        return
    if state.deleted:
        yield from refusals(state, profile.call_after_delete.value, "DELETE-2")
        return
    if state.to_application:
        packet, *queue = state.to_application
        rest = packet.rest(operation.size) if profile.short_read_keeps_rest.value else None
        after = evolve(state, to_application=tuple([rest, *queue] if rest else queue))
        clause = "READ-1" if packet.size <= operation.size else "READ-2"
        yield Outcome(Result(B_OK, packet.prefix(operation.size)), after, clause)
    elif call.may_refuse and profile.nonblocking_honoured.value:
        for status in profile.would_block.value:
            yield Outcome(Result(status), state, "READ-4", promised=not call.may_wait)
    if file.closed:
        for status in profile.closed_read.value:
            yield Outcome(Result(status), state, "WAKE-2", profile.close_wakes_read.value)
    if call.signalled:
        yield from refusals(state, profile.signal_status.value, "WAKE-3")


def refusals(state: State, statuses: Statuses, clause: str) -> Iterator[Outcome]:
    """The allowed statuses of a call that has no effect."""
    for status in statuses:
        yield Outcome(Result(status), state, clause)


def is_runt(packet: Packet) -> bool:
    """Whether a frame is too short for its header. Sizes without bytes are but size classes."""
    return isinstance(packet.content, bytes) and packet.size < ETHERNET_HEADER


def refused_content(kind: Kind, packet: Packet | None, profile: Profile) -> tuple[Statuses, str]:
    """What write answers to a packet for what is in it, and by which clause.

    FRAME-1: write accepts on TUN exactly the packets that begin with the nibble 4 or 6. FRAME-2:
    on TAP it accepts whole Ethernet frames of any type. A status of B_OK means accepted. The
    bytes themselves are the business of model/packet, with which this agrees.
    """
    if packet is None:
        return profile.empty_write.value, "WRITE-2"
    if kind is Kind.TUN and packet.version not in (4, 6):
        return profile.write_not_ip.value, "FRAME-1"
    if kind is Kind.TAP and is_runt(packet):
        return profile.write_runt.value, "FRAME-2"
    return (B_OK,), "WRITE-1"


def written(state: State, call: Call, operation: Write, profile: Profile) -> Iterator[Outcome]:
    """Write one packet.

    WRITE-1: a write queues its packet whole and last, or fails without effect. WRITE-5: it never
    waits. WRITE-2: a write of 0 bytes queues nothing. WRITE-3: errors of content come before those
    of the interface's state. WRITE-6: while the interface is down a write may do its work or fail.
    WRITE-4: a write into a full queue is refused.
    """
    file = state.file(operation.file)
    yield from gone(state, file, call)
    if file is None or call.late:
        return
    packet = operation.packet
    statuses, clause = refused_content(state.kind, packet, profile)
    for status in statuses:
        if status != B_OK or packet is None:
            yield Outcome(Result(status), state, clause)
    if packet is None or B_OK not in statuses:
        return
    if state.deleted:
        yield from refusals(state, profile.call_after_delete.value, "DELETE-2")
        return
    allowed: Statuses = (B_OK,) if state.up else profile.write_while_down.value
    for status in allowed:
        if status != B_OK:
            yield Outcome(Result(status), state, "WRITE-6")
    bounded = profile.written_queue_bounded.value
    if B_OK in allowed and bounded and not fits(state.to_stack, packet, state.capacity, profile):
        yield from refusals(state, profile.write_full.value, "WRITE-4")
    elif B_OK in allowed:
        yield Outcome(OK, evolve(state, to_stack=(*state.to_stack, packet)), clause)


def holding(state: State, profile: Profile) -> Events:
    """The events that hold.

    SELECT-1: READ holds exactly while a packet is queued. SELECT-2: WRITE holds while a write
    would not wait.
    """
    if state.deleted:
        return Events.ERROR
    events = Events.READ if state.to_application else Events.NONE
    full = profile.written_queue_bounded.value and not fits(
        state.to_stack, Packet("least"), state.capacity, profile
    )
    while_down = state.up or profile.write_ready_while_down.value
    if while_down and (not full or profile.write_ready_when_full.value):
        events |= Events.WRITE
    return events


def subsets(events: Events) -> list[Events]:
    """All subsets of some events."""
    found = [Events.NONE]
    for event in events:
        found += [subset | event for subset in found]
    return found


def polled(
    state: State, call: Call, operation: Poll | Select, profile: Profile
) -> Iterator[Outcome]:
    """Poll or select.

    SELECT-3: the call returns those events it asked for which all hold at one instant of it.
    WAKE-4: it does not wait while one of them holds. SELECT-4: with a timeout that is over it
    returns what holds, if only nothing. WAKE-5: it does not wait when its file is closed; poll
    then reports INVALID, beside which other events mean nothing, and select fails. WAKE-3: nor
    does it wait when it has got a signal.
    """
    file = state.file(operation.file)
    asked = operation.events | Events.ERROR
    is_poll = isinstance(operation, Poll)
    if file is None or call.late:
        result = Result(B_OK, events=Events.INVALID) if is_poll else Result(B_FILE_ERROR)
        yield Outcome(result, state, "WAKE-5")
        return
    if file.closed:
        yield from closed_under(state, operation, profile)
    events = Events.NONE
    if not file.closed or profile.watched_after_close.value:
        events = holding(state, profile) & asked
    if events:
        yield Outcome(Result(events=events), state, "SELECT-3")
    elif call.expired or not operation.wait:
        yield Outcome(Result(), state, "SELECT-4")
    if call.signalled:
        yield from refusals(state, profile.signal_status.value, "WAKE-3")


def closing_ends(operation: Poll | Select, profile: Profile) -> bool:
    """Whether a close of the descriptor ends this call (WAKE-5)."""
    if isinstance(operation, Poll):
        return profile.close_wakes_poll.value
    return profile.close_wakes_select.value


def closed_under(state: State, operation: Poll | Select, profile: Profile) -> Iterator[Outcome]:
    """What poll and select report when the file was closed after they had begun."""
    promised = closing_ends(operation, profile)
    if isinstance(operation, Select):
        yield Outcome(Result(B_FILE_ERROR), state, "WAKE-5", promised)
        return
    for events in subsets(operation.events) if promised else [Events.NONE]:
        yield Outcome(Result(B_OK, events=Events.INVALID | events), state, "WAKE-5", promised)


def interrupted(state: State, thread: str) -> State:
    """SIGNAL-1: a signal ends a call that waits, and does nothing to any other."""
    call = state.call(thread)
    if call is None or call.ended or not isinstance(call.operation, Read | Poll | Select):
        return state
    return state.with_call(evolve(call, signalled=True))


def timed_out(state: State, thread: str) -> State:
    """SELECT-5: a timeout ends the poll or select whose it is, and does nothing to any other."""
    call = state.call(thread)
    if call is None or call.ended or not isinstance(call.operation, Poll | Select):
        return state
    return state.with_call(evolve(call, expired=True))
