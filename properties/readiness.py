"""select and poll report READ only if there was something to read."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TunnelDevice
from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.kernel.select import B_SELECT_READ, SelectInfo
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
)
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.devices import only_device
from haiku_tuntap.properties.property import Nothing, Property, shadow


@record
class SelectShadow:
    """Whether a thread is in select or poll, and whether the queue was non-empty meanwhile."""

    shadow_of: Thread = final()
    selecting: bool = internal(default=False)
    saw_packet: bool = internal(default=False)


@record
class Readiness:
    """Watches the send queue on behalf of everybody who selects."""

    device: TunnelDevice = final()
    shadows: tuple[SelectShadow, ...] = final()
    deleted: bool = internal(default=False)

    @static
    def mine(self, thread: Thread) -> SelectShadow:
        """The shadow of that thread."""
        return shadow(self.shadows, thread)

    @observes(events.select_began)
    def on_begin(self, info: SelectInfo, asked: int) -> None:
        mine = self.mine(current_thread())
        mine.selecting = True
        mine.saw_packet = self.deleted or len(self.device.send_queue.buffers) > 0

    @observes(events.packet_accepted)
    def on_packet(self, fifo: NetFifo, buffer: NetBuffer) -> None:
        for selector in self.shadows:
            if selector.selecting and fifo is self.device.send_queue:
                selector.saw_packet = True

    @observes(events.device_unpublished)
    def on_delete(self, name: DeviceName) -> None:
        self.deleted = True
        for selector in self.shadows:
            if selector.selecting:
                selector.saw_packet = True

    @observes(events.select_returned)
    def on_return(self, info: SelectInfo, happened: int, status: Status) -> None:
        mine = self.mine(current_thread())
        if happened & B_SELECT_READ != 0:
            reached("select reported READ")
            if not mine.saw_packet:
                violated("false-readiness", "select reports READ, and there never was a packet")
        mine.selecting = False
        mine.saw_packet = False


def readiness(system: System) -> Readiness | Nothing:
    """The monitor of a system."""
    device = only_device(system)
    if device is None:
        return Nothing()
    shadows = tuple(SelectShadow(shadow_of=s.thread) for s in system.threads)
    return Readiness(device=device, shadows=shadows)


HONEST_SELECT = Property(
    id="honest-select",
    title="select reports READ only if there was something to read.",
    statement="When select or poll reports READ, the send queue was non-empty at some instant of "
    "the call, or its device was being deleted and a read would not wait. (The queue may be empty "
    "again: another reader was faster.) A driver that replaces the enqueueing must emit "
    "packet_accepted.",
    source="SELECT-1, SELECT-3; POSIX select; tunnel.cpp:243-250, 433-436",
    codes=frozenset({"false-readiness"}),
    monitors=(readiness,),
    witness=frozenset({"select reported READ"}),
)
