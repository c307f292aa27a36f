"""The system calls of applications on a device file, other than select and poll.

*Restart.* A read or write whose hook returned B_INTERRUPTED is started again from the beginning
(kernel/fs/fd.cpp:824, headers/private/kernel/syscall_restart.h:138), unless there was a signal,
after which it returns B_INTERRUPTED. Started again, it looks its number up again, and finds the
number gone or, worse, another file under it.

A read or write of length 0 returns before it reaches the driver (fd.cpp:818); there are none here.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.descriptors import (
    FileDescriptor,
    FileSlot,
    FileTable,
    close_fd,
    put_fd,
)
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.events import (
    file_used,
    open_began,
    open_hook_returned,
    open_returned,
    read_began,
    read_returned,
    write_began,
    write_returned,
)
from haiku_tuntap.model.kernel.hooks import (
    B_SET_BLOCKING_IO,
    B_SET_NONBLOCKING_IO,
    O_NONBLOCK,
    Cookie,
    device_close,
    device_control,
    device_free,
    device_open,
    device_read,
    device_write,
)
from haiku_tuntap.model.kernel.select_calls import deselect_select_infos
from haiku_tuntap.model.kernel.signals import take_signal
from haiku_tuntap.model.language import Chance, allocate, free, procedure
from haiku_tuntap.model.status import (
    B_FILE_ERROR,
    B_INTERRUPTED,
    B_NO_MEMORY,
    B_NO_MORE_FDS,
    B_OK,
    Status,
)

DESCRIPTOR_ALLOCATION = Chance("descriptor allocation", "There is no memory for a file descriptor.")


@procedure(source="kernel/fs/vfs.cpp:5483-5501", call="open")
async def user_open(table: FileTable, name: DeviceName, flags: int) -> Status:
    """Open a device that is there, under the lowest free number of the table."""
    return await open_vnode(table, name, flags)


@procedure(source="kernel/fs/vfs.cpp:5483-5501")
async def open_vnode(table: FileTable, name: DeviceName, flags: int) -> Status:
    """Let the driver open the device, and give it a number."""
    open_began(name)
    status, cookie = await device_open(name, flags)  # :5491
    open_hook_returned(name, status)
    if status != B_OK:  # :5492
        open_returned(name, None, status)
        return status  # :5493
    assert cookie is not None
    status, descriptor = await get_new_fd(table, cookie, flags)  # :5495
    if status != B_OK:  # :5496
        await device_close(cookie)  # :5497
        await device_free(cookie)  # :5498
    open_returned(name, descriptor, status)
    return status  # :5500


@procedure(source="kernel/fs/vfs.cpp:5756-5783", call="open")
async def user_open_path(table: FileTable, name: DeviceName, flags: int) -> Status:
    """Look a name up, and open what is published under it."""
    status = await name.look_up()  # :5767-5768
    if status != B_OK:  # :5769
        return status  # :5770
    return await open_vnode(table, name, flags)  # :5773


@procedure(source="kernel/fs/vfs.cpp:2881-2937")
async def get_new_fd(
    table: FileTable, cookie: Cookie, flags: int
) -> tuple[Status, FileDescriptor | None]:
    """Make a descriptor and give it a number."""
    nonblocking = flags & O_NONBLOCK != 0  # :2905
    descriptor = await allocate(  # :2894
        FileDescriptor, may_fail=DESCRIPTOR_ALLOCATION, cookie=cookie, nonblocking=nonblocking
    )
    if descriptor is None:  # :2895
        return B_NO_MEMORY, None  # :2896
    await descriptor.ref_count.store(1)
    if await table.install(descriptor) != B_OK:  # :2924-2925
        await free(descriptor)  # :2926-2927
        return B_NO_MORE_FDS, None  # :2928
    return B_OK, descriptor  # :2936


@procedure(source="kernel/fs/fd.cpp:239-252", call="close")
async def user_close(slot: FileSlot) -> Status:
    """Close a number."""
    descriptor, selectors = await slot.remove()  # :242
    if descriptor is None:  # :244
        return B_FILE_ERROR  # :245
    for info in selectors:  # :541
        await deselect_select_infos(descriptor, info)  # :357
    await close_fd(descriptor)  # :247
    await put_fd(descriptor)  # :248
    return B_OK  # :251


@procedure(source="kernel/fs/fd.cpp:905-909", call="read")
async def user_read(slot: FileSlot) -> Status:
    """Read one packet."""
    return await common_user_io(slot, write=False, size=0, version=0)  # :908


@procedure(source="kernel/fs/fd.cpp:919-923", call="write")
async def user_write(slot: FileSlot, size: int, version: int) -> Status:
    """Write one packet."""
    return await common_user_io(slot, write=True, size=size, version=version)  # :922


@procedure(source="kernel/fs/fd.cpp:792-840")
async def common_user_io(slot: FileSlot, *, write: bool, size: int, version: int) -> Status:
    """Read or write, again from the beginning where the system call is restarted."""
    made_on = await slot.get()  # :798
    if made_on is None:  # :799
        return B_FILE_ERROR  # :800
    if write:
        write_began(made_on)
    else:
        read_began(made_on)
    descriptor = made_on
    while True:
        file_used(made_on, descriptor)
        if write:  # :826
            status = await device_write(descriptor.cookie, size, version)  # :827
        else:
            status = await device_read(descriptor.cookie)  # :829
        await put_fd(descriptor)  # :832-840
        if status != B_INTERRUPTED:
            break
        if await take_signal():
            break
        found = await slot.get()  # :798
        if found is None:  # :799
            status = B_FILE_ERROR  # :800
            break
        descriptor = found
    if write:
        write_returned(made_on, status)
    else:
        read_returned(made_on, status)
    return status


@procedure(source="kernel/fs/vfs.cpp:6362-6552", call="control")
async def user_set_nonblocking(slot: FileSlot, nonblocking: bool) -> Status:
    """Set or clear O_NONBLOCK; devfs makes it an ioctl (device_manager/devfs.cpp:1596)."""
    descriptor = await slot.get()  # :6372
    if descriptor is None:  # :6373
        return B_FILE_ERROR  # :6374
    operation = B_SET_NONBLOCKING_IO if nonblocking else B_SET_BLOCKING_IO
    status = await device_control(descriptor.cookie, operation)  # :6428-6429
    if status == B_OK:  # :6433
        await descriptor.set_nonblocking(nonblocking)  # :6435-6436
    await put_fd(descriptor)  # :6551
    return status  # :6551
