"""A seeded fault for every property: a driver that is wrong in one way, which refutes it.

A check that cannot fail says nothing. Each fault is the repaired driver with one mistake that
somebody could make, and names the scenario in which the property catches it. A test runs them all.
"""

from __future__ import annotations

from attrs import frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelCookie,
    ClosableTunnelDevice,
    close_fifo,
    find_closable_device,
    reopen_fifo,
)
from haiku_tuntap.model.drivers.tunnel import (
    COOKIE_ALLOCATION,
    TunnelCookie,
    TunnelName,
    tunnel_close,
    tunnel_down,
    tunnel_open,
    tunnel_read,
    tunnel_select,
    tunnel_send_data,
)
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import (
    NetFifo,
    base_fifo_enqueue_buffer,
    clear_fifo,
    fifo_dequeue_buffer,
    fifo_enqueue_buffer,
)
from haiku_tuntap.model.kernel.select import (
    B_SELECT_READ,
    SelectInfo,
    add_select_sync_pool_entry,
    notify_select_event,
    notify_select_event_pool,
)
from haiku_tuntap.model.kernel.user_memory import copy_to_user
from haiku_tuntap.model.language import allocate, free, procedure
from haiku_tuntap.model.status import (
    B_DEVICE_NOT_FOUND,
    B_INTERRUPTED,
    B_NO_MEMORY,
    B_OK,
    EBUSY,
    ENODEV,
    Status,
)
from haiku_tuntap.properties import life_faults


@frozen
class Fault:
    """A driver with a mistake, and the scenario in which the property finds it."""

    driver: Driver
    scenario: str


def _wrong(property_id: str, summary: str) -> Driver:
    return TUNNEL_REPAIRED.derive(f"fault-{property_id}", summary)


SILENT = _wrong("no-lost-wakeup", "enqueueing wakes nobody")


@SILENT.replaces(base_fifo_enqueue_buffer)
@procedure()
async def enqueue_silently(fifo: NetFifo, buffer: NetBuffer) -> Status:
    """Append a buffer and tell nobody."""
    fifo.buffers = (*fifo.buffers, buffer)
    fifo.current_bytes += buffer.size
    return B_OK


CROSSED = _wrong("no-deadlock", "select and send take two locks in opposite orders")


@CROSSED.replaces(tunnel_select)
@procedure()
async def select_crossed(cookie: TunnelCookie, event: int, info: SelectInfo) -> Status:
    """Look at the queue first, and register without letting go of it."""
    device = cookie.device
    async with device.send_queue.lock:
        if device.send_queue.current_bytes != 0:
            await notify_select_event(info, event)
        async with device.select_pool.lock:
            return await add_select_sync_pool_entry(device.select_pool, info, event)


DEAF = _wrong("interface-down-returns", "down leaves the reader thread alone")


@DEAF.replaces(tunnel_down)
@procedure()
async def down_without_waking(device: ClosableTunnelDevice) -> None:
    """Do nothing."""


PATIENT = _wrong("nonblocking", "read does not look at O_NONBLOCK")


@PATIENT.replaces(tunnel_read)
@procedure()
async def read_patiently(cookie: TunnelCookie) -> Status:
    """Wait in any case."""
    status, buffer = await fifo_dequeue_buffer(cookie.device.send_queue, wait=True)
    if status != B_OK:
        return status
    assert buffer is not None
    status = await copy_to_user(buffer)
    await free(buffer)
    return status


HASTY = _wrong("exclusive-open", "open tests and sets its count in two steps, without the lock")


