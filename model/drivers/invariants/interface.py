"""What is true of an interface: its reader thread, writers, and `ifconfig up` and `down`.

The reader thread lives from an up to the down that undoes it. Down closes the receive queue before
it waits for the thread to end, so the thread cannot go to sleep in it any more.
"""

from __future__ import annotations

from collections.abc import Callable

from haiku_tuntap.model.drivers.invariants.queue import announced_in, covered_in
from haiku_tuntap.model.drivers.repairs.down_race import DOWN_RACE_REPAIRED
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.kernel.device_interface import (
    device_reader_thread,
    down_device_interface,
    up_device_interface,
)
from haiku_tuntap.model.kernel.hooks import device_down, device_up
from haiku_tuntap.model.language.invariants import (
    Fact,
    Facts,
    Place,
    about_to,
    asleep_in,
    at,
    holds,
    inside,
    woken_in,
)
from haiku_tuntap.model.status import B_OK

STACK = "stack/device_interfaces.cpp"


@TUNNEL.invariant("interface", why="The reader thread announces itself as every reader does.")
def reader_thread_announced(state: Facts) -> Fact:
    return announced_in(state, state.device.receive_queue)


@TUNNEL.invariant("interface", why="A writer releases a token while the thread is announced.")
def writes_covered(state: Facts) -> Fact:
    return covered_in(state, state.device.receive_queue)


def starting(state: Facts) -> Place:
    """An up that has made the reader thread and not counted itself yet."""
    unstarted = at(f"{STACK}:544") | at(f"{STACK}:547")
    return inside(up_device_interface) & (unstarted | at(f"{STACK}:549"))


def stopping(state: Facts) -> Place:
    """A down that has counted itself out, until the reader thread has ended."""
    thread = state.interface.device_interface.reader_thread
    return (inside(down_device_interface) & ~woken_in(thread)) | at("stack/datalink.cpp:740")


@TUNNEL.invariant("interface", why="Spawn, resume and exit follow each other; exit wakes all.")
def lives_of_the_reader_thread(state: Facts) -> Fact:
    thread = state.interface.device_interface.reader_thread
    unstarted = state.count(inside(up_device_interface) & (at(f"{STACK}:544") | at(f"{STACK}:547")))
    running = inside(device_reader_thread) | about_to(thread.exit)
    running |= woken_in(thread) & ~inside(down_device_interface)
    dormant = asleep_in(thread) & ~inside(down_device_interface)
    return state.every(
        state.count(dormant) == thread.dormant,
        state.implies(thread.dormant > 0, thread.resumed == 0),
        state.implies(thread.resumed != 0, thread.alive != 0),
        state.implies(thread.waiters > 0, thread.alive != 0),
        state.implies(unstarted > 0, state.every(thread.alive != 0, thread.resumed == 0)),
        state.implies(thread.alive != 0, state.some(thread.resumed != 0, unstarted > 0)),
        state.implies(thread.resumed == 0, state.count(running) == 0),
    )


@TUNNEL.invariant("interface", why="Up makes the thread when the count is zero, down ends it then.")
def up_counts(state: Facts) -> Fact:
    interface = state.interface.device_interface
    count, alive = interface.up_count.value, interface.reader_thread.alive
    busy = state.count(starting(state)) + state.count(stopping(state))
    first = inside(device_up) | at(f"{STACK}:538-539")
    more, less = at(f"{STACK}:525"), at("stack/datalink.cpp:736")
    storing = about_to(interface.up_count.store)
    return state.every(
        count >= 0,
        state.implies(alive != 0, state.some(count > 0, busy > 0)),
        state.implies(state.count(first) > 0, count == 0),
        state.implies(state.count(more) > 0, count > 0),
        state.implies(state.count(less) > 0, count > 0),
        state.implies(state.count(more & storing) > 0, state.kept("up", "value") == count),
        state.implies(state.count(less & storing) > 0, state.kept("down", "value") == count),
    )


def true_where_down_closes(
    *, why: str, for_progress: bool = False
) -> Callable[[Callable[[Facts], Fact]], Callable[[Facts], Fact]]:
    """Declare a conjunct for each driver whose down closes the queue."""

    def declare(holds: Callable[[Facts], Fact]) -> Callable[[Facts], Fact]:
        for driver in (TUNNEL_REPAIRED, DOWN_RACE_REPAIRED):
            driver.invariant("interface", why=why, for_progress=for_progress)(holds)
        return holds

    return declare


@true_where_down_closes(why="Down closes the queue before it waits.")
def down_closes_the_queue(state: Facts) -> Fact:
    queue = state.device.receive_queue
    thread = state.interface.device_interface.reader_thread
    waiting = inside(down_device_interface) & (at(f"{STACK}:586") | asleep_in(thread))
    closing = inside(device_down) & holds(queue.lock) & ~woken_in(queue.lock)
    return state.implies(state.count(waiting | closing) > 0, queue.closed != B_OK)


@true_where_down_closes(why="Down releases all who have announced themselves.")
def downed_queues_let_nobody_wait(state: Facts) -> Fact:
    queue = state.device.receive_queue
    releasing = state.count(inside(device_down) & about_to(queue.notify.release))
    return state.implies(state.every(queue.closed != B_OK, queue.waiting > 0), releasing > 0)


@true_where_down_closes(
    why="Down takes the flag away before it closes the queue; up opens it before it sets the flag.",
    for_progress=True,
)
def up_interfaces_have_open_queues(state: Facts) -> Fact:
    queue, flags = state.device.receive_queue, state.device.flags.value
    opened = at(f"{STACK}:538-539") | at(f"{STACK}:544") | about_to(queue.lock.unlock)
    return state.every(
        state.implies(queue.closed != B_OK, flags == 0),
        state.implies(state.count(inside(device_down)) > 0, flags == 0),
        state.implies(state.count(inside(up_device_interface) & opened) > 0, queue.closed == B_OK),
    )
