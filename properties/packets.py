"""Packets: in order, none twice, none lost without a rule, none from before the open.

The monitor counts a packet at the edges of the driver: where the stack offers it and is told
whether it was taken, and where it is copied to an application. What happens in between is the
driver's business, and a driver that replaces the FIFO is watched just the same.

Order between the packets of two senders that send at the same time is left to linearizability;
here a sender's own packets must arrive in the order in which it sent them.
"""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers.tunnel import TunnelDevice
from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.language import (
    System,
    Thread,
    current_thread,
    final,
    internal,
    observes,
    reached,
    record,
    static,
    violated,
    without,
)
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.devices import only_device
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Nothing, Property, shadow


@record
class PacketShadow:
    """What a thread has sent, in order; and what others had received when its read began."""

    shadow_of: Thread = final()
    sent: tuple[NetBuffer, ...] = internal(default=())
    received_before: tuple[NetBuffer, ...] = internal(default=())


@record
class Packets:
    """Follows every packet from the stack to an application, and counts those the other way."""

    shadows: tuple[PacketShadow, ...] = final()
    delivered: tuple[NetBuffer, ...] = internal(default=())
    discarded: tuple[NetBuffer, ...] = internal(default=())
    faulted: tuple[NetBuffer, ...] = internal(default=())
    in_flight: tuple[NetBuffer, ...] = internal(default=())
    written: int = internal(default=0)
    received: int = internal(default=0)

    @static
    def mine(self, thread: Thread) -> PacketShadow:
        """The shadow of that thread."""
        return shadow(self.shadows, thread)

    @observes(events.packet_offered)
    def on_offer(self, buffer: NetBuffer) -> None:
        mine = self.mine(current_thread())
        mine.sent = (*mine.sent, buffer)
        self.in_flight = (*self.in_flight, buffer)

    @observes(events.packet_settled)
    def on_settled(self, buffer: NetBuffer, status: Status) -> None:
        mine = self.mine(current_thread())
        self.in_flight = without(self.in_flight, buffer)
        if status != B_OK:
            mine.sent = without(mine.sent, buffer)
            if buffer in self.delivered:
                violated("refused-delivered", "a packet was refused and delivered all the same")

    @observes(events.read_began)
    def on_read_began(self, descriptor: FileDescriptor) -> None:
        self.mine(current_thread()).received_before = self.delivered

    @observes(events.read_returned)
    def on_read_returned(self, descriptor: FileDescriptor, status: Status) -> None:
        self.mine(current_thread()).received_before = ()

    @observes(events.packet_delivered)
    def on_delivery(self, buffer: NetBuffer, size: int) -> None:
        reached("a packet was delivered")
        earlier = self.mine(current_thread()).received_before
        if buffer in self.delivered:
            violated("packet-twice", "a packet is delivered twice")
        for sender in self.shadows:
            later = False
            for packet in sender.sent:
                if packet is buffer:
                    later = True
                elif later and packet in earlier:
                    violated("packets-reordered", "a packet overtook one that was sent before it")
        self.delivered = (*self.delivered, buffer)

    @observes(events.packet_discarded)
    def on_discard(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        self.discarded = (*self.discarded, buffer)

    @observes(events.copy_faulted)
    def on_fault(self, buffer: NetBuffer) -> None:
        self.faulted = (*self.faulted, buffer)

    @observes(events.write_returned)
    def on_write_returned(self, descriptor: FileDescriptor, status: Status) -> None:
        if status == B_OK:
            self.written += 1

    @observes(events.packet_received)
    def on_receive(self, buffer: NetBuffer) -> None:
        reached("a packet was delivered")
        self.received += 1


def packets(system: System) -> Packets:
    """The monitor of a system."""
    return Packets(shadows=tuple(PacketShadow(shadow_of=s.thread) for s in system.threads))


def packets_lost(view: View) -> Iterator[str]:
    """The packets of a quiescent state that are not in exactly one place."""
    if any(thread.pending and not thread.asleep for thread in view.threads):
        return
    monitor = view.monitor(Packets)
    devices: list[TunnelDevice] = [
        i.object for i in view.layout.instances.of_class(TunnelDevice) if view.is_alive(i)
    ]
    queued = [b for device in devices for b in view.value(device.send_queue, "buffers")]
    discarded = view.value(monitor, "discarded")
    gone = (*view.value(monitor, "delivered"), *discarded, *view.value(monitor, "faulted"))
    in_flight = view.value(monitor, "in_flight")
    sent = [packet for sender in monitor.shadows for packet in view.value(sender, "sent")]
    for sender in monitor.shadows:
        for packet in view.value(sender, "sent"):
            places = queued.count(packet) + gone.count(packet)
            if packet not in in_flight and places != 1:
                name = view.layout.instances.of(packet).name
                where = "nowhere" if places == 0 else f"in {places} places"
                yield f"{name} was accepted and is {where}"
    dropped = sum(packet not in sent for packet in discarded)
    waiting = sum(len(view.value(device.receive_queue, "buffers")) for device in devices)
    written, received = view.value(monitor, "written"), view.value(monitor, "received")
    writing = any(thread.entry == "write" for thread in view.threads)
    if not writing and written != received + waiting + dropped:
        yield (
            f"{written} packets were written; {received} were received, {waiting} wait and "
            f"{dropped} were dropped"
        )


PACKETS = Property(
    id="packets",
    title="Packets arrive in order, once, and none is lost without a rule.",
    statement="Of the packets of one sender, none is delivered to a read that began after a later "
    "one had been delivered. No packet is delivered twice. A packet that was accepted is, when "
    "nothing moves, in the queue, or was delivered, or was discarded by a named rule: the queue "
    "was emptied, or copying it to the application faulted. A packet that was refused was "
    "reported so to its sender and is not delivered. What was written and accepted reaches the "
    "stack once.",
    source="READ-1, READ-6, SEND-1, SEND-2, WRITE-1, DELIVER-1; tunnel.cpp:418-448; "
    "stack/utility.cpp:193-280",
    codes=frozenset({"packet-twice", "packets-reordered", "refused-delivered"}),
    judge=packets_lost,
    monitors=(packets,),
    witness=frozenset({"a packet was delivered"}),
)


@record
class OpenBegan:
    """The packets that lay in the queue when the open in which a thread is began."""

    shadow_of: Thread = final()
    queued: tuple[NetBuffer, ...] = internal(default=())


@record
class Freshness:
    """Remembers the packets that were queued before the current open began."""

    device: TunnelDevice = final()
    shadows: tuple[OpenBegan, ...] = final()
    stale: tuple[NetBuffer, ...] = internal(default=())

    @static
    def mine(self, thread: Thread) -> OpenBegan:
        """The shadow of that thread."""
        return shadow(self.shadows, thread)

    @observes(events.open_began)
    def on_open_began(self, name: DeviceName) -> None:
        self.mine(current_thread()).queued = self.device.send_queue.buffers

    @observes(events.open_returned)
    def on_open_returned(
        self, name: DeviceName, descriptor: FileDescriptor | None, status: Status
    ) -> None:
        mine = self.mine(current_thread())
        if status == B_OK:
            self.stale = mine.queued
            if mine.queued:
                reached("a device with queued packets was opened")
        mine.queued = ()

    @observes(events.packet_delivered)
    def on_delivery(self, buffer: NetBuffer, size: int) -> None:
        if buffer in self.stale:
            violated("stale-packet", "an application reads a packet that was queued before it came")


def freshness(system: System) -> Freshness | Nothing:
    """The monitor of a system."""
    device = only_device(system)
    if device is None:
        return Nothing()
    shadows = tuple(OpenBegan(shadow_of=s.thread) for s in system.threads)
    return Freshness(device=device, shadows=shadows)


OWN_PACKETS = Property(
    id="own-packets",
    title="An application reads only packets that were queued while it had the device open.",
    statement="No packet that lay in the send queue when an open began is delivered to a read of "
    "that open. A packet that comes while the open is in flight may or may not be. Scenarios with "
    "several devices say nothing.",
    source="OPEN-3; tunnel.cpp:92-133",
    codes=frozenset({"stale-packet"}),
    monitors=(freshness,),
    witness=frozenset({"a device with queued packets was opened"}),
)