@HASTY.replaces(tunnel_open)
@procedure()
async def open_in_two_steps(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Look, then take."""
    async with name.driver.lock:
        device = await find_closable_device(name)
    if device is None:
        return ENODEV, None
    if await device.open_count.load() != 0:
        return EBUSY, None
    await device.open_count.store(1)
    cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)
    if cookie is None:
        await device.open_count.store(0)
        return B_NO_MEMORY, None
    await cookie.flags.store(flags)
    await clear_fifo(device.send_queue)
    await reopen_fifo(device.send_queue)
    return B_OK, cookie


RESTARTING = _wrong("own-file", "close makes readers return B_INTERRUPTED, which restarts")


@RESTARTING.replaces(tunnel_close)
@procedure()
async def close_interrupting(cookie: ClosableTunnelCookie) -> Status:
    """Close the queue with the status that the VFS takes for a signal."""
    await close_fifo(cookie.device.send_queue, B_INTERRUPTED)
    return B_OK


HOARDING = _wrong("own-packets", "open keeps what was queued before it")


@HOARDING.replaces(tunnel_open)
@procedure()
async def open_with_old_packets(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Reopen the queue as it is."""
    async with name.driver.lock:
        device = await find_closable_device(name)
        if device is None:
            return ENODEV, None
        if await device.open_count.or_(1) != 0:
            return EBUSY, None
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)
        if cookie is None:
            await device.open_count.and_(0)
            return B_NO_MEMORY, None
        await cookie.flags.store(flags)
        await reopen_fifo(device.send_queue)
        return B_OK, cookie


JUMPING = _wrong("packets", "a packet is put in front of the queue")


@JUMPING.replaces(base_fifo_enqueue_buffer)
@procedure()
async def enqueue_in_front(fifo: NetFifo, buffer: NetBuffer) -> Status:
    """Put the newest packet first."""
    fifo.buffers = (buffer, *fifo.buffers)
    fifo.current_bytes += buffer.size
    if fifo.waiting > 0:
        fifo.waiting -= 1
        await fifo.notify.release()
    return B_OK


TWICE = _wrong("ownership", "a read that faults frees its packet twice")


@TWICE.replaces(tunnel_read)
@procedure()
async def read_freeing_twice(cookie: TunnelCookie) -> Status:
    """Free on the error path, and at the end."""
    status, buffer = await fifo_dequeue_buffer(cookie.device.send_queue, wait=True)
    if status != B_OK:
        return status
    assert buffer is not None
    status = await copy_to_user(buffer)
    if status != B_OK:
        await free(buffer)
    await free(buffer)
    return status


EAGER = _wrong("honest-select", "send notifies selectors before it enqueues")


@EAGER.replaces(tunnel_send_data)
@procedure()
async def send_notifying_first(device: ClosableTunnelDevice, buffer: NetBuffer) -> Status:
    """Tell of the packet, then queue it."""
    async with device.select_pool.lock:
        await notify_select_event_pool(device.select_pool, B_SELECT_READ)
    return await fifo_enqueue_buffer(device.send_queue, buffer)


VANISHING = _wrong("kernel-rules", "down makes the reader thread think that its device is gone")


@VANISHING.replaces(tunnel_down)
@procedure()
async def down_as_removal(device: ClosableTunnelDevice) -> None:
    """Close the receive queue with the one status that must not be used."""
    await close_fifo(device.receive_queue, B_DEVICE_NOT_FOUND)


FAULTS: dict[str, Fault] = {
    "no-lost-wakeup": Fault(SILENT, "reader-sender"),
    "no-deadlock": Fault(CROSSED, "poll-sender"),
    "interface-down-returns": Fault(DEAF, "down-while-waiting"),
    "nonblocking": Fault(PATIENT, "nonblocking-reader"),
    "exclusive-open": Fault(HASTY, "two-openers"),
    "own-file": Fault(RESTARTING, "reused-number"),
    "own-packets": Fault(HOARDING, "close-reopen"),
    "packets": Fault(JUMPING, "reader-sender"),
    "ownership": Fault(TWICE, "user-copy-faults"),
    "honest-select": Fault(EAGER, "poll-sender"),
    "kernel-rules": Fault(VANISHING, "down-while-waiting"),
    "delete-returns": Fault(life_faults.COURTEOUS, "delete-reader"),
    "open-device": Fault(life_faults.IMPATIENT, "delete-opener"),
    "device-table": Fault(life_faults.EARLY, "create-open"),
    "given-back": Fault(life_faults.FORGETFUL, "delete-reader"),
    "loaded-code": Fault(life_faults.FLEETING, "delete-open"),
}
