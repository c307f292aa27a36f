"""The network FIFO: a queue of buffers with readers that wait.

Peeking (MSG_PEEK) and finite timeouts are left out: no tunnel code uses them.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.events import packet_accepted, packet_discarded, packet_taken
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Chance,
    final,
    free,
    guarded_by,
    happens,
    part,
    procedure,
    record,
)
from haiku_tuntap.model.status import B_NO_MORE_SEMS, B_OK, B_WOULD_BLOCK, ENOBUFS, Status

SEMAPHORE_CREATION = Chance("semaphore creation", "There is no semaphore left.")


@record
class NetFifo:
    """net_fifo (headers/private/net/net_stack.h).

    `waiting` is how many readers have announced that they will wait and were not yet promised a
    token. A reader that a signal interrupts leaves its announcement behind.
    """

    lock: Mutex = part(factory=Mutex)
    notify: Semaphore = part(factory=Semaphore)
    max_bytes: int = final(default=0)
    waiting: int = guarded_by("lock", default=0)
    current_bytes: int = guarded_by("lock", default=0)
    buffers: tuple[NetBuffer, ...] = guarded_by("lock", default=())


@procedure(source="stack/utility.cpp:151-158")
async def fifo_notify_one_reader(fifo: NetFifo) -> None:
    """Release one token if a reader has announced that it waits. The lock is held."""
    if fifo.waiting > 0:  # :154
        fifo.waiting -= 1  # :155
        await fifo.notify.release()  # :156


@procedure(source="stack/utility.cpp:193-205")
async def base_fifo_enqueue_buffer(fifo: NetFifo, buffer: NetBuffer) -> Status:
    """Append a buffer, unless the queue would become too large. The lock is held."""
    if fifo.max_bytes > 0 and fifo.current_bytes + buffer.size > fifo.max_bytes:  # :196-197
        return ENOBUFS  # :198
    fifo.buffers = (*fifo.buffers, buffer)  # :200
    fifo.current_bytes += buffer.size  # :201
    packet_accepted(fifo, buffer)  # :200-201
    await fifo_notify_one_reader(fifo)  # :202
    return B_OK  # :204


@procedure(source="stack/utility.cpp:208-213")
async def fifo_enqueue_buffer(fifo: NetFifo, buffer: NetBuffer) -> Status:
    """Append a buffer and wake a reader. The buffer is the FIFO's only if this returns B_OK."""
    async with fifo.lock:  # :211
        return await base_fifo_enqueue_buffer(fifo, buffer)  # :212


@procedure(source="stack/utility.cpp:225-280")
async def fifo_dequeue_buffer(fifo: NetFifo, *, wait: bool) -> tuple[Status, NetBuffer | None]:
    """Take the first buffer, and wait for one if `wait`."""
    async with fifo.lock as locker:  # :232
        while len(fifo.buffers) == 0:  # :237-238
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


@procedure(source="stack/utility.cpp:237-254")
async def take_first_buffer(fifo: NetFifo) -> NetBuffer:
    """Remove the first buffer, which is there. The lock is held."""
    buffer = fifo.buffers[0]  # :237
    fifo.buffers = fifo.buffers[1:]  # :248
    fifo.current_bytes -= buffer.size  # :249
    packet_taken(fifo, buffer)  # :252
    return buffer  # :252


@procedure(source="stack/utility.cpp:283-298")
async def clear_fifo(fifo: NetFifo) -> None:
    """Free all buffers in the queue."""
    async with fifo.lock:  # :286
        while len(fifo.buffers) > 0:  # :289-290
            buffer = fifo.buffers[0]  # :289
            fifo.buffers = fifo.buffers[1:]  # :289
            packet_discarded(fifo, buffer)  # :289
            await free(buffer)  # :293
        fifo.current_bytes = 0  # :296


@procedure(source="stack/utility.cpp:164-180")
async def init_fifo(fifo: NetFifo) -> Status:
    """Make a FIFO in new memory, where its fields have their first values already."""
    if await happens(SEMAPHORE_CREATION):  # :168
        return B_NO_MORE_SEMS  # :171
    await fifo.notify.create()  # :168
    return B_OK  # :179


@procedure(source="stack/utility.cpp:183-190")
async def uninit_fifo(fifo: NetFifo) -> None:
    """Free the buffers, destroy the mutex, and wake whoever still waits with B_BAD_SEM_ID."""
    await clear_fifo(fifo)  # :186
    await fifo.lock.destroy()  # :188
    await fifo.notify.delete()  # :189
