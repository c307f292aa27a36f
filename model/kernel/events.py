"""What observers of properties can hear.

An event is emitted by the kernel's code and never by a driver's, so that a driver cannot forget
one: the FIFO says that a packet was queued, the copy to the user that it was delivered. The thread
is always the one whose step it is.

Arguments are references or small values. A record in an event may have been freed already (a
descriptor at the end of its call); an observer compares references and does not look inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from haiku_tuntap.model.language import Event

if TYPE_CHECKING:
    from haiku_tuntap.model.kernel.buffers import NetBuffer
    from haiku_tuntap.model.kernel.descriptors import FileDescriptor
    from haiku_tuntap.model.kernel.devfs import DeviceName
    from haiku_tuntap.model.kernel.device_interface import Interface
    from haiku_tuntap.model.kernel.hooks import NetDevice
    from haiku_tuntap.model.kernel.modules import Module
    from haiku_tuntap.model.kernel.net_fifo import NetFifo
    from haiku_tuntap.model.kernel.select import SelectInfo
    from haiku_tuntap.model.kernel.semaphore import Semaphore
    from haiku_tuntap.model.status import Status

# Waiting

waits_for_semaphore: Event[[Semaphore]] = Event(
    "waits for semaphore", "(semaphore): a thread goes to sleep in the semaphore's queue."
)

# Packets

packet_offered: Event[[NetBuffer]] = Event(
    "packet offered", "(buffer): the stack is about to hand a packet to the driver's send hook."
)
packet_settled: Event[[NetBuffer, Status]] = Event(
    "packet settled",
    "(buffer, status): the send hook has returned; with an error the packet was refused, and the "
    "caller, who is told, frees the buffer.",
)
packet_accepted: Event[[NetFifo, NetBuffer]] = Event(
    "packet accepted", "(fifo, buffer): a packet was appended to a queue."
)
packet_taken: Event[[NetFifo, NetBuffer]] = Event(
    "packet taken", "(fifo, buffer): a reader took the first packet off a queue."
)
packet_discarded: Event[[NetFifo, NetBuffer]] = Event(
    "packet discarded", "(fifo, buffer): a queue is emptied, and the packet goes with it."
)
packet_delivered: Event[[NetBuffer, int]] = Event(
    "packet delivered", "(buffer, size): a packet was copied to the reading application."
)
copy_faulted: Event[[NetBuffer]] = Event(
    "copy faulted",
    "(buffer): copying a packet to or from an application failed; a packet that was to be "
    "delivered is lost by this rule.",
)
packet_received: Event[[NetBuffer]] = Event(
    "packet received", "(buffer): the interface's reader thread handed a packet to the stack."
)

# Files

open_began: Event[[DeviceName]] = Event(
    "open began", "(name): an open call has looked the name up and is about to call the open hook."
)
open_hook_returned: Event[[DeviceName, Status]] = Event(
    "open hook returned", "(name, status): the driver has opened its device, or refused."
)
open_returned: Event[[DeviceName, FileDescriptor | None, Status]] = Event(
    "open returned",
    "(name, descriptor, status): an open call is about to return; the descriptor is in its "
    "slot already, or None if the call failed.",
)
file_closed: Event[[FileDescriptor]] = Event(
    "file closed",
    "(descriptor): the last slot of the file was closed; the close hook runs next.",
)
file_freed: Event[[FileDescriptor]] = Event(
    "file freed", "(descriptor): the free hook of the file has returned."
)
file_used: Event[[FileDescriptor, FileDescriptor]] = Event(
    "file used",
    "(made_on, descriptor): a read or write call is about to enter the driver with `descriptor`; "
    "it was made on `made_on`. They differ if a restarted call found another file.",
)
read_began: Event[[FileDescriptor]] = Event(
    "read began", "(descriptor): a read call has looked its descriptor up for the first time."
)
read_returned: Event[[FileDescriptor, Status]] = Event(
    "read returned", "(descriptor, status): that call is about to return."
)
write_began: Event[[FileDescriptor]] = Event(
    "write began", "(descriptor): a write call has looked its descriptor up for the first time."
)
write_returned: Event[[FileDescriptor, Status]] = Event(
    "write returned", "(descriptor, status): that call is about to return."
)

# Select and poll

select_began: Event[[SelectInfo, int]] = Event(
    "select began", "(info, events): a select or poll call begins and asks for these events."
)
select_watches: Event[[SelectInfo, FileDescriptor]] = Event(
    "select watches", "(info, descriptor): the call has looked its descriptor up to watch it."
)
select_returned: Event[[SelectInfo, int, Status]] = Event(
    "select returned",
    "(info, events, status): that call is about to return and reports these events.",
)

# Interfaces

up_began: Event[[Interface]] = Event("up began", "(interface): an `ifconfig up` begins.")
up_returned: Event[[Interface, Status]] = Event(
    "up returned", "(interface, status): that call is about to return."
)
down_began: Event[[Interface]] = Event("down began", "(interface): an `ifconfig down` begins.")
down_returned: Event[[Interface, Status]] = Event(
    "down returned", "(interface, status): that call is about to return."
)

# The life of devices

device_published: Event[[DeviceName]] = Event(
    "device published", "(name): applications can find the name from now on."
)
device_unpublished: Event[[DeviceName]] = Event(
    "device unpublished", "(name): applications cannot find the name any more."
)
device_made: Event[[NetDevice]] = Event(
    "device made", "(device): the driver's init hook has made a device for the stack."
)
device_abandoned: Event[[NetDevice]] = Event(
    "device abandoned",
    "(device): the driver's uninit hook has returned; the stack knows nothing of the device now.",
)
module_loaded: Event[[Module]] = Event(
    "module loaded", "(module): the driver's code and static data are in memory."
)
module_unloaded: Event[[Module]] = Event(
    "module unloaded", "(module): the driver's code and static data are gone."
)
