"""The select and poll system calls, on one descriptor and without a timeout.

They differ in one thing: poll always asks for B_EVENT_INVALID, which is what a close of the
descriptor notifies, and select never does (wait_for_objects.cpp:467-475, 580).

The hooks' errors are ignored (fd.cpp:603-608): an event whose select hook failed is just not
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
    selected = await info.selected_events.load()
    if selected & B_SELECT_READ != 0:
        await device_deselect(descriptor.cookie, B_SELECT_READ, info)
    if selected & B_SELECT_WRITE != 0:
        await device_deselect(descriptor.cookie, B_SELECT_WRITE, info)


@procedure(source="kernel/fs/fd.cpp:534-562")
async def deselect_select_infos(descriptor: FileDescriptor, info: SelectInfo) -> None:
    """The number is gone: stop watching, and say so to the call that waits."""
    await deselect_events(descriptor, info)
    await notify_select_event(info, B_EVENT_INVALID)


@procedure(source="kernel/fs/fd.cpp:565-642")
async def select_fd(slot: FileSlot, info: SelectInfo) -> Status:
    """Begin to watch a descriptor for the events that `info` asks for."""
    descriptor = await slot.get_open()
    if descriptor is None:
        return B_FILE_ERROR
    select_watches(info, descriptor)
    asked = await info.selected_events.load()
    selected = asked & B_EVENT_INVALID
    if asked & B_SELECT_READ != 0:
        status = await device_select(descriptor.cookie, B_SELECT_READ, info)
        if status == B_OK:
            selected = selected | B_SELECT_READ
    if asked & B_SELECT_WRITE != 0:
        status = await device_select(descriptor.cookie, B_SELECT_WRITE, info)
        if status == B_OK:
            selected = selected | B_SELECT_WRITE
    await info.selected_events.store(selected)
    if await slot.add_selector(descriptor, info):
        await put_fd(descriptor)
        return B_OK
    await deselect_select_infos(descriptor, info)
    await close_fd(descriptor)
    await put_fd(descriptor)
    return B_FILE_ERROR


@procedure(source="kernel/fs/fd.cpp:645-689")
async def deselect_fd(slot: FileSlot, info: SelectInfo) -> None:
    """Stop watching, unless a close of the descriptor has done so."""
    descriptor = await slot.remove_selector(info)
    if descriptor is not None:
        await deselect_events(descriptor, info)
        await put_fd(descriptor)


@procedure(source="kernel/events/wait_for_objects.cpp:561-652", call="poll")
async def user_poll(slot: FileSlot, info: SelectInfo, events: int) -> Status:
    """Wait until one of the events holds, or the descriptor is closed."""
    select_began(info, events)
    await info.selected_events.store(events | B_EVENT_INVALID)
    if await select_fd(slot, info) != B_OK:
        happened = await info.events.load()
        if happened == 0:
            select_returned(info, B_EVENT_INVALID, B_OK)
            return B_OK
    status = await info.semaphore.acquire(interruptible=True)
    happened = await info.events.load()
    if happened & B_EVENT_INVALID == 0:
        await deselect_fd(slot, info)
    if status == B_INTERRUPTED:
        await take_signal()
        select_returned(info, 0, status)
        return status
    happened = await info.events.load()
    select_returned(info, happened & (events | B_EVENT_INVALID), status)
    return status


@procedure(source="kernel/events/wait_for_objects.cpp:431-558", call="select")
async def user_select(slot: FileSlot, info: SelectInfo, events: int) -> Status:
    """Wait until one of the events holds."""
    select_began(info, events)
    probed = await slot.get()
    if probed is None:
        select_returned(info, 0, B_FILE_ERROR)
        return B_FILE_ERROR
    await put_fd(probed)
    await info.selected_events.store(events)
    await select_fd(slot, info)
    status = await info.semaphore.acquire(interruptible=True)
    await deselect_fd(slot, info)
    if status == B_INTERRUPTED:
        await take_signal()
        select_returned(info, 0, status)
        return status
    happened = await info.events.load()
    select_returned(info, happened & events, status)
    return status
