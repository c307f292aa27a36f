"""The mutex, and MutexLocker.

Haiku's mutex is a FIFO: an unlock with threads in the queue hands the mutex to the first of them,
so that nobody can overtake, and the woken thread owns it before it runs. Waiting for a mutex
cannot be interrupted.

In the source, most critical sections are held by a `MutexLocker`, which locks when it is made,
unlocks when it goes out of scope, and may unlock early and lock again in between. Here that is

    async with fifo.lock as locker:
        ...
        await locker.unlock()
        ...
        await locker.lock()

A `return` inside computes its value first and unlocks afterwards, as in C++.
"""

from __future__ import annotations

from haiku_tuntap.model.language import (
    BLOCK,
    RETRY,
    Thread,
    current_thread,
    internal,
    primitive,
    reached,
    record,
    violated,
    wake,
)
from haiku_tuntap.model.status import B_OK, Status


@record
class Mutex:
    """A mutex (kernel/locks/lock.cpp:1000-1107)."""

    owner: Thread | None = internal(default=None)
    waiters: tuple[Thread, ...] = internal(default=())
    destroyed: bool = internal(default=False)

    @primitive(source="kernel/locks/lock.cpp:1000-1065")
    def lock(self) -> Status:
        """Take the mutex, or sleep in its queue until it is handed over."""
        if self.owner is None:
            self.owner = current_thread()
            return B_OK
        if self.owner is current_thread():
            violated("lock-discipline", "a thread locks a mutex which it holds already")
        self.waiters = (*self.waiters, current_thread())
        return BLOCK

    @lock.reduced_to
    def _lock_without_queue(self) -> Status:
        """The same without the queue: a thread that does not get the mutex asks again later.

        Which orders of critical sections are possible does not change. A thread that stands in
        the queue behind others has shown nobody anything and has read nothing; so a run in which
        it joins the queue and is handed the mutex as the third, say, leads to the same states as
        the run in which it asks for the first time just when its turn comes. The other way round,
        whoever finds the mutex free here could have found its queue empty.
        """
        if self.owner is current_thread():
            violated("lock-discipline", "a thread locks a mutex which it holds already")
            return BLOCK
        if self.destroyed:
            return BLOCK  # now, while the memory is there: nobody will ever unlock it
        if self.owner is not None:
            return RETRY
        self.owner = current_thread()
        return B_OK

    @primitive(source="kernel/locks/lock.cpp:1068-1107", left_mover=True)
    def unlock(self) -> None:
        """Hand the mutex to the first in the queue, or leave it free.

        A left mover: while the mutex is held nobody else can do anything to it but join the
        queue, so an unlock may as well happen earlier.
        """
        if self.owner is not current_thread():
            violated("lock-discipline", "a thread unlocks a mutex which it does not hold")
            return
        reached("a mutex was unlocked")
        if self.waiters:
            self.owner = self.waiters[0]
            self.waiters = self.waiters[1:]
            wake(self.owner, B_OK)
        else:
            self.owner = None

    @unlock.reduced_to
    def _unlock_without_queue(self) -> None:
        """The same where nobody queues (see `_lock_without_queue`)."""
        if self.owner is not current_thread():
            violated("lock-discipline", "a thread unlocks a mutex which it does not hold")
            return
        reached("a mutex was unlocked")
        self.owner = None

    @primitive(source="kernel/locks/lock.cpp:897-936")
    def destroy(self) -> None:
        """Make the mutex unusable: whoever locks it from now on waits for ever.

        That is what a kernel does that was not built for debugging, where the count becomes the
        smallest number (930); a debug kernel panics (1030). The thread that destroys it stands
        for the owner who never unlocks.
        """
        if self.owner is not None:
            violated("lock-discipline", "a mutex is destroyed while a thread holds it")
        self.owner = current_thread()
        self.destroyed = True

    async def __aenter__(self) -> MutexLocker:
        await self.lock()
        return MutexLocker(self)

    async def __aexit__(self, error: type[BaseException] | None, *rest: object) -> None:
        # On an error (a schedule that is given up in the middle) there is nobody to unlock for.
        if error is None and self.owner is current_thread():
            await self.unlock()


class MutexLocker:
    """What `async with mutex as locker` gives (headers/private/kernel/util/AutoLock.h)."""

    def __init__(self, mutex: Mutex) -> None:
        self._mutex = mutex

    async def lock(self) -> None:
        """Lock again, after an early unlock."""
        await self._mutex.lock()

    async def unlock(self) -> None:
        """Unlock early; the end of the block then leaves the mutex alone."""
        await self._mutex.unlock()
