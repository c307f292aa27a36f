"""What is wrong with today's driver, and the repair of each.

The pairs that each defect refutes are found by the checker, and written here so that a run can tell
what is known from what is new.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.driver import KnownDefect
from haiku_tuntap.model.drivers.known_life_defects import DOUBLE_UP, KNOWN_IN_LIFE
from haiku_tuntap.model.drivers.repairs.close_race import CLOSE_RACE_REPAIRED
from haiku_tuntap.model.drivers.repairs.down_race import DOWN_RACE_REPAIRED
from haiku_tuntap.model.drivers.repairs.late_notify import LATE_NOTIFY_REPAIRED
from haiku_tuntap.model.drivers.repairs.nonblock_ignored import NONBLOCK_REPAIRED
from haiku_tuntap.model.drivers.repairs.open_leak import OPEN_LEAK_REPAIRED
from haiku_tuntap.model.drivers.repairs.read_leak import READ_LEAK_REPAIRED
from haiku_tuntap.model.drivers.repairs.restart import RESTART_REPAIRED
from haiku_tuntap.model.drivers.repairs.stale_queue import STALE_QUEUE_REPAIRED

CLOSE_RACE = KnownDefect(
    id="close-race",
    title="close does not wake a reader that is about to wait",
    prose="Close wakes the readers that are asleep at that moment and leaves no trace. A reader "
    "that is between its call and its sleep goes to sleep afterwards, until some packet comes. As "
    "it holds a reference, the free hook never runs and every later open gets EBUSY.",
    source="tunnel.cpp:120, tunnel.cpp:160",
    refutes=frozenset(
        {
            ("reader-close", "no-lost-wakeup"),
            ("two-readers-close", "no-lost-wakeup"),
            ("reused-number", "no-lost-wakeup"),
        }
    ),
    repair=CLOSE_RACE_REPAIRED,
)

DOWN_RACE = KnownDefect(
    id="down-race",
    title="down does not wake a reader thread that is about to wait",
    prose="The reader thread has seen the interface up; down clears the flag and wakes nobody; the "
    "reader thread goes to sleep, and down waits for it for ever. It cannot be killed.",
    source="tunnel.cpp:407, stack/device_interfaces.cpp:55-57, 575-586",
    refutes=frozenset(
        {
            ("down-while-waiting", "no-lost-wakeup"),
            ("down-while-waiting", "interface-down-returns"),
            ("down-while-working", "no-lost-wakeup"),
            ("down-while-working", "interface-down-returns"),
            ("down-twice", "no-lost-wakeup"),
            ("down-twice", "interface-down-returns"),
            ("down-then-up", "no-lost-wakeup"),
            ("down-then-up", "interface-down-returns"),
            ("delete-up", "no-lost-wakeup"),
            ("delete-up", "delete-returns"),
            ("two-ups", "delete-returns"),
            ("up-delete", "no-lost-wakeup"),
            ("up-delete", "delete-returns"),
            ("down-delete", "no-lost-wakeup"),
            ("down-delete", "interface-down-returns"),
            ("down-delete", "delete-returns"),
            ("down-races-up", "no-lost-wakeup"),
            ("down-races-up", "interface-down-returns"),
            ("down-races-up", "delete-returns"),
        }
    ),
    shared=DOUBLE_UP.shared,
    repair=DOWN_RACE_REPAIRED,
)

NONBLOCK_IGNORED = KnownDefect(
    id="nonblock-ignored",
    title="a non-blocking read waits",
    prose="Open and control keep O_NONBLOCK in the cookie, and read never looks at it.",
    source="tunnel.cpp:160",
    refutes=frozenset({("nonblocking-reader", "nonblocking")}),
    repair=NONBLOCK_REPAIRED,
)

OPEN_LEAK = KnownDefect(
    id="open-leak",
    title="an open that fails leaves the device open",
    prose="The open count is set before the cookie is allocated and is not undone when that "
    "fails. Every later open gets EBUSY.",
    source="tunnel.cpp:99-104",
    refutes=frozenset({("cookie-allocation-fails", "exclusive-open")}),
    repair=OPEN_LEAK_REPAIRED,
)

READ_LEAK = KnownDefect(
    id="read-leak",
    title="a read that faults leaks its packet",
    prose="The buffer was taken off the queue and is not freed when it cannot be copied.",
    source="tunnel.cpp:166-168",
    refutes=frozenset({("user-copy-faults", "ownership")}),
    repair=READ_LEAK_REPAIRED,
)

STALE_QUEUE = KnownDefect(
    id="stale-queue",
    title="the next opener reads the packets of the one before",
    prose="Nothing empties the send queue between a close and the next open.",
    source="tunnel.cpp:92-133",
    refutes=frozenset({("close-reopen", "own-packets")}),
    repair=STALE_QUEUE_REPAIRED,
)

RESTART = KnownDefect(
    id="restart",
    title="a read that close wakes may go on with another file",
    prose="Close wakes readers with B_INTERRUPTED, which without a signal restarts the system "
    "call. If the number was given to another file meanwhile, the call reads that one.",
    source="tunnel.cpp:120, kernel/fs/fd.cpp:824",
    refutes=frozenset({("reused-number", "own-file")}),
    repair=RESTART_REPAIRED,
)

LATE_NOTIFY = KnownDefect(
    id="late-notify",
    title="poll reports READ for a packet that was gone before the poll began",
    prose="send_data unlocks the queue before it notifies. When a reader takes the packet in "
    "between, and a poll begins, the poll is told READ although the queue was empty all the time. "
    "An application that polls, reads and polls again can do so to itself; the read that follows "
    "then waits.",
    source="tunnel.cpp:431-436",
    refutes=frozenset(
        {("poll-reader-sender", "honest-select"), ("poll-read-poll", "honest-select")}
    ),
    repair=LATE_NOTIFY_REPAIRED,
)

SELECT_CLOSE = KnownDefect(
    id="select-close",
    title="select is not woken when its descriptor is closed",
    prose="Close notifies B_EVENT_INVALID, for which poll always asks and select never does; so "
    "select sleeps for ever. This is the VFS's doing: the driver's deselect hook has run by then "
    "and its close hook has nobody left to notify.",
    source="kernel/events/wait_for_objects.cpp:424, 467-475, kernel/fs/fd.cpp:534-562",
    refutes=frozenset({("select-close", "no-lost-wakeup")}),
    owner="VFS",
)

KNOWN_WHILE_THE_DEVICE_STAYS = (
    CLOSE_RACE,
    DOWN_RACE,
    NONBLOCK_IGNORED,
    OPEN_LEAK,
    READ_LEAK,
    STALE_QUEUE,
    RESTART,
    LATE_NOTIFY,
    SELECT_CLOSE,
)
KNOWN_IN_TUNNEL = (*KNOWN_WHILE_THE_DEVICE_STAYS, *KNOWN_IN_LIFE)

# What is left when the driver is repaired, because it is not the driver's.
NOT_THE_DRIVERS = tuple(defect for defect in KNOWN_IN_TUNNEL if defect.owner != "driver")
