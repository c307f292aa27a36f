"""Threads that the kernel starts and waits for.

A system's threads are fixed, so a kernel thread is a service thread that sleeps until it is
spawned and resumed, and again after it has exited. Each start is a new thread in Haiku, with a new
id; since the reader thread's id is read right before the wait for it, and is not replaced while
somebody waits (the interface is busy), it makes no difference here. If it is replaced all the same,
that is reported: a second reader thread is started while the first runs. What that second thread
would do beside the first is not followed.
"""

from __future__ import annotations

from haiku_tuntap.model.language import (
    BLOCK,
    Thread,
    current_thread,
    internal,
    primitive,
    record,
    violated,
    wake,
)
from haiku_tuntap.model.status import B_OK, Status


@record
class KernelThread:
    """One thread of the kernel's own, which may be started several times, one after the other.

    `dormant` is the service thread while it waits to be started, and `waiters` are those who wait
    for it to exit.
    """

    alive: bool = internal(default=False)
    resumed: bool = internal(default=False)
    dormant: Thread | None = internal(default=None)
    waiters: tuple[Thread, ...] = internal(default=())

    @primitive(source="kernel/thread.cpp:3530-3537")
    def spawn(self) -> None:
        """Make the thread; it does not run yet."""
        if self.alive:
            violated("kernel-thread", "a second reader thread is started while the first runs")
        self.alive = True

    @primitive(source="kernel/thread.cpp:3523-3527")
    def resume(self) -> None:
        """Let it run."""
        self.resumed = True
        if self.dormant is not None:
            wake(self.dormant, B_OK)
            self.dormant = None

    @primitive()
    def wait_until_resumed(self) -> Status:
        """What the service thread does while the kernel thread does not exist."""
        if self.resumed:
            return B_OK
        self.dormant = current_thread()
        return BLOCK

    @primitive(source="kernel/thread.cpp:2092-2431")
    def exit(self) -> None:
        """End, and wake everybody who waits for it."""
        self.alive = False
        self.resumed = False
        for thread in self.waiters:
            wake(thread, B_OK)
        self.waiters = ()

    @primitive(source="kernel/thread.cpp:2608-2706")
    def wait_for_exit(self) -> Status:
        """wait_for_thread: return when the thread has ended. Nothing interrupts this."""
        if not self.alive:
            return B_OK
        self.waiters = (*self.waiters, current_thread())
        return BLOCK


@primitive(source="kernel/thread.cpp:3475-3479")
def snooze() -> None:
    """Sleep for a while. The end of the sleep is a step like any other, which always comes."""
