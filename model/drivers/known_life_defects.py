"""What is wrong with the life of devices: today's driver, and the stack around it.

As in known_defects.py, the pairs are found by the checker. `owner` says whose defect it is: one of
the stack's does not count against a driver, and its repair is in model/stacks/.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.driver import KnownDefect
from haiku_tuntap.model.drivers.repairs.delete_while_open import DELETE_WHILE_OPEN_REPAIRED
from haiku_tuntap.model.drivers.repairs.init_dangling import INIT_DANGLING_REPAIRED
from haiku_tuntap.model.drivers.repairs.init_early import INIT_EARLY_REPAIRED
from haiku_tuntap.model.stacks.consumer_teardown import CONSUMER_TEARDOWN_REPAIRED
from haiku_tuntap.model.stacks.double_up import DOUBLE_UP_REPAIRED
from haiku_tuntap.model.stacks.revival import REVIVAL_REPAIRED

INIT_DANGLING = KnownDefect(
    id="init-dangling",
    title="an init that fails leaves a freed device in the table",
    prose="Init puts the device into the table first. If a queue cannot be made or the name cannot "
    "be published, it deletes the device and leaves the pointer. Whoever searches the table "
    "afterwards reads freed memory, and the slot is lost.",
    source="tunnel.cpp:303, 338-341, 345-349, 354-359, 76",
    refutes=frozenset(
        {
            ("create-fails", "ownership"),
            ("create-fails", "device-table"),
            ("create-fails", "given-back"),
        }
    ),
    repair=INIT_DANGLING_REPAIRED,
)

INIT_EARLY = KnownDefect(
    id="init-early",
    title="others find a device in the table that is not initialized yet",
    prose="Init lets go of the table's mutex when the device is in the table, and only then clears "
    "its memory, writes its name, and makes its queues. Meanwhile any open, of any tunnel, "
    "compares names with that memory. An open that looked its node up before the interface was "
    "deleted and made again even opens the new device, whose queues are not there yet.",
    source="tunnel.cpp:303-311, 313-353, 76, 96",
    refutes=frozenset(
        {
            ("create-open", "device-table"),
            ("delete-create", "device-table"),
            ("delete-create", "open-device"),
        }
    ),
    repair=INIT_EARLY_REPAIRED,
)

DELETE_WHILE_OPEN = KnownDefect(
    id="delete-while-open",
    title="an interface that is deleted while its device is open leaves the device behind",
    prose="Uninit refuses with EBUSY while the device is open. The stack looks at no error of "
    "uninit, and goes on: it drops the module and forgets the device. The slot and the name are "
    "lost; readers and selectors wait for what nobody will send; and if it was the last tunnel, "
    "the code is unloaded under the open file. The stack has its part in it, but a driver can do "
    "without being obeyed.",
    source="tunnel.cpp:372-373, 493, stack/device_interfaces.cpp:409-410, "
    "kernel/module.cpp:2262-2281",
    refutes=frozenset(
        {
            ("delete-open", "given-back"),
            ("delete-open", "loaded-code"),
            ("delete-reader", "no-lost-wakeup"),
            ("delete-reader", "given-back"),
            ("delete-reader", "loaded-code"),
            ("delete-poll", "no-lost-wakeup"),
            ("delete-poll", "given-back"),
            ("delete-poll", "loaded-code"),
            ("delete-opener", "given-back"),
            ("delete-opener", "loaded-code"),
            ("delete-create", "given-back"),
        }
    ),
    repair=DELETE_WHILE_OPEN_REPAIRED,
)

CONSUMER_TEARDOWN = KnownDefect(
    id="consumer-teardown",
    title="delete destroys the consumer thread's queue before that thread has ended",
    prose="The consumer thread has seen that the interface is alive and is about to lock its "
    "queue; delete destroys the queue's mutex and waits for the thread. A debug kernel panics, "
    "any other lets both wait for ever.",
    source="stack/device_interfaces.cpp:103-105, 403-404, kernel/locks/lock.cpp:925-931",
    refutes=frozenset(
        {
            ("delete-consumer", "no-lost-wakeup"),
            ("delete-consumer", "no-deadlock"),
            ("delete-consumer", "delete-returns"),
            ("delete-consumer", "kernel-rules"),
        }
    ),
    repair=CONSUMER_TEARDOWN_REPAIRED,
    owner="stack",
)

# The down of the two-ups scenario hangs in either of two ways.
_HANGS_EITHER_WAY = frozenset(
    {("two-ups", "no-lost-wakeup"), ("two-ups", "interface-down-returns")}
)

DOUBLE_UP = KnownDefect(
    id="double-up",
    title="two ioctls on one interface run at the same time",
    prose="An ioctl refuses an interface that is busy, but makes it so much later or not at all. "
    "Two ups count twice, and one down leaves the reader thread running; an up that a delete has "
    "overtaken starts a reader thread for a device that is freed; an up meets a down and starts a "
    "second reader thread; two deletes drop one reference too many.",
    source="stack/interfaces.cpp:761-773, 939-957, 1082-1121, 1266-1278, 1447, "
    "stack/device_interfaces.cpp:524-526, stack/datalink.cpp:733-743",
    refutes=frozenset(
        {
            ("two-ups", "ownership"),
            ("two-ups", "no-deadlock"),
            ("up-delete", "no-deadlock"),
            ("down-races-up", "no-deadlock"),
            ("two-ups", "kernel-rules"),
            ("up-delete", "ownership"),
            ("up-delete", "kernel-rules"),
            ("down-delete", "kernel-rules"),
            ("down-races-up", "ownership"),
            ("down-races-up", "kernel-rules"),
            ("two-deletes", "ownership"),
        }
    ),
    shared=_HANGS_EITHER_WAY,
    repair=DOUBLE_UP_REPAIRED,
    owner="stack",
)

REVIVAL = KnownDefect(
    id="revival",
    title="a create gets a reference to a device interface that is being deleted",
    prose="Delete drops the last reference before it takes the lock of the list. A create that "
    "finds the interface there raises the count from 0, sees that it may not use it, and leaves it "
    "at 1; the driver still has the name, so that create fails. The next one finds a reference "
    "and takes the interface, which delete then frees.",
    source="stack/device_interfaces.cpp:392-400, 449-458",
    refutes=frozenset(
        {
            ("delete-races-create", "no-lost-wakeup"),
            ("delete-races-create", "no-deadlock"),
            ("delete-races-create", "delete-returns"),
            ("delete-races-create", "ownership"),
            ("delete-races-create", "kernel-rules"),
        }
    ),
    repair=REVIVAL_REPAIRED,
    owner="stack",
)

KNOWN_IN_LIFE = (
    INIT_DANGLING,
    INIT_EARLY,
    DELETE_WHILE_OPEN,
    CONSUMER_TEARDOWN,
    DOUBLE_UP,
    REVIVAL,
)
