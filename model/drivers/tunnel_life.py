"""How tunnel makes and destroys its devices (tunnel.cpp at 47136e7183, lines 61-80 and 277-391).

Their queues are as long as nobody fills them: the memory of a new device has no limit for them.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import (
    TUNNEL,
    TunnelDevice,
    TunnelName,
    find_tunnel_device,
)
from haiku_tuntap.model.kernel import hooks
from haiku_tuntap.model.kernel.devfs import publish_device, unpublish_device
from haiku_tuntap.model.kernel.net_fifo import init_fifo, uninit_fifo
from haiku_tuntap.model.language import (
    Chance,
    allocate,
    free,
    primitive,
    procedure,
    violated,
    without,
)
from haiku_tuntap.model.status import (
    B_BAD_VALUE,
    B_NO_MEMORY,
    B_OK,
    EBUSY,
    EEXIST,
    ENAMETOOLONG,
    ENOSPC,
    Status,
)

DEVICE_ALLOCATION = Chance("device allocation", "There is no memory for a tunnel_device.")


@primitive(source="tunnel.cpp:384")
def panic() -> None:
    """Stop the machine."""
    violated("panic", "the driver panics, because its device could not be unpublished")


@TUNNEL.replaces(hooks.device_init)
@procedure(source="tunnel.cpp:280-363")
async def tunnel_init(name: TunnelName) -> tuple[Status, TunnelDevice | None]:
    """Reserve a slot of the table, fill in the device, and publish it."""
    if not name.valid:  # :283-284
        return B_BAD_VALUE, None  # :285
    if name.too_long:  # :286
        return ENAMETOOLONG, None  # :287
    async with name.driver.lock:  # :290
        status, device = await reserve_slot(name)  # :291-310
        if device is None:
            return status, None
    return await fill_in(device, name)  # :313-362


@procedure(source="tunnel.cpp:290-310")
async def reserve_slot(name: TunnelName) -> tuple[Status, TunnelDevice | None]:
    """Put a new device into the table, whose lock is held."""
    devices = name.driver
    if await find_tunnel_device(name) is not None:  # :291
        return EEXIST, None  # :292
    device = await allocate(  # :294
        TunnelDevice, may_fail=DEVICE_ALLOCATION, devices=devices, is_tap=name.is_tap
    )
    if device is None:  # :295
        return B_NO_MEMORY, None  # :296
    if len(devices.table) == devices.capacity:  # :307
        await free(device)  # :308
        return ENOSPC, None  # :309
    devices.table = (device, *devices.table)  # :303
    return B_OK, device


@procedure(source="tunnel.cpp:313-362")
async def fill_in(device: TunnelDevice, name: TunnelName) -> tuple[Status, TunnelDevice | None]:
    """Make a device what it is to be, and publish it."""
    await device.name.copy(name)  # :314
    status = await init_fifo(device.send_queue)  # :336-337
    if status != B_OK:  # :338
        await give_up(device)  # :339
        return status, None  # :340
    status = await init_fifo(device.receive_queue)  # :343-344
    if status != B_OK:  # :345
        await uninit_fifo(device.send_queue)  # :346
        await give_up(device)  # :347
        return status, None  # :348
    status = await publish_device(name)  # :353
    if status != B_OK:  # :354
        await uninit_fifo(device.send_queue)  # :355
        await uninit_fifo(device.receive_queue)  # :356
        await give_up(device)  # :357
        return status, None  # :358
    return B_OK, device  # :361-362


@procedure(source="tunnel.cpp:339, 347, 357")
async def give_up(device: TunnelDevice) -> None:
    """Delete a device that could not be filled in."""
    await free(device)


@TUNNEL.replaces(hooks.device_uninit)
@procedure(source="tunnel.cpp:366-391")
async def tunnel_uninit(device: TunnelDevice) -> Status:
    """Take the device off the table, unpublish and destroy it; not while it is open."""
    devices = device.devices
    async with devices.lock:  # :371
        if await device.open_count.load() != 0:  # :372
            return EBUSY  # :373
        devices.table = without(devices.table, device)  # :375-381
        name = await device.name.load()  # :382
        assert name is not None
        if await unpublish_device(name) != B_OK:  # :382-383
            await panic()  # :384
        await destroy_device(device)  # :386-389
        return B_OK  # :390


@procedure(source="tunnel.cpp:386-389")
async def destroy_device(device: TunnelDevice) -> None:
    """Destroy the queues and free the device."""
    await uninit_fifo(device.send_queue)  # :386
    await uninit_fifo(device.receive_queue)  # :387
    await device.select_pool.lock.destroy()  # :388
    await free(device)  # :389
