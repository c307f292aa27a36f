"""Signals.

A signal makes an interruptible wait end with B_INTERRUPTED. The system call then returns
B_INTERRUPTED after the handler has run. (Handlers with SA_RESTART, which let the call start again,
are not modelled.)

A signal that meets no wait stays pending until the thread is about to wait. In Haiku it would be
handled when the thread leaves the kernel; but then the next call behaves as if there had been no
signal, which is the run in which the signal was never sent, and to be interrupted by it later is
the run in which it was sent later. Nothing new can happen.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Thread,
    current_thread,
    primitive,
    procedure,
    wake,
    without,
)
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK, Status


@primitive(source="kernel/signal.cpp:1393-1520")
def send_signal(target: Thread) -> None:
    """Make a signal pending and end the interruptible wait of its thread, if there is one."""
    target.signalled = True  # :1418-1421
    semaphore: Semaphore | None = target.waits_on
    if semaphore is not None:  # :1512
        semaphore.waiters = without(semaphore.waiters, target)  # :1512
        target.waits_on = None
        wake(target, B_INTERRUPTED)  # :1512


@primitive(source="kernel/signal.cpp:958-963")
def take_signal() -> bool:
    """Whether a signal is pending for the calling thread; it is handled now."""
    thread = current_thread()
    pending = thread.signalled
    thread.signalled = False
    return pending


@procedure(call="kill")
async def kill(target: Thread) -> Status:
    """Send a signal that has a handler."""
    await send_signal(target)
    return B_OK
