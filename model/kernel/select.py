"""Select infos, notification, and select pools.

A select or poll call makes one *sync object* with a semaphore, on which it sleeps, and one *info*
per descriptor. It has one descriptor here, so the two are one record. A scenario gives a fresh
info to every call in place of allocating it. The references which keep the sync object alive
(wait_for_objects.cpp:391-404) are thereby not modelled: an info is never given back.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Chance,
    guarded_by,
    happens,
    part,
    procedure,
    record,
    without,
)
from haiku_tuntap.model.status import B_ENTRY_NOT_FOUND, B_NO_MEMORY, B_OK, Status

# Events, as bits (SELECT_FLAG in headers/private/kernel/wait_for_objects.h). Errors and
# disconnection are left out: nobody ever notifies them on a tunnel.
B_SELECT_READ = 1
B_SELECT_WRITE = 2
B_EVENT_INVALID = 4

SELECT_POOL_ALLOCATION = Chance(
    "select pool allocation", "There is no memory for an entry of a select pool."
)


@record
class SelectInfo:
    """What one select or poll call wants to know of its descriptor, and has learnt."""

    semaphore: Semaphore = part(factory=Semaphore)
    events: Atomic = part(factory=Atomic)
    selected_events: Unguarded = part(factory=Unguarded)


@record
class SelectPool:
    """Who watches a device for which event (kernel/events/wait_for_objects.cpp:53-63).

    In the source a pool is a list of entries, each an info and its events; here it is a list of
    infos per event. A driver's pointer to its pool being NULL is both lists being empty. The mutex
    which drivers keep beside that pointer is in the record, so that it can be named as the guard.
    """

    lock: Mutex = part(factory=Mutex)
    readers: tuple[SelectInfo, ...] = guarded_by("lock", default=())
    writers: tuple[SelectInfo, ...] = guarded_by("lock", default=())


@procedure(source="kernel/events/wait_for_objects.cpp:414-428")
async def notify_select_event(info: SelectInfo, event: int) -> None:
    """Record an event, and wake the call if it asked for it."""
    await info.events.or_(event)  # :420
    selected = await info.selected_events.load()  # :424
    if selected & event != 0:  # :424
        await info.semaphore.release()  # :425


@procedure(source="kernel/events/wait_for_objects.cpp:781-828")
async def add_select_sync_pool_entry(pool: SelectPool, info: SelectInfo, event: int) -> Status:
    """Let the pool notify `info` of `event`. The pool's lock is held."""
    known = info in pool.readers or info in pool.writers  # :786
    if not known:  # :787
        no_memory = await happens(SELECT_POOL_ALLOCATION)  # :788
        if no_memory:  # :789
            return B_NO_MEMORY  # :790
    if event == B_SELECT_READ and info not in pool.readers:
        pool.readers = (*pool.readers, info)  # :798
    if event == B_SELECT_WRITE and info not in pool.writers:
        pool.writers = (*pool.writers, info)  # :798
    return B_OK  # :800


@procedure(source="kernel/events/wait_for_objects.cpp:831-866")
async def remove_select_sync_pool_entry(pool: SelectPool, info: SelectInfo, event: int) -> Status:
    """Undo add_select_sync_pool_entry. The pool's lock is held."""
    if info not in pool.readers and info not in pool.writers:  # :844
        return B_ENTRY_NOT_FOUND  # :857
    if event == B_SELECT_READ:
        pool.readers = without(pool.readers, info)  # :846
    if event == B_SELECT_WRITE:
        pool.writers = without(pool.writers, info)  # :846
    return B_OK  # :865


@procedure(source="kernel/events/wait_for_objects.cpp:884-899")
async def notify_select_event_pool(pool: SelectPool, event: int) -> None:
    """Notify everybody in the pool who watches for `event`. The pool's lock is held."""
    if event == B_SELECT_READ:
        for info in pool.readers:  # :892
            await notify_select_event(info, event)  # :896
    if event == B_SELECT_WRITE:
        for info in pool.writers:  # :892
            await notify_select_event(info, event)  # :896
