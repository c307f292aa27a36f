"""Seeded faults for the properties of the life of devices (see faults.py)."""

from __future__ import annotations

from haiku_tuntap.model.drivers.repairs.delete_while_open import (
    DetachableTunnelCookie,
    DetachableTunnelDevice,
    KeptTunnelDevices,
    end_calls,
    free_,
    uninit,
)
from haiku_tuntap.model.drivers.repairs.init_early import init
from haiku_tuntap.model.drivers.tunnel import TunnelDevice, TunnelName
from haiku_tuntap.model.drivers.tunnel_life import destroy_device, fill_in, reserve_slot
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.devfs import unpublish_device
from haiku_tuntap.model.language import final, free, procedure, record, without
from haiku_tuntap.model.status import B_OK, Status

IMPATIENT = TUNNEL_REPAIRED.derive(
    "fault-open-device", "uninit unpublishes before it takes the table's mutex"
)


@IMPATIENT.replaces(uninit)
@procedure()
async def unpublish_first(device: DetachableTunnelDevice) -> Status:
    """Whoever is just opening the device still finds it in the table."""
    devices = device.devices
    name = await device.name.load()
    assert name is not None
    await unpublish_device(name)
    async with devices.lock:
        devices.table = without(devices.table, device)
        if await device.open_count.load() == 0:
            await destroy_device(device)
            return B_OK
        device.detached = True
        await end_calls(device)
        return B_OK


EARLY = TUNNEL_REPAIRED.derive(
    "fault-device-table", "init lets go of the table's mutex before it writes the device's name"
)


@EARLY.replaces(init)
@procedure()
async def init_with_a_gap(name: TunnelName) -> tuple[Status, TunnelDevice | None]:
    """Reserve the slot, and come back later."""
    async with name.driver.lock:
        status, device = await reserve_slot(name)
    if device is None:
        return status, None
    async with name.driver.lock:
        return await fill_in(device, name)


FORGETFUL = TUNNEL_REPAIRED.derive("fault-given-back", "uninit does not unpublish the device")


@FORGETFUL.replaces(uninit)
@procedure()
async def uninit_without_unpublishing(device: DetachableTunnelDevice) -> Status:
    """Leave the name where it is."""
    devices = device.devices
    async with devices.lock:
        devices.table = without(devices.table, device)
        if await device.open_count.load() == 0:
            await destroy_device(device)
            return B_OK
        device.detached = True
        await end_calls(device)
        return B_OK


COURTEOUS = TUNNEL_REPAIRED.derive(
    "fault-delete-returns", "uninit waits until the device is closed, and wakes nobody"
)


@COURTEOUS.replaces(uninit)
@procedure()
async def uninit_after_close(device: DetachableTunnelDevice) -> Status:
    """Wait for the free hook."""
    devices = device.devices
    async with devices.lock:
        devices.table = without(devices.table, device)
        name = await device.name.load()
        assert name is not None
        await unpublish_device(name)
        is_open = await device.open_count.load()
    if is_open != 0:
        await device.receive_queue.notify.acquire()
    await destroy_device(device)
    return B_OK


@COURTEOUS.replaces(free_)
@procedure()
async def free_with_a_token(cookie: DetachableTunnelCookie) -> Status:
    """Tell uninit that the file is gone."""
    await cookie.device.open_count.and_(0)
    await cookie.device.receive_queue.notify.release()
    await free(cookie)
    return B_OK


FLEETING = TUNNEL_REPAIRED.derive("fault-loaded-code", "the module does not say B_KEEP_LOADED")


@FLEETING.replaces(KeptTunnelDevices)
@record
class UnloadableTunnelDevices(KeptTunnelDevices):
    """Static data that goes with the last reference."""

    keep_loaded: bool = final(default=False)
