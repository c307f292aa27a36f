"""Conservation of packets, by numbers: what the identity of packets is given up for.

The property `packets` follows each packet of a small system. For any number of packets only their
numbers are left: how many were accepted, delivered, discarded, and are queued.
"""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers.tunnel import TunnelDevice
from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.language import System, final, internal, observes, reached, record
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Property


@record
class Ledger:
    """The numbers of packets from the stack to the application; `queued` are in the send queue."""

    queue: NetFifo = final()
    accepted: int = internal(default=0)
    queued: int = internal(default=0)
    delivered: int = internal(default=0)
    discarded: int = internal(default=0)

    @observes(events.packet_accepted)
    def on_accepted(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        if fifo is self.queue:
            self.accepted += 1
            self.queued += 1

    @observes(events.packet_taken)
    def on_taken(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        if fifo is self.queue:
            self.queued -= 1

    @observes(events.packet_discarded)
    def on_discarded(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        if fifo is self.queue:
            self.queued -= 1
            self.discarded += 1

    @observes(events.packet_delivered)
    def on_delivered(self, buffer: NetBuffer, size: int) -> None:
        reached("a packet was delivered")
        self.delivered += 1


def ledger(system: System) -> Ledger:
    """The monitor of a system."""
    device: TunnelDevice = Instances(system).of_class(TunnelDevice)[0].object
    return Ledger(queue=device.send_queue)


def unbalanced(view: View) -> Iterator[str]:
    """The numbers of a quiescent state that do not add up."""
    book = view.monitor(Ledger)
    accepted, queued = view.value(book, "accepted"), view.value(book, "queued")
    delivered, discarded = view.value(book, "delivered"), view.value(book, "discarded")
    if accepted != queued + delivered + discarded:
        yield (
            f"{accepted} packets were accepted; {delivered} were delivered, {discarded} discarded, "
            f"and {queued} are queued"
        )


CONSERVATION = Property(
    id="conservation",
    title="No packet is lost or made.",
    statement="When nothing moves, as many packets were accepted into the send queue as were "
    "delivered to reads, were discarded when the queue was emptied, or are still in it.",
    source="READ-1, SEND-1, SEND-2; stack/utility.cpp:193-298",
    judge=unbalanced,
    monitors=(ledger,),
    witness=frozenset({"a packet was delivered"}),
)
