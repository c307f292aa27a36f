"""All repairs together: the change that we recommend.

Each part is described in its module under `repairs`. Together they share one open and one read,
and close closes the send queue with B_FILE_ERROR, which repairs both the race and the restart.
Open reopens the queue after it has emptied it; since the new file's readers come later, the other
order would do as well.

Why this and not the rival (see tunnel_semaphore): the closed status gives readers a status that
says what happened, delivers queued packets first by plain reading of the text, serves close and
down with one mechanism, and needs no allocation in open that can fail. Its price is a field in
net_fifo and two functions in the stack; the rival touches tunnel.cpp only.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.repairs.closable_fifo import (
    ClosableTunnelCookie,
    close_fifo,
    find_closable_device,
    reopen_fifo,
)
from haiku_tuntap.model.drivers.repairs.delete_while_open import let_devices_go
from haiku_tuntap.model.drivers.repairs.down_race import down, up
from haiku_tuntap.model.drivers.repairs.init_early import init
from haiku_tuntap.model.drivers.repairs.late_notify import send_data
from haiku_tuntap.model.drivers.tunnel import (
    COOKIE_ALLOCATION,
    TUNNEL,
    TunnelCookie,
    TunnelDevice,
    TunnelName,
    tunnel_close,
    tunnel_down,
    tunnel_open,
    tunnel_read,
    tunnel_send_data,
    tunnel_up,
)
from haiku_tuntap.model.drivers.tunnel_life import give_up, tunnel_init
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK
from haiku_tuntap.model.kernel.net_fifo import clear_fifo, fifo_dequeue_buffer
from haiku_tuntap.model.kernel.user_memory import copy_to_user
from haiku_tuntap.model.language import allocate, free, procedure, without
from haiku_tuntap.model.status import B_FILE_ERROR, B_NO_MEMORY, B_OK, EBUSY, ENODEV, Status

TUNNEL_REPAIRED = TUNNEL.derive(
    "tunnel-repaired", "tunnel with every known defect of its own repaired"
)
let_devices_go(TUNNEL_REPAIRED)
TUNNEL_REPAIRED.replaces(tunnel_init)(init)
TUNNEL_REPAIRED.replaces(tunnel_up)(up)
TUNNEL_REPAIRED.replaces(tunnel_down)(down)
TUNNEL_REPAIRED.replaces(tunnel_send_data)(send_data)


@TUNNEL_REPAIRED.replaces(tunnel_open)
@procedure(source="tunnel.cpp:92-111")
async def repaired_open(name: TunnelName, flags: int) -> tuple[Status, TunnelCookie | None]:
    """Become the owner, with an empty queue that is open; or leave no trace."""
    async with name.driver.lock:  # :95
        device = await find_closable_device(name)  # :96
        if device is None:  # :97
            return ENODEV, None  # :98
        if await device.open_count.or_(1) != 0:  # :99
            return EBUSY, None  # :100
        cookie = await allocate(TunnelCookie, may_fail=COOKIE_ALLOCATION, device=device)  # :102
        if cookie is None:  # :103
            await device.open_count.and_(0)
            return B_NO_MEMORY, None  # :104
        await cookie.flags.store(flags)  # :107
        await clear_fifo(device.send_queue)
        await reopen_fifo(device.send_queue)
        return B_OK, cookie  # :109-110


@TUNNEL_REPAIRED.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def repaired_close(cookie: ClosableTunnelCookie) -> Status:
    """Make every reader return B_FILE_ERROR, wherever it is."""
    await close_fifo(cookie.device.send_queue, B_FILE_ERROR)
    return B_OK  # :122


@TUNNEL_REPAIRED.replaces(tunnel_read)
@procedure(source="tunnel.cpp:154-173")
async def repaired_read(cookie: TunnelCookie) -> Status:
    """Wait only if the file may, and free the packet in any case."""
    flags = await cookie.flags.load()
    status, buffer = await fifo_dequeue_buffer(
        cookie.device.send_queue, wait=flags & O_NONBLOCK == 0
    )
    if status != B_OK:  # :162
        return status  # :163
    assert buffer is not None
    status = await copy_to_user(buffer)  # :166
    await free(buffer)  # :171
    return status


@TUNNEL_REPAIRED.replaces(give_up)
@procedure(source="tunnel.cpp:339, 347, 357")
async def repaired_give_up(device: TunnelDevice) -> None:
    """Take a device that could not be made off the table, whose lock init still holds."""
    devices = device.devices
    devices.table = without(devices.table, device)
    await free(device)
