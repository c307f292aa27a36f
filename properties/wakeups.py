"""No lost wakeup: the property that matters.

The reference says when a pending call is *completable*: a read when a packet is queued, or the
last slot of its descriptor was closed, its interface was deleted, or a signal has arrived; a poll
or select when one of its events holds, its descriptor was closed, its interface was deleted, or a
signal has arrived; every other call always. A lost
wakeup is a reachable quiescent state in which a pending call is completable, or in which the
interface's reader thread sleeps although a packet lies in its queue. That is a safety
property: its counterexamples are finite, and it needs no fairness.

Left out, and checked by other properties: deadlock, and readiness that select reports falsely.
That one particular reader is ever served is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers.tunnel import TunnelDevice
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.select import B_SELECT_READ, B_SELECT_WRITE
from haiku_tuntap.properties.calls import Calls, calls
from haiku_tuntap.properties.devices import abandoned, devices
from haiku_tuntap.properties.explore.view import ThreadView, View
from haiku_tuntap.properties.property import Property


def completable(view: View, thread: ThreadView) -> str | None:
    """Why the call in which a thread is may end now; None if it may go on waiting."""
    shadow = view.monitor(Calls).mine(thread.thread)
    file: FileDescriptor | None = view.value(shadow, "file")
    if thread.entry not in ("read", "poll", "select"):
        return f"{thread.entry} never has to wait"
    if view.value(thread.thread, "signalled"):
        return "a signal has arrived"
    if file is None:
        return "its number means no file any more"
    if view.value(file.open_count, "value") == 0:
        return "the last slot of its descriptor was closed"
    device = view.value(view.value(file, "cookie"), "device")
    if device in abandoned(view):
        return "the interface of its device was deleted"
    packets = view.length(device.send_queue, "buffers")
    asked = view.value(shadow, "events") if thread.entry != "read" else B_SELECT_READ
    if asked & B_SELECT_READ and packets > 0:
        lie = "1 packet lies" if packets == 1 else f"{packets} packets lie"
        return f"{lie} in the queue"
    if asked & B_SELECT_WRITE:
        return "the device can always be written to"
    return None


def undelivered(view: View) -> Iterator[str]:
    """That the reader thread of a quiescent state could go on."""
    for device in view.layout.instances.of_class(TunnelDevice):
        queue = device.object.receive_queue
        if view.value(queue, "buffers") and view.value(queue.notify, "waiters"):
            yield "the reader thread sleeps, although a packet lies in the receive queue"


def lost_wakeup(view: View, thread: ThreadView) -> Iterator[str]:
    """That a thread's call of a quiescent state could end."""
    if thread.pending:
        reason = completable(view, thread)
        if reason is not None:
            yield f"{thread.name} is stuck in {thread.location.label}, although {reason}"


NO_LOST_WAKEUP = Property(
    id="no-lost-wakeup",
    title="No call sleeps on although it could end.",
    statement="In every state in which no thread inside a call and no kernel thread can take a "
    "step, no pending call is completable. A read is completable when a packet is queued, the "
    "last slot of its descriptor was closed, its interface was deleted, or a signal has arrived; "
    "a poll or select when one of its events holds, its descriptor was closed, its interface was "
    "deleted, or a signal has arrived; every other call always. Nor does the interface's reader "
    "thread sleep while a packet lies in the receive queue. Beginning a call and sending a signal "
    "are the environment's and excuse nothing. That one particular reader is ever served is not "
    "claimed.",
    source="WAKE-1, WAKE-2, WAKE-3, WAKE-4, WAKE-5, WAKE-6; the definition is the project's",
    judge=undelivered,
    judge_of_thread=lost_wakeup,
    monitors=(calls, devices),
    witness=frozenset({"a thread slept"}),
)
