"""delete-while-open: a device may go while it is open; the file is left with one that is dead.

The driver cannot keep an interface from being deleted: uninit is called when that has happened
already, and nobody looks at what it returns. So it does not refuse. It takes the device off the
table and unpublishes it, as always; closes the queue to the application, so that whoever waits in
read or will gets ENODEV; refuses what is written; and notifies whoever selects, or will. Then it
destroys the device, or leaves that to the free hook if the device is open. The free hook takes the
table's mutex now, so that one of the two sees the other.

The code must stay, too: uninit returns, the stack drops the module, and the file still has to be
closed. To hold a reference for each open file would not do, since the free hook that drops the last
one would return into memory that is gone. So the module says B_KEEP_LOADED.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelCookie,
    ClosableTunnelDevice,
    close_fifo,
    use_closable_fifos,
)
from haiku_tuntap.model.drivers.tunnel import (
    TUNNEL,
    TunnelDevices,
    tunnel_free,
    tunnel_select,
    tunnel_write,
)
from haiku_tuntap.model.drivers.tunnel_life import destroy_device, tunnel_uninit
from haiku_tuntap.model.kernel.buffers import BUFFER_ALLOCATION, IPV4, IPV6, NetBuffer
from haiku_tuntap.model.kernel.devfs import unpublish_device
from haiku_tuntap.model.kernel.net_fifo import base_fifo_enqueue_buffer
from haiku_tuntap.model.kernel.select import (
    B_SELECT_READ,
    B_SELECT_WRITE,
    SelectInfo,
    add_select_sync_pool_entry,
    notify_select_event,
    notify_select_event_pool,
)
from haiku_tuntap.model.kernel.user_memory import copy_from_user
from haiku_tuntap.model.language import (
    allocate,
    final,
    free,
    guarded_by,
    procedure,
    record,
    without,
)
from haiku_tuntap.model.status import (
    B_BAD_DATA,
    B_BAD_VALUE,
    B_NO_MEMORY,
    B_OK,
    ENODEV,
    Status,
)


@record
class KeptTunnelDevices(TunnelDevices):
    """The static data of a driver whose module has B_KEEP_LOADED (tunnel.cpp:493)."""

    keep_loaded: bool = final(default=True)


@record
class DetachableTunnelDevice(ClosableTunnelDevice):
    """A device that may outlive its interface.

    `detached` says that it does, `dead_to_readers` and `dead_to_writers` that it is about to.
    """

    detached: bool = guarded_by("devices.lock", default=False)
    dead_to_readers: bool = guarded_by("send_queue.lock", default=False)
    dead_to_writers: bool = guarded_by("receive_queue.lock", default=False)


@record
class DetachableTunnelCookie(ClosableTunnelCookie):
    """A cookie of such a device."""

    device: DetachableTunnelDevice = final()


@procedure(source="tunnel.cpp:366-391")
async def uninit(device: DetachableTunnelDevice) -> Status:
    """Take the device off the table and unpublish it; destroy it unless it is open."""
    devices = device.devices
    async with devices.lock:  # :371
        devices.table = without(devices.table, device)  # :375-381
        name = await device.name.load()  # :382
        assert name is not None
        await unpublish_device(name)  # :382
        if await device.open_count.load() == 0:  # :372
            await destroy_device(device)  # :386-389
            return B_OK  # :390
        device.detached = True
        await end_calls(device)
        return B_OK  # :390


@procedure()
async def end_calls(device: DetachableTunnelDevice) -> None:
    """Let no call on the device wait any more, nor succeed."""
    async with device.send_queue.lock:
        device.dead_to_readers = True
    await close_fifo(device.send_queue, ENODEV)
    async with device.receive_queue.lock:
        device.dead_to_writers = True
    async with device.select_pool.lock:
        await notify_select_event_pool(device.select_pool, B_SELECT_READ)
        await notify_select_event_pool(device.select_pool, B_SELECT_WRITE)


@procedure(source="tunnel.cpp:126-133")
async def free_(cookie: DetachableTunnelCookie) -> Status:
    """Let others open the device, or destroy it if its interface is gone."""
    device = cookie.device
    async with device.devices.lock:
        await device.open_count.and_(0)  # :130
        if device.detached:
            await destroy_device(device)
    await free(cookie)  # :131
    return B_OK  # :132


@procedure(source="tunnel.cpp:176-226")
async def write(cookie: DetachableTunnelCookie, size: int, version: int) -> Status:
    """Make a packet and put it into the receive queue, if that is still of any use."""
    device = cookie.device
    buffer = await allocate(  # :181
        NetBuffer, may_fail=BUFFER_ALLOCATION, size=size, version=version
    )
    if buffer is None:  # :182
        return B_NO_MEMORY  # :183
    status = await copy_from_user(buffer)  # :185
    if status != B_OK:  # :186
        await free(buffer)  # :187
        return status  # :188
    if not device.is_tap and buffer.version != IPV4 and buffer.version != IPV6:  # :191-201
        await free(buffer)  # :203
        return B_BAD_DATA  # :204
    async with device.receive_queue.lock:
        if device.dead_to_writers:
            status = ENODEV
        else:
            status = await base_fifo_enqueue_buffer(device.receive_queue, buffer)  # :221
    if status != B_OK:  # :222
        await free(buffer)  # :223
    return status  # :225


@procedure(source="tunnel.cpp:229-250")
async def select(cookie: DetachableTunnelCookie, event: int, info: SelectInfo) -> Status:
    """Register first, then look; a read of a dead device does not wait."""
    if event != B_SELECT_READ and event != B_SELECT_WRITE:  # :234
        return B_BAD_VALUE  # :235
    device = cookie.device
    async with device.select_pool.lock:  # :237
        status = await add_select_sync_pool_entry(device.select_pool, info, event)  # :238
        if status != B_OK:  # :239
            return B_BAD_VALUE  # :240
    async with device.send_queue.lock:  # :243
        readable = device.send_queue.current_bytes != 0 or device.dead_to_readers
        if event == B_SELECT_READ and readable:  # :244
            await notify_select_event(info, event)  # :245
        if event == B_SELECT_WRITE:  # :246
            await notify_select_event(info, event)  # :247
    return B_OK  # :249


def let_devices_go(driver: Driver) -> None:
    """Give a driver derived from tunnel devices that may be deleted while they are open."""
    use_closable_fifos(driver)
    driver.replaces(TunnelDevices)(KeptTunnelDevices)
    driver.replaces(ClosableTunnelDevice)(DetachableTunnelDevice)
    driver.replaces(ClosableTunnelCookie)(DetachableTunnelCookie)
    driver.replaces(tunnel_uninit)(uninit)
    driver.replaces(tunnel_free)(free_)
    driver.replaces(tunnel_write)(write)
    driver.replaces(tunnel_select)(select)


DELETE_WHILE_OPEN_REPAIRED = TUNNEL.derive(
    "repair-delete-while-open", "a delete leaves an open file with a device that refuses all calls"
)
let_devices_go(DELETE_WHILE_OPEN_REPAIRED)
