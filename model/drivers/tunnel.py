"""Haiku's TUN/TAP driver as it is (tunnel.cpp at 47136e7183).

How devices are made and destroyed is in tunnel_life.py. The hooks that only change or refuse a
setting are left out.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.kernel import hooks
from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.buffers import BUFFER_ALLOCATION, IPV4, IPV6, NetBuffer
from haiku_tuntap.model.kernel.devfs import DeviceName, DriverImage
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.net_fifo import NetFifo, fifo_dequeue_buffer, fifo_enqueue_buffer
from haiku_tuntap.model.kernel.select import (
    B_SELECT_READ,
    B_SELECT_WRITE,
    SelectInfo,
    SelectPool,
    add_select_sync_pool_entry,
    notify_select_event,
    notify_select_event_pool,
    remove_select_sync_pool_entry,
)
from haiku_tuntap.model.kernel.user_memory import copy_from_user, copy_to_user
from haiku_tuntap.model.language import (
    Chance,
    allocate,
    final,
    free,
    guarded_by,
    part,
    procedure,
    record,
)
from haiku_tuntap.model.status import (
    B_BAD_DATA,
    B_BAD_VALUE,
    B_DEV_INVALID_IOCTL,
    B_INTERRUPTED,
    B_NO_MEMORY,
    B_OK,
    EBUSY,
    ENODEV,
    Status,
)

TUNNEL = Driver("tunnel", "Haiku's driver as it is, tunnel.cpp at 47136e7183")

COOKIE_ALLOCATION = Chance("cookie allocation", "There is no memory for a cookie.")


@TUNNEL.replaces(DriverImage)
@record
class TunnelDevices(DriverImage):
    """The table of devices: gDevices and gDevicesLock (tunnel.cpp:64-65).

    It is a list of at most `capacity` devices, and a new one comes first, as if the lower slots
    had become free: then whoever searches the table meets the new one before all others.
    """

    lock: Mutex = part(factory=Mutex)
    capacity: int = final(default=10)
    table: tuple[TunnelDevice, ...] = guarded_by("lock", default=())


@TUNNEL.replaces(DeviceName)
@record
class TunnelName(DeviceName):
    """A name that begins with tun/ or tap/.

    `fixed` is the one device of that name in a scenario in which no device comes or goes. There,
    searching the table would find the same in all states, and is left out.
    """

    driver: TunnelDevices = final()
    fixed: TunnelDevice | None = final(default=None)


@TUNNEL.replaces(hooks.NetDevice)
@record
class TunnelDevice(hooks.NetDevice):
    """tunnel_device (tunnel.cpp:43-52). `devices` is the table, which is global in the source."""

    devices: TunnelDevices = final()
    is_tap: bool = final(default=False)
    send_queue: NetFifo = part(factory=NetFifo)
    receive_queue: NetFifo = part(factory=NetFifo)
    open_count: Atomic = part(factory=Atomic)
    select_pool: SelectPool = part(factory=SelectPool)


@TUNNEL.replaces(hooks.Cookie)
@record
class TunnelCookie(hooks.Cookie):
    """tunnel_cookie (tunnel.cpp:86-89). `flags` is touched without a lock."""

    device: TunnelDevice = final()
    flags: Unguarded = part(factory=Unguarded)


@procedure(source="tunnel.cpp:68-80")
async def find_tunnel_device(name: TunnelName) -> TunnelDevice | None:
    """Search the table for a name. Its lock is held."""
    if name.fixed is not None:
        return name.fixed
    for device in name.driver.table:  # :72
        if await device.name.equals(name):  # :76
            return device  # :77
    return None  # :79


@TUNNEL.replaces(hooks.device_open)
@procedure(source="tunnel.cpp:92-111")
async def tunnel_open(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Become the one who has the device open."""
    async with name.driver.lock:  # :95
        device = await find_tunnel_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        return B_OK, cookie  # :109-110


@TUNNEL.replaces(hooks.device_close)
@procedure(source="tunnel.cpp:114-123")
async def tunnel_close(cookie: TunnelCookie) -> Status:
    """Wake the readers that wait."""
    await cookie.device.send_queue.notify.release_all(B_INTERRUPTED)  # :120
    return B_OK  # :122


@TUNNEL.replaces(hooks.device_free)
@procedure(source="tunnel.cpp:126-133")
async def tunnel_free(cookie: TunnelCookie) -> Status:
    """Let others open the device."""
    await cookie.device.open_count.and_(0)  # :130
    await free(cookie)  # :131
    return B_OK  # :132


@TUNNEL.replaces(hooks.device_control)
@procedure(source="tunnel.cpp:136-151")
async def tunnel_control(cookie: TunnelCookie, operation: int) -> Status:
    """Set or clear O_NONBLOCK."""
    if operation == hooks.B_SET_NONBLOCKING_IO:  # :142
        await cookie.flags.store(await cookie.flags.load() | hooks.O_NONBLOCK)  # :143
        return B_OK  # :144
    if operation == hooks.B_SET_BLOCKING_IO:  # :145
        await cookie.flags.store(await cookie.flags.load() & ~hooks.O_NONBLOCK)  # :146
        return B_OK  # :147
    return B_DEV_INVALID_IOCTL  # :150


