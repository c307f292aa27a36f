"""Simulating: a small workload on one device, and real bytes for the packets that cross it.

An application reads and writes, the stack sends, and the interface's reader thread takes what was
written. The driver's model is run by a scheduler that draws each step evenly, from a seed; it is
a simulation of one run and proves nothing.

To the model a packet is a record with a size. Here each packet of the workload has a length of its
own, by which it is recognised again, and real bytes, which go through the framing text
(`model/packet/`). The driver's model decides what is accepted and when; the framing decides which
bytes come out. Where the two disagree about a packet, the log says so.

Time is simulated: a step takes one millisecond.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from enum import Enum
from functools import cache
from random import Random
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.buffers import IPV4, IPV6, NOT_IP, NetBuffer
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.stack import send_packet
from haiku_tuntap.model.kernel.system_calls import user_read, user_write
from haiku_tuntap.model.language import Event, System, call
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.model.language.running import Running
from haiku_tuntap.model.packet import (
    QUEUE_BYTES,
    TAP,
    TUN,
    Framing,
    Kind,
    read,
    transmit,
    write,
)
from haiku_tuntap.model.packet.framing import ETHERNET_HEADER, TYPE_ARP, TYPE_IPV4, TYPE_IPV6
from haiku_tuntap.model.scenarios.world import World
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.loading import explain_failure, is_shipped, spec_of

MICROSECONDS_PER_STEP = 1000
STEP_LIMIT = 10_000
ROOM_OF_A_READ = 65536

# --- packets ----------------------------------------------------------------------------------

STACK_HARDWARE = bytes.fromhex("020000000001")
APPLICATION_HARDWARE = bytes.fromhex("020000000002")
STACK_IPV4, APPLICATION_IPV4 = "10.0.0.1", "10.0.0.2"
STACK_IPV6, APPLICATION_IPV6 = "fd00::1", "fd00::2"

_ICMP, _UDP, _ICMP_FOR_IPV6 = 1, 17, 58
_TIME_TO_LIVE = 64


def internet_checksum(data: bytes) -> int:
    """The checksum of IPv4, ICMP and UDP (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def ipv4(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """An IPv4 packet without options."""
    length = 20 + len(payload)
    addresses = _address(source) + _address(destination)
    head = struct.pack("!BBHHHBB", 0x45, 0, length, 0, 0, _TIME_TO_LIVE, protocol)
    checksum = internet_checksum(head + addresses)
    return head + struct.pack("!H", checksum) + addresses + payload


def echo(source: str, destination: str, *, reply: bool, size: int) -> bytes:
    """An ICMP echo request, or the reply to one, that carries `size` bytes."""
    head, tail = bytes([0 if reply else 8, 0]), struct.pack("!HH", 7, 1) + _filling(size)
    checksum = internet_checksum(head + bytes(2) + tail)
    return ipv4(source, destination, _ICMP, head + struct.pack("!H", checksum) + tail)


def echo_for_ipv6(source: str, destination: str, *, size: int) -> bytes:
    """An ICMPv6 echo request that carries `size` bytes."""
    head, tail = bytes([128, 0]), struct.pack("!HH", 7, 1) + _filling(size)
    addresses = _address(source) + _address(destination)
    length = 8 + size
    pseudo_header = addresses + struct.pack("!II", length, _ICMP_FOR_IPV6)
    checksum = internet_checksum(pseudo_header + head + bytes(2) + tail)
    message = head + struct.pack("!H", checksum) + tail
    return (
        struct.pack("!IHBB", 6 << 28, length, _ICMP_FOR_IPV6, _TIME_TO_LIVE) + addresses + message
    )


def udp(source: str, destination: str, *, size: int) -> bytes:
    """A UDP datagram that carries `size` bytes."""
    length = 8 + size
    head, tail = struct.pack("!HHH", 40000, 40001, length), _filling(size)
    pseudo_header = _address(source) + _address(destination) + struct.pack("!HH", _UDP, length)
    checksum = internet_checksum(pseudo_header + head + bytes(2) + tail) or 0xFFFF
    return ipv4(source, destination, _UDP, head + struct.pack("!H", checksum) + tail)


def arp(source: bytes, source_address: str, target: bytes, target_address: str) -> bytes:
    """An ARP request, if the target's hardware address is zeros; else a reply."""
    operation = 2 if any(target) else 1
    return (
        struct.pack("!HHBBH", 1, TYPE_IPV4, 6, 4, operation)
        + source
        + _address(source_address)
        + target
        + _address(target_address)
    )


def _filling(size: int) -> bytes:
    return bytes(index & 0xFF for index in range(size))


class Direction(Enum):
    """Which way a packet goes."""

    TO_STACK = "application → stack"
    TO_APPLICATION = "stack → application"


@frozen
class Crossing:
    """What the framing text says of a packet: its verdict, and the bytes on the other side."""

    status: Status
    data: bytes
    handled: bool | None = None


@frozen
class WorkloadPacket:
    """One packet of the workload, as the application writes or would read it."""

    number: int
    direction: Direction
    frame_type: int
    data: bytes

    @property
    def version(self) -> int:
        """What the driver's model looks at (see NetBuffer)."""
        return {TYPE_IPV4: IPV4, TYPE_IPV6: IPV6}.get(self.frame_type, NOT_IP)


@cache
def cross(framing: Framing, packet: WorkloadPacket) -> Crossing:
    """Send a packet's bytes through the framing text, with both queues empty."""
    if packet.direction is Direction.TO_STACK:
        written = write(framing, packet.data)
        return Crossing(written.status, written.captured or packet.data, written.handled)
    size = ETHERNET_HEADER if framing.kind is Kind.TAP else 0
    header, payload = packet.data[:size], packet.data[size:]
    status, buffer = transmit(framing, packet.frame_type, payload, header)
    received = read(framing, packet.frame_type, buffer, ROOM_OF_A_READ)
    return Crossing(status, received.data)


@cache
def workload(framing: Framing) -> tuple[WorkloadPacket, ...]:
    """The packets: some that pass, some that must be refused, each of another length."""
    # Above what any queue holds, and below what IPv4 can say of its length.
    too_large = QUEUE_BYTES + 100
    request = arp(APPLICATION_HARDWARE, APPLICATION_IPV4, bytes(6), STACK_IPV4)
    answer = arp(STACK_HARDWARE, STACK_IPV4, APPLICATION_HARDWARE, APPLICATION_IPV4)
    to_stack = [
        (TYPE_ARP, request),
        (TYPE_IPV4, echo(APPLICATION_IPV4, STACK_IPV4, reply=False, size=56)),
        (TYPE_IPV4, udp(APPLICATION_IPV4, STACK_IPV4, size=120)),
        (TYPE_IPV6, echo_for_ipv6(APPLICATION_IPV6, STACK_IPV6, size=40)),
        (TYPE_IPV4, udp(APPLICATION_IPV4, STACK_IPV4, size=too_large)),
    ]
    to_application = [
        (TYPE_ARP, answer + bytes(18)),  # padded, as Ethernet's shortest frame is
        (TYPE_IPV4, echo(STACK_IPV4, APPLICATION_IPV4, reply=True, size=57)),
        (TYPE_IPV4, udp(STACK_IPV4, APPLICATION_IPV4, size=200)),
        (TYPE_IPV4, udp(STACK_IPV4, APPLICATION_IPV4, size=1400)),
        (TYPE_IPV4, udp(STACK_IPV4, APPLICATION_IPV4, size=too_large + 1)),
    ]
    made: list[WorkloadPacket] = []
    for direction, packets in (
        (Direction.TO_STACK, to_stack),
        (Direction.TO_APPLICATION, to_application),
    ):
        for frame_type, packet in packets:
            header = _ethernet_header(direction, frame_type) if framing.kind is Kind.TAP else b""
            made.append(WorkloadPacket(len(made) + 1, direction, frame_type, header + packet))
    return tuple(made)


def _ethernet_header(direction: Direction, frame_type: int) -> bytes:
    source, destination = APPLICATION_HARDWARE, STACK_HARDWARE
    if direction is Direction.TO_APPLICATION:
        source, destination = destination, source
    elif frame_type == TYPE_ARP:
        destination = b"\xff" * 6  # a request goes to everybody
    return destination + source + struct.pack("!H", frame_type)


# --- the run ----------------------------------------------------------------------------------


@frozen
class Entry:
    """A line of the log: in that step, this became of a packet, or of a call without one.

    `status` is what the driver returned, if that was an error; `crossing` is what the framing text
    says of the packet, where its fate was decided.
    """

    step: int
    packet: WorkloadPacket | None
    what: str
    status: Status = B_OK
    crossing: Crossing | None = None


@define(eq=False)
class Simulation(Running):
    """A run that keeps a log of its packets and their bytes; see the module's essay."""

    framing: Framing = field(kw_only=True)
    packets: tuple[WorkloadPacket, ...] = field(kw_only=True)
    entries: list[Entry] = Factory(list)
    captured: list[tuple[int, bytes]] = Factory(list)
    refused: set[int] = Factory(set)
    crossed: set[int] = Factory(set)
    _writes: int = field(init=False, default=0)

    def run(self, rng: Random) -> None:
        """Take steps, each drawn evenly, until nobody can or the limit is reached."""
        threads = range(len(self.system.threads))
        while not self.stopped:
            enabled = [(t, c) for t in threads for c in range(len(self.choices(t)))]
            if not enabled:
                return
            self.step(*rng.choice(enabled))

    @property
    def stopped(self) -> bool:
        """Whether the run was ended by the limit and not by itself."""
        return len(self.schedule) >= STEP_LIMIT

    @property
    def steps_by_thread(self) -> dict[str, int]:
        """How many steps each thread has taken."""
        taken = [thread for thread, _ in self.schedule]
        return {spec.name: taken.count(t) for t, spec in enumerate(self.system.threads)}

    @property
    def asleep(self) -> list[str]:
        """Who sleeps inside a call and will not be woken; a service thread may sleep always."""
        if self.over or self.stopped:
            return []
        return [
            f"{spec.name} sleeps in {self.pending(index)}"
            for index, spec in enumerate(self.system.threads)
            if not spec.service and self.kind(index) is LocationKind.BLOCKED
        ]

    @property
    def left(self) -> list[WorkloadPacket]:
        """The packets that neither crossed nor were refused."""
        return [p for p in self.packets if p.number not in self.refused | self.crossed]

    def emit(self, event: Event[Any], args: tuple[Any, ...]) -> None:
        """Hear an event of the kernel, after the monitors."""
        super().emit(event, args)
        if (listener := _LISTENERS.get(event)) is not None:
            listener(self, *args)

    def offered(self, buffer: NetBuffer) -> None:
        """The stack hands a packet to the driver."""
        if (packet := self._known(buffer)) is not None:
            self._log(packet, "sends")

    def settled(self, buffer: NetBuffer, status: Status) -> None:
        """The driver has taken it or not."""
        packet = self._known(buffer)
        if packet is not None and status != B_OK:
            self._refuse(packet, status)

    def delivered(self, buffer: NetBuffer, size: int) -> None:
        """The application has read a packet."""
        if (packet := self._known(buffer)) is not None:
            self._cross(packet)

    def write_begins(self, descriptor: FileDescriptor) -> None:
        """The application writes its next packet."""
        self._log(self._of(Direction.TO_STACK)[self._writes], "writes")
        self._writes += 1

    def write_ends(self, descriptor: FileDescriptor, status: Status) -> None:
        """The application is told what became of it."""
        if status != B_OK:
            self._refuse(self._of(Direction.TO_STACK)[self._writes - 1], status)

    def read_ends(self, descriptor: FileDescriptor, status: Status) -> None:
        """A read is over; if it gave a packet, that was logged."""
        if status != B_OK:
            self._log(None, "reads nothing", status)

    def received(self, buffer: NetBuffer) -> None:
        """The interface's reader thread has handed a packet to the stack."""
        if (packet := self._known(buffer)) is not None:
            self._cross(packet)

    def _of(self, direction: Direction) -> list[WorkloadPacket]:
        return [packet for packet in self.packets if packet.direction is direction]

    def _known(self, buffer: NetBuffer) -> WorkloadPacket | None:
        for packet in self.packets:
            if len(packet.data) == buffer.size:
                return packet
        self._log(None, f"a packet of {buffer.size:,} bytes appears, which nobody has sent")
        return None

    def _log(
        self,
        packet: WorkloadPacket | None,
        what: str,
        status: Status = B_OK,
        crossing: Crossing | None = None,
    ) -> None:
        self.entries.append(Entry(len(self.schedule), packet, what, status, crossing))

    def _refuse(self, packet: WorkloadPacket, status: Status) -> None:
        self.refused.add(packet.number)
        self._log(packet, "refused", status, cross(self.framing, packet))

    def _cross(self, packet: WorkloadPacket) -> None:
        crossing = cross(self.framing, packet)
        self.crossed.add(packet.number)
        self.captured.append((len(self.schedule) * MICROSECONDS_PER_STEP, crossing.data))
        self._log(packet, "arrives", crossing=crossing)


_LISTENERS: dict[Event[Any], Callable[..., None]] = {
    events.packet_offered: Simulation.offered,
    events.packet_settled: Simulation.settled,
    events.packet_delivered: Simulation.delivered,
    events.packet_received: Simulation.received,
    events.write_began: Simulation.write_begins,
    events.write_returned: Simulation.write_ends,
    events.read_returned: Simulation.read_ends,
}


def simulate(driver: Driver, *, tap: bool = False, seed: int = 0) -> Simulation:
    """Run the workload once with that driver."""
    framing = TAP if tap else TUN
    packets = workload(framing)
    try:
        simulation = Simulation(_system(driver, framing, packets), framing=framing, packets=packets)
        simulation.run(Random(seed))
    except Exception as error:
        if is_shipped(driver):
            raise
        raise explain_failure(error, spec_of(driver)) from error
    return simulation


def _system(driver: Driver, framing: Framing, packets: tuple[WorkloadPacket, ...]) -> System:
    world = World(driver, capacity=QUEUE_BYTES, is_tap=framing.kind is Kind.TAP)
    slot = world.open_file()
    world.interface_up()
    writes = [p for p in packets if p.direction is Direction.TO_STACK]
    sends = [p for p in packets if p.direction is Direction.TO_APPLICATION]
    # As many reads as there will be packets: one more would wait for ever.
    reads = sum(cross(framing, packet).status == B_OK for packet in sends)
    world.thread("reader", *[call(user_read, slot)] * reads)
    write_calls = [call(user_write, slot, len(p.data), p.version) for p in writes]
    world.thread("writer", *write_calls, packets=len(writes))
    send_calls = [call(send_packet, world.device, len(p.data), p.version) for p in sends]
    world.thread("stack", *send_calls, packets=len(sends))
    return System(
        name="simulate",
        roots=world.roots,
        threads=tuple(world.threads),
        substitution=driver.substitution,
    )
