"""Named decisions on which platforms may differ.

The reference is one machine for every platform. Wherever a platform may choose, the machine asks
its profile, and the profile names the choice, the reason for it and the place where that can be
looked up. A difference between a driver and the reference is a defect or one of these decisions;
there is no third kind.

*required* is what we demand of Haiku's driver. Each demand is argued from POSIX, from what Haiku's
code says that it intends, or from what VPN programs rely on; where none of these decides, more
than one result is allowed. *haiku* is today's driver where it differs. *linux* was measured. A race
is no decision: where today's driver usually does what is required, `haiku` says the same, and the
race is one of its known defects.

A decision about a status is a tuple of all that are allowed. The statuses are Haiku's: EINVAL is
B_BAD_VALUE, EAGAIN is B_WOULD_BLOCK, EINTR is B_INTERRUPTED, EBADF is B_FILE_ERROR and EFAULT is
B_BAD_ADDRESS there, and an errno without a name here (EBADFD, EMSGSIZE, ENETDOWN) is B_ERROR.
"""
# ruff: noqa: RUF009  (asks() declares a field, as attrs.field() does)

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, TypeVar

from attrs import evolve, field, fields, frozen

from haiku_tuntap.model.status import (
    B_BAD_ADDRESS,
    B_BAD_DATA,
    B_BAD_VALUE,
    B_ERROR,
    B_FILE_ERROR,
    B_INTERRUPTED,
    B_OK,
    B_WOULD_BLOCK,
    EBUSY,
    EIO,
    ENOBUFS,
    Status,
)

T = TypeVar("T")


@frozen
class Decision(Generic[T]):
    """One choice of one platform, why, and where to look it up."""

    value: T
    reason: str
    source: str


class Unit(Enum):
    """What a queue's capacity counts."""

    BYTES = "bytes"
    PACKETS = "packets"


def asks(question: str) -> Any:
    """A decision's field, which every profile must give, and the question that it answers."""
    return field(metadata={"question": question})


Statuses = tuple[Status, ...]


@frozen(kw_only=True)
class Profile:
    """All decisions of one platform."""

    name: str

    # Opening and closing
    open_while_open: Decision[Statuses] = asks(
        "Status of an open while somebody else has the device open"
    )
    queue_survives_reopen: Decision[bool] = asks(
        "The next opener reads packets queued before its open"
    )
    close_wakes_read: Decision[bool] = asks(
        "Closing the last descriptor ends the reads that wait on it"
    )
    closed_read: Decision[Statuses] = asks("Status of a read whose file was closed under it")
    close_wakes_poll: Decision[bool] = asks("Closing the descriptor ends the polls that wait on it")
    close_wakes_select: Decision[bool] = asks(
        "Closing the descriptor ends the selects that wait on it"
    )
    watched_after_close: Decision[bool] = asks(
        "A poll or select that closing does not end still sees its events"
    )

    # Reading
    nonblocking_honoured: Decision[bool] = asks(
        "A non-blocking read of an empty queue returns at once"
    )
    would_block: Decision[Statuses] = asks("Status of a non-blocking read of an empty queue")
    signal_status: Decision[Statuses] = asks("Status of a waiting call that a signal ends")
    empty_read: Decision[Statuses] = asks("Status of a read of 0 bytes, which takes no packet")
    short_read_keeps_rest: Decision[bool] = asks(
        "What did not fit into a read's buffer is kept for the next read"
    )

    # Writing
    empty_write: Decision[Statuses] = asks("Status of a write of 0 bytes, which makes no packet")
    write_not_ip: Decision[Statuses] = asks(
        "TUN: status of a write whose first nibble is neither 4 nor 6"
    )
    write_runt: Decision[Statuses] = asks(
        "TAP: status of a write shorter than an Ethernet header (14 bytes)"
    )
    write_while_down: Decision[Statuses] = asks("Status of a write while the interface is down")
    written_queue_bounded: Decision[bool] = asks(
        "The queue from application to stack has a capacity"
    )
    write_full: Decision[Statuses] = asks(
        "Status of a write into a full queue; the new packet is dropped"
    )

    # Select and poll
    write_ready_while_down: Decision[bool] = asks("poll reports WRITE while the interface is down")
    write_ready_when_full: Decision[bool] = asks(
        "poll reports WRITE while the queue to the stack is full"
    )

    # Queue and stack
    queue_unit: Decision[Unit] = asks("What the capacity of a queue counts")
    tun_capacity: Decision[int] = asks("TUN: capacity of a queue")
    tap_capacity: Decision[int] = asks("TAP: capacity of a queue")
    transmit_full: Decision[Statuses] = asks(
        "What the stack is told when the queue is full; the new packet is dropped"
    )
    transmit_not_ip: Decision[Statuses] = asks(
        "TUN: status of sending a packet that is neither IPv4 nor IPv6"
    )
    transmit_while_down: Decision[Statuses] = asks(
        "What a sender is told while the interface is down"
    )
    transmit_above_mtu: Decision[Statuses] = asks(
        "Status of sending a packet larger than the MTU (TAP: and its header)"
    )
    ipv6_on_tun: Decision[bool] = asks(
        "TUN: a protocol takes the IPv6 packets that an application writes"
    )

    # Interface
    queue_survives_down: Decision[bool] = asks("Queued packets survive down and up")
    down_wakes_reader_thread: Decision[bool] = asks(
        "Down ends the wait of the stack's reader thread"
    )
    busy_interface: Decision[Statuses] = asks(
        "Results of an up or down, without effect, while another is under way"
    )
    smallest_mtu: Decision[int] = asks("Smallest MTU")
    tun_largest_mtu: Decision[int] = asks("TUN: largest MTU")
    tap_largest_mtu: Decision[int] = asks("TAP: largest MTU")
    delete_while_open: Decision[Statuses] = asks(
        "Status of deleting the interface while the device is open"
    )
    call_after_delete: Decision[Statuses] = asks("Status of a read or write on a deleted device")