@TUNNEL.replaces(hooks.device_read)
@procedure(source="tunnel.cpp:154-173")
async def tunnel_read(cookie: TunnelCookie) -> Status:
    """Take a packet from the send queue and copy it to the application."""
    status, buffer = await fifo_dequeue_buffer(cookie.device.send_queue, wait=True)  # :160-161
    if status != B_OK:  # :162
        return status  # :163
    assert buffer is not None
    status = await copy_to_user(buffer)  # :166
    if status != B_OK:  # :167
        return status  # :168
    await free(buffer)  # :171
    return B_OK  # :172


@TUNNEL.replaces(hooks.device_write)
@procedure(source="tunnel.cpp:176-226")
async def tunnel_write(cookie: TunnelCookie, size: int, version: int) -> Status:
    """Put a packet from the application into the receive queue."""
    buffer = await allocate(  # :181
        NetBuffer, may_fail=BUFFER_ALLOCATION, size=size, version=version
    )
    if buffer is None:  # :182
        return B_NO_MEMORY  # :183
    status = await copy_from_user(buffer)  # :185
    if status != B_OK:  # :186
        await free(buffer)  # :187
        return status  # :188
    if not cookie.device.is_tap and buffer.version != IPV4 and buffer.version != IPV6:  # :191-201
        await free(buffer)  # :203
        return B_BAD_DATA  # :204
    status = await fifo_enqueue_buffer(cookie.device.receive_queue, buffer)  # :221
    if status != B_OK:  # :222
        await free(buffer)  # :223
    return status  # :225


@TUNNEL.replaces(hooks.device_select)
@procedure(source="tunnel.cpp:229-250")
async def tunnel_select(cookie: TunnelCookie, event: int, info: SelectInfo) -> Status:
    """Register first, then look: a packet that comes in between notifies."""
    if event != B_SELECT_READ and event != B_SELECT_WRITE:  # :234
        return B_BAD_VALUE  # :235
    device = cookie.device
    async with device.select_pool.lock:  # :237
        status = await add_select_sync_pool_entry(device.select_pool, info, event)  # :238
        if status != B_OK:  # :239
            return B_BAD_VALUE  # :240
    async with device.send_queue.lock:  # :243
        if event == B_SELECT_READ and device.send_queue.current_bytes != 0:  # :244
            await notify_select_event(info, event)  # :245
        if event == B_SELECT_WRITE:  # :246
            await notify_select_event(info, event)  # :247
    return B_OK  # :249


@TUNNEL.replaces(hooks.device_deselect)
@procedure(source="tunnel.cpp:253-262")
async def tunnel_deselect(cookie: TunnelCookie, event: int, info: SelectInfo) -> Status:
    """Stop watching."""
    async with cookie.device.select_pool.lock:  # :258
        if event != B_SELECT_READ and event != B_SELECT_WRITE:  # :259
            return B_BAD_VALUE  # :260
        return await remove_select_sync_pool_entry(cookie.device.select_pool, info, event)  # :261


@TUNNEL.replaces(hooks.device_up)
@procedure(source="tunnel.cpp:394-398")
async def tunnel_up(device: TunnelDevice) -> Status:
    """Nothing to do."""
    return B_OK  # :397


@TUNNEL.replaces(hooks.device_down)
@procedure(source="tunnel.cpp:401-408")
async def tunnel_down(device: TunnelDevice) -> None:
    """Wake the reader thread if it waits."""
    await device.receive_queue.notify.release_all(B_INTERRUPTED)  # :407


@TUNNEL.replaces(hooks.device_send_data)
@procedure(source="tunnel.cpp:418-439")
async def tunnel_send_data(device: TunnelDevice, buffer: NetBuffer) -> Status:
    """Put a packet from the stack into the send queue, and notify who watches it."""
    if not device.is_tap and buffer.version != IPV4 and buffer.version != IPV6:  # :424-427
        return B_BAD_DATA  # :428
    status = await fifo_enqueue_buffer(device.send_queue, buffer)  # :431-432
    if status == B_OK:  # :433
        async with device.select_pool.lock:  # :434
            await notify_select_event_pool(device.select_pool, B_SELECT_READ)  # :435
    return status  # :438


@TUNNEL.replaces(hooks.device_receive_data)
@procedure(source="tunnel.cpp:442-448")
async def tunnel_receive_data(device: TunnelDevice) -> tuple[Status, NetBuffer | None]:
    """Take a packet from the receive queue, for the reader thread."""
    return await fifo_dequeue_buffer(device.receive_queue, wait=True)  # :446-447
