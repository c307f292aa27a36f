"""The semaphore.

Haiku keeps two numbers (kernel/sem.cpp): `net_count`, the tokens there are, and `count`, which is
the tokens minus the threads in the queue. Here they follow from `tokens` and `waiters`, which are
never both non-empty: a token that finds a queue is handed to its head.

*Interruption.* In Haiku a signal unblocks the thread but leaves its entry in the queue until it
runs again and removes it (824-832); until then, others meet an entry whose thread is not blocked.
Here the signal takes the thread out of the queue at once (see signals.py). The two are the same
for everybody else:

- a release drops such an entry and goes on to the next, having spent nothing (943-963);
- B_RELEASE_ALL counts the entry in (920) but stores nothing once the queue is empty (936), so
  that all who really wait are woken and no token remains;
- an acquire behind such an entry joins the queue in both cases, because a token which could have
  been there would have emptied the queue first.

*Deletion.* Waiters get B_BAD_SEM_ID, and so does everybody who uses the old id later. `create`
makes a new semaphore in the same place. That the id is read and used in one step is exact as long
as no thread that could have read the old id is around when the new one is made.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.events import waits_for_semaphore
from haiku_tuntap.model.language import (
    BLOCK,
    Thread,
    current_thread,
    internal,
    primitive,
    record,
    wake,
)
from haiku_tuntap.model.status import B_BAD_SEM_ID, B_INTERRUPTED, B_OK, Status


@record
class Semaphore:
    """A counting semaphore with a FIFO queue (kernel/sem.cpp)."""

    tokens: int = internal(default=0)
    waiters: tuple[Thread, ...] = internal(default=())
    deleted: bool = internal(default=False)

    @primitive(source="kernel/sem.cpp:724-859")
    def acquire(self, *, interruptible: bool = False) -> Status:
        """Take a token, or sleep in the queue until one is handed over."""
        if self.deleted:
            return B_BAD_SEM_ID
        if self.tokens > 0:
            self.tokens = self.tokens - 1
            return B_OK
        thread = current_thread()
        if interruptible:
            if thread.signalled:
                return B_INTERRUPTED
            thread.waits_on = self
        self.waiters = (*self.waiters, thread)
        waits_for_semaphore(self)
        return BLOCK

    @primitive(source="kernel/sem.cpp:869-982")
    def release(self) -> Status:
        """Release one token: to the head of the queue, or else for whoever comes."""
        if self.deleted:
            return B_BAD_SEM_ID
        if self.waiters:
            thread = self.waiters[0]
            self.waiters = self.waiters[1:]
            thread.waits_on = None
            wake(thread, B_OK)
        else:
            self.tokens = self.tokens + 1
        return B_OK

    @primitive(source="kernel/sem.cpp:916-967")
    def release_all(self, status: Status) -> Status:
        """B_RELEASE_ALL: wake exactly those who wait now, with `status`; nothing is stored."""
        if self.deleted:
            return B_BAD_SEM_ID
        for thread in self.waiters:
            thread.waits_on = None
            wake(thread, status)
        self.waiters = ()
        return B_OK

    @primitive(source="kernel/sem.cpp:323-348")
    def delete(self) -> Status:
        """Delete the semaphore; whoever waits gets B_BAD_SEM_ID."""
        if self.deleted:
            return B_BAD_SEM_ID
        for thread in self.waiters:
            thread.waits_on = None
            wake(thread, B_BAD_SEM_ID)
        self.waiters = ()
        self.tokens = 0
        self.deleted = True
        return B_OK

    @primitive(source="kernel/sem.cpp:689-693")
    def create(self) -> None:
        """A new semaphore without tokens, in the place of one that was deleted."""
        self.deleted = False
