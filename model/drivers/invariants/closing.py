"""What is true of a FIFO that can be closed (repairs/closable_fifo.py)."""

from __future__ import annotations

from haiku_tuntap.model.drivers.invariants.opening import in_calls
from haiku_tuntap.model.drivers.invariants.queue import wants
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.hooks import device_close
from haiku_tuntap.model.language.invariants import Fact, Facts, about_to, inside
from haiku_tuntap.model.status import B_OK


@TUNNEL_REPAIRED.invariant(
    "close", "reopen", why="The last close closes the queue as the first thing."
)
def closed_files_have_closed_queues(state: Facts) -> Fact:
    queue = state.device.send_queue
    closing = state.count(inside(device_close) & wants(queue.lock))
    return state.implies(
        state.every(state.file.open_count.value == 0, in_calls(state) > 0),
        state.some(queue.closed != B_OK, closing > 0),
    )


@TUNNEL_REPAIRED.invariant(
    "close",
    "reopen",
    why="Who finds the queue closed does not announce itself; close releases all who have.",
)
def closed_queues_let_nobody_wait(state: Facts) -> Fact:
    queue = state.device.send_queue
    releasing = state.count(inside(device_close) & about_to(queue.notify.release))
    return state.implies(state.every(queue.closed != B_OK, queue.waiting > 0), releasing > 0)