READY = "A descriptor is ready when a write would not block, whether or not it transfers data."

REQUIRED = Profile(
    name="required",
    open_while_open=Decision(
        (EBUSY,), "Two readers of one tunnel would each get some of the packets.", "tunnel.cpp:99"
    ),
    queue_survives_reopen=Decision(
        False,
        "A VPN program that starts must not send another's traffic into its own tunnel.",
        "VPN programs; Linux drops the queue, too",
    ),
    close_wakes_read=Decision(
        True,
        "The close hook says that waiting readers shall return at once.",
        "tunnel.cpp:119-120",
    ),
    closed_read=Decision(
        (B_FILE_ERROR,),
        "POSIX: EBADF. Not B_INTERRUPTED: without a signal, that restarts the call on whatever "
        "file has the number by then.",
        "POSIX, read; kernel/fs/fd.cpp:798-824",
    ),
    close_wakes_poll=Decision(
        True, "poll always watches for POLLNVAL.", "kernel/events/wait_for_objects.cpp:580"
    ),
    close_wakes_select=Decision(
        True,
        "select refuses a closed descriptor at its start, so it must not wait on one for ever.",
        "kernel/events/wait_for_objects.cpp:447-449; POSIX, select: EBADF",
    ),
    watched_after_close=Decision(
        False, "Cannot happen: closing ends them, and deselects.", "kernel/fs/fd.cpp:534-562"
    ),
    nonblocking_honoured=Decision(
        True,
        "POSIX: a read of nothing fails in place of waiting; control keeps the flag for it.",
        "POSIX, read: O_NONBLOCK; tunnel.cpp:142-147",
    ),
    would_block=Decision((B_WOULD_BLOCK,), "POSIX: EAGAIN.", "POSIX, read; stack/utility.cpp:262"),
    signal_status=Decision(
        (B_INTERRUPTED,), "POSIX: EINTR.", "POSIX, read, select; kernel/sem.cpp:870"
    ),
    empty_read=Decision(
        (B_OK,), "POSIX: 0, and nothing else happens.", "POSIX, read; kernel/fs/fd.cpp:818"
    ),
    short_read_keeps_rest=Decision(
        False, "One read is one packet, or packets lose their borders.", "tunnel.cpp:165-171"
    ),
    empty_write=Decision(
        (B_OK,), "The VFS returns 0 before it asks the driver.", "kernel/fs/fd.cpp:818"
    ),
    write_not_ip=Decision(
        (B_BAD_DATA,), "The driver says that it knows no other packet.", "tunnel.cpp:201-205"
    ),
    write_runt=Decision(
        (B_OK, B_BAD_DATA),
        "Nothing decides: the stack drops a frame without a whole header anyway.",
        "stack's Ethernet framing; no VPN program writes one",
    ),
    write_while_down=Decision(
        (B_OK, EIO),
        "Nothing decides: POSIX is silent, and OpenVPN writes only when poll says WRITE, which on "
        "Linux it never does while down; what it makes of either is not tested.",
        "POSIX, write; OpenVPN 2.6 on Linux, under strace",
    ),
    written_queue_bounded=Decision(
        True, "Kernel memory must not grow with what is written.", "tunnel.cpp:54, 349"
    ),
    write_full=Decision(
        (ENOBUFS,), "The FIFO refuses the new packet, and says so.", "stack/utility.cpp:196-198"
    ),
    write_ready_while_down=Decision(True, READY, "POSIX, select; tunnel.cpp:246"),
    write_ready_when_full=Decision(True, READY, "POSIX, select; tunnel.cpp:246"),
    queue_unit=Decision(Unit.BYTES, "net_fifo counts bytes.", "stack/utility.cpp:196"),
    tun_capacity=Decision(1514 * 32, "32 Ethernet frames of full size.", "tunnel.cpp:54"),
    tap_capacity=Decision(1514 * 32, "32 Ethernet frames of full size.", "tunnel.cpp:54"),
    transmit_full=Decision(
        (ENOBUFS,), "The sender must learn of it: it still owns the buffer.", "tunnel.cpp:431-438"
    ),
    transmit_not_ip=Decision((B_BAD_DATA,), "A TUN device carries IP alone.", "tunnel.cpp:423-429"),
    transmit_while_down=Decision(
        (B_OK,), "Routing does not ask the interface.", "stack/datalink.cpp:359-417"
    ),
    transmit_above_mtu=Decision(
        (B_OK,), "The stack cuts packets to the MTU; the driver trusts it.", "tunnel.cpp:418-439"
    ),
    ipv6_on_tun=Decision(
        True,
        "Write takes IPv6 and marks it as such, so that somebody should receive it.",
        "tunnel.cpp:206",
    ),
    queue_survives_down=Decision(
        True, "A VPN program restarts its interface and goes on.", "tunnel.cpp:394-408"
    ),
    down_wakes_reader_thread=Decision(
        True, "The down hook says that the reader thread shall return.", "tunnel.cpp:406-407"
    ),
    busy_interface=Decision(
        (B_BAD_VALUE, B_OK),
        "The stack finds no interface that is busy, and SetDown gives up silently. That is the "
        "stack's affair and not the driver's.",
        "stack/interfaces.cpp:944-945, 1447",
    ),
    smallest_mtu=Decision(16, "What the driver checks.", "tunnel.cpp:454"),
    tun_largest_mtu=Decision(65536, "What the driver checks.", "tunnel.cpp:454"),
    tap_largest_mtu=Decision(65536, "What the driver checks.", "tunnel.cpp:454"),
    delete_while_open=Decision(
        (EBUSY,), "The uninit hook refuses while the device is open.", "tunnel.cpp:371-372"
    ),
    call_after_delete=Decision((), "Cannot happen: an open device stays.", "tunnel.cpp:371-372"),
)

