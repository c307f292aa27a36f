"""The select and poll system calls, on one descriptor and without a timeout.

They differ in one thing: poll always asks for B_EVENT_INVALID, which is what a close of the
descriptor notifies, and select never does (wait_for_objects.cpp:467-475, 580).

The hooks' errors are ignored (fd.cpp:603-609): an event whose select hook failed is just not
watched. Neither call restarts after a signal.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.descriptors import FileDescriptor, FileSlot, close_fd, put_fd
from haiku_tuntap.model.kernel.events import select_began, select_returned, select_watches
from haiku_tuntap.model.kernel.hooks import device_deselect, device_select
from haiku_tuntap.model.kernel.select import (
    B_EVENT_INVALID,
    B_SELECT_READ,
    B_SELECT_WRITE,
    SelectInfo,
    notify_select_event,
)
from haiku_tuntap.model.kernel.signals import take_signal
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.status import B_FILE_ERROR, B_INTERRUPTED, B_OK, Status


@procedure(source="kernel/fs/fd.cpp:544-553")
async def deselect_events(descriptor: FileDescriptor, info: SelectInfo) -> None:
    """Call the deselect hook for each event that is watched."""
    selected = await info.selected_events.load()  # :545
    if selected & B_SELECT_READ != 0:  # :548
        await device_deselect(descriptor.cookie, B_SELECT_READ, info)  # :549
    if selected & B_SELECT_WRITE != 0:  # :548
        await device_deselect(descriptor.cookie, B_SELECT_WRITE, info)  # :549


@procedure(source="kernel/fs/fd.cpp:534-562")
async def deselect_select_infos(descriptor: FileDescriptor, info: SelectInfo) -> None:
    """The number is gone: stop watching, and say so to the call that waits."""
    await deselect_events(descriptor, info)  # :545-553
    await notify_select_event(info, B_EVENT_INVALID)  # :556


@procedure(source="kernel/fs/fd.cpp:565-642")
async def select_fd(slot: FileSlot, info: SelectInfo) -> Status:
    """Begin to watch a descriptor for the events that `info` asks for."""
    descriptor = await slot.get_open()  # :577-596
    if descriptor is None:  # :578
        return B_FILE_ERROR  # :579
    select_watches(info, descriptor)
    asked = await info.selected_events.load()  # :581
    selected = asked & B_EVENT_INVALID  # :611
    if asked & B_SELECT_READ != 0:  # :604
        status = await device_select(descriptor.cookie, B_SELECT_READ, info)  # :605
        if status == B_OK:  # :606
            selected = selected | B_SELECT_READ  # :607
    if asked & B_SELECT_WRITE != 0:  # :604
        status = await device_select(descriptor.cookie, B_SELECT_WRITE, info)  # :605
        if status == B_OK:  # :606
            selected = selected | B_SELECT_WRITE  # :607
    await info.selected_events.store(selected)  # :610-611
    if await slot.add_selector(descriptor, info):  # :615-639
        await put_fd(descriptor)  # :641
        return B_OK  # :641
    await deselect_select_infos(descriptor, info)  # :620
    await close_fd(descriptor)  # :623
    await put_fd(descriptor)  # :624
    return B_FILE_ERROR  # :624


@procedure(source="kernel/fs/fd.cpp:645-689")
async def deselect_fd(slot: FileSlot, info: SelectInfo) -> None:
    """Stop watching, unless a close of the descriptor has done so."""
    descriptor, found = await slot.remove_selector(info)  # :655-671
    if descriptor is None:  # :658
        return
    if found:  # :668
        await deselect_events(descriptor, info)  # :676-684
    await put_fd(descriptor)  # :688


@procedure(source="kernel/events/wait_for_objects.cpp:561-652", call="poll")
async def user_poll(slot: FileSlot, info: SelectInfo, events: int) -> Status:
    """Wait until one of the events holds, or the descriptor is closed."""
    select_began(info, events)
    await info.selected_events.store(events | B_EVENT_INVALID)  # :580-581
    if await select_fd(slot, info) != B_OK:  # :585
        happened = await info.events.load()  # :587
        if happened == 0:  # :587
            select_returned(info, B_EVENT_INVALID, B_OK)  # :590-593
            return B_OK
    status = await info.semaphore.acquire(interruptible=True)  # :609
    happened = await info.events.load()  # :620
    if happened & B_EVENT_INVALID == 0:  # :620
        await deselect_fd(slot, info)  # :621
    if status == B_INTERRUPTED:  # :639
        await take_signal()
        select_returned(info, 0, status)  # :640
        return status
    happened = await info.events.load()  # :634
    select_returned(info, happened & (events | B_EVENT_INVALID), status)
    return status


@procedure(source="kernel/events/wait_for_objects.cpp:431-558", call="select")
async def user_select(slot: FileSlot, info: SelectInfo, events: int) -> Status:
    """Wait until one of the events holds."""
    select_began(info, events)
    probed = await slot.get()  # :448
    if probed is None:  # :448
        select_returned(info, 0, B_FILE_ERROR)
        return B_FILE_ERROR  # :449
    await put_fd(probed)  # :448
    await info.selected_events.store(events)  # :463-475
    await select_fd(slot, info)  # :478
    status = await info.semaphore.acquire(interruptible=True)  # :495
    await deselect_fd(slot, info)  # :507
    if status == B_INTERRUPTED:  # :515
        await take_signal()
        select_returned(info, 0, status)  # :520
        return status  # :520
    happened = await info.events.load()  # :532-539
    select_returned(info, happened & events, status)
    return status  # :557
