"""A network FIFO that can be closed: what the repairs of close and of down share.

The change to the stack: net_fifo gets a field, the status with which it was closed (B_OK: it is
open); fifo_dequeue_buffer tests it; and there are two new functions, close_fifo and reopen_fifo.

*Why under the lock, and why one token for each that is waiting.* A reader goes to sleep in three
steps: it announces itself (`waiting += 1`) under the lock, unlocks, and acquires the semaphore.
Whoever takes the lock before the announcement closes a FIFO which the reader will find closed.
Whoever takes it afterwards finds the reader counted in `waiting`, whether it sleeps already or
not; so a token that is stored, other than B_RELEASE_ALL's wakeup which is not, reaches it.

*Why a queued packet comes first.* It was accepted before the close. A reader that looks for one
before it tests the status loses nothing, and the order is what it was.

A token for a reader that a signal has interrupted meanwhile stays in the semaphore. It costs one
turn of the loop in a later call, no more: the loop tests everything again.
"""

from __future__ import annotations

from typing import cast

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.tunnel import (
    TunnelCookie,
    TunnelDevice,
    TunnelName,
    find_tunnel_device,
)
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import NetFifo, fifo_dequeue_buffer, take_first_buffer
from haiku_tuntap.model.language import (
    Procedure,
    final,
    guarded_by,
    part,
    procedure,
    record,
)
from haiku_tuntap.model.status import B_OK, B_WOULD_BLOCK, Status


@record
class ClosableFifo(NetFifo):
    """A FIFO with the status for its readers while it is closed; B_OK while it is open."""

    closed: Status = guarded_by("lock", default=B_OK)


@record
class ClosableTunnelDevice(TunnelDevice):
    """A device with such FIFOs."""

    send_queue: ClosableFifo = part(factory=ClosableFifo)
    receive_queue: ClosableFifo = part(factory=ClosableFifo)


@record
class ClosableTunnelCookie(TunnelCookie):
    """A cookie of such a device."""

    device: ClosableTunnelDevice = final()


# The same procedure, which in a driver with closable FIFOs finds a device that has them.
find_closable_device = cast(
    "Procedure[[TunnelName], ClosableTunnelDevice | None]", find_tunnel_device
)


@procedure(source="stack/utility.cpp:225-280")
async def closable_dequeue_buffer(
    fifo: ClosableFifo, *, wait: bool
) -> tuple[Status, NetBuffer | None]:
    """fifo_dequeue_buffer, which returns a closed FIFO's status in place of waiting."""
    async with fifo.lock as locker:  # :232
        while len(fifo.buffers) == 0:  # :237-238
            if fifo.closed != B_OK:
                return fifo.closed, None
            if wait:  # :257
                fifo.waiting += 1  # :258
            await locker.unlock()  # :260
            if not wait:  # :262
                return B_WOULD_BLOCK, None  # :263
            status = await fifo.notify.acquire(interruptible=True)  # :266-267
            if status != B_OK:  # :268
                return status, None  # :269
            await locker.lock()  # :271
        buffer = await take_first_buffer(fifo)  # :248-254
        return B_OK, buffer  # :279


@procedure()
async def close_fifo(fifo: ClosableFifo, status: Status) -> None:
    """Make every reader that waits, or is about to, return `status`."""
    async with fifo.lock:
        fifo.closed = status
        while fifo.waiting > 0:
            fifo.waiting -= 1
            await fifo.notify.release()


@procedure()
async def reopen_fifo(fifo: ClosableFifo) -> None:
    """Let readers wait again."""
    async with fifo.lock:
        fifo.closed = B_OK


def use_closable_fifos(driver: Driver) -> None:
    """Give a driver derived from tunnel the changed FIFO."""
    driver.replaces(NetFifo)(ClosableFifo)
    driver.replaces(TunnelDevice)(ClosableTunnelDevice)
    driver.replaces(TunnelCookie)(ClosableTunnelCookie)
    driver.replaces(fifo_dequeue_buffer)(closable_dequeue_buffer)