HAIKU = evolve(
    REQUIRED,
    name="haiku",
    queue_survives_reopen=Decision(
        True, "Nothing empties the queues between opens (stale-queue).", "tunnel.cpp:92-133"
    ),
    closed_read=Decision(
        (B_FILE_ERROR,),
        "The read is woken with B_INTERRUPTED, restarts, and finds its number gone, unless another "
        "file has it by then (restart).",
        "tunnel.cpp:120; kernel/fs/fd.cpp:798-824",
    ),
    close_wakes_select=Decision(
        False,
        "Close notifies B_EVENT_INVALID, for which select never asks (select-close).",
        "kernel/events/wait_for_objects.cpp:424, 467-475",
    ),
    nonblocking_honoured=Decision(
        False, "Read never looks at the flag (nonblock-ignored).", "tunnel.cpp:160"
    ),
    write_runt=Decision((B_OK,), "Write looks at no frame.", "tunnel.cpp:191"),
    write_while_down=Decision((B_OK,), "Write does not ask the interface.", "tunnel.cpp:176-226"),
    ipv6_on_tun=Decision(
        False,
        "For TUN only an IPv4 handler is registered; captures see the packet, then it is freed.",
        "loopback_frame.cpp:66-71; stack/stack.cpp:840",
    ),
    delete_while_open=Decision(
        (B_OK,),
        "The stack ignores that uninit refuses (delete-while-open).",
        "stack/device_interfaces.cpp:409",
    ),
    call_after_delete=Decision(
        (), "Undefined: hooks run in a module that may be unloaded.", "device_interfaces.cpp:409"
    ),
)


def measured(value: T, reason: str) -> Decision[T]:
    """A decision of Linux."""
    return Decision(value, reason, "Linux 6.18, measured")


LINUX = Profile(
    name="linux",
    open_while_open=measured((EBUSY,), "For a second descriptor that attaches to the name."),
    queue_survives_reopen=measured(False, "A persistent interface loses its queue at close."),
    close_wakes_read=measured(False, "The read waits on, until a packet comes."),
    closed_read=measured((B_FILE_ERROR,), "Only for a read that has not yet begun inside."),
    close_wakes_poll=measured(False, "Closing by another thread does not wake poll."),
    close_wakes_select=measured(False, "Closing by another thread does not wake select."),
    watched_after_close=measured(True, "A packet ends the wait: poll holds the file."),
    nonblocking_honoured=measured(True, "EAGAIN."),
    would_block=measured((B_WOULD_BLOCK,), "EAGAIN."),
    signal_status=measured((B_INTERRUPTED,), "EINTR."),
    empty_read=measured((B_OK,), "0, on an empty queue, too."),
    short_read_keeps_rest=measured(False, "A short buffer truncates and the rest is lost."),
    empty_write=measured((B_BAD_VALUE,), "EINVAL."),
    write_not_ip=measured((B_BAD_VALUE,), "EINVAL, without packet information."),
    write_runt=measured((B_BAD_VALUE,), "EINVAL up to 13 bytes."),
    write_while_down=measured((EIO,), "EIO; errors of content come first."),
    written_queue_bounded=measured(False, "A write goes to the stack at once."),
    write_full=measured((), "Cannot happen: a write goes to the stack at once."),
    write_ready_while_down=measured(False, "POLLOUT only while up."),
    write_ready_when_full=measured(True, "POLLOUT whenever up."),
    queue_unit=measured(Unit.PACKETS, "txqueuelen."),
    tun_capacity=measured(500, "txqueuelen of a new interface."),
    tap_capacity=measured(1000, "txqueuelen of a new interface."),
    transmit_full=measured((B_OK,), "The newest is dropped, and the sender sees success."),
    transmit_not_ip=measured((B_OK,), "Nothing is checked on the way to the application."),
    transmit_while_down=measured((B_ERROR,), "ENETDOWN, on a packet socket."),
    transmit_above_mtu=measured((B_ERROR,), "EMSGSIZE; the MTU binds only this direction."),
    ipv6_on_tun=measured(True, "An IPv6 packet is received as such."),
    queue_survives_down=measured(True, "Queued packets survive down and up."),
    down_wakes_reader_thread=measured(True, "There is no such thread; nobody waits."),
    busy_interface=measured((), "Requests to change an interface wait for each other."),
    smallest_mtu=measured(68, "Else EINVAL."),
    tun_largest_mtu=measured(65535, "Else EINVAL."),
    tap_largest_mtu=measured(65521, "Else EINVAL."),
    delete_while_open=measured((B_OK,), "The queue is lost with it."),
    call_after_delete=measured(
        (B_BAD_ADDRESS, B_ERROR), "EFAULT for a read that waited, EBADFD for a later one."
    ),
)

PROFILES = (REQUIRED, HAIKU, LINUX)


def words(value: object) -> str:
    """A decision's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " or ".join(status.name for status in value) or "none"
    if isinstance(value, Unit):
        return value.value
    return f"{value:,}" if isinstance(value, int) else str(value)


def decisions(profile: Profile) -> dict[str, Decision[Any]]:
    """The decisions of a profile by name."""
    return {f.name: getattr(profile, f.name) for f in fields(Profile) if f.name != "name"}


def profile_table(profiles: tuple[Profile, ...] = PROFILES) -> str:
    """All decisions by profile as Markdown: a table of values, then each value's reason.

    A reason that two profiles share is given once.
    """
    lines = [
        "| decision | question | " + " | ".join(profile.name for profile in profiles) + " |",
        "|---" * (len(profiles) + 2) + "|",
    ]
    reasons = []
    for name in decisions(profiles[0]):
        question = getattr(fields(Profile), name).metadata["question"]
        chosen = [decisions(profile)[name] for profile in profiles]
        values = " | ".join(words(decision.value) for decision in chosen)
        lines.append(f"| `{name}` | {question} | {values} |")
        reasons += ["", f"**`{name}`**", ""]
        for decision in dict.fromkeys(chosen):
            who = ", ".join(p.name for p, d in zip(profiles, chosen, strict=True) if d == decision)
            reasons.append(
                f"- {who} ({words(decision.value)}): {decision.reason} *{decision.source}*"
            )
    return "\n".join([*lines, *reasons]) + "\n"
