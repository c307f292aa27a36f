"""What scenarios are made of: a world with one device, and the register of scenarios."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.drivers.tunnel import (
    TunnelCookie,
    TunnelDevice,
    TunnelDevices,
    TunnelName,
)
from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.buffers import IPV4, NetBuffer
from haiku_tuntap.model.kernel.descriptors import FileDescriptor, FileSlot, FileTable
from haiku_tuntap.model.kernel.device_interface import (
    IFF_UP,
    DeviceInterface,
    Interface,
    reader_thread_main,
)
from haiku_tuntap.model.kernel.hooks import O_NONBLOCK
from haiku_tuntap.model.kernel.kernel_thread import KernelThread
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.kernel.select import SelectInfo
from haiku_tuntap.model.kernel.stack import send_packet
from haiku_tuntap.model.kernel.system_calls import (
    user_read,
    user_write,
)
from haiku_tuntap.model.language import Call, Chance, Procedure, System, ThreadSpec, call


@define(eq=False)
class World:
    """One device that exists, and whatever a scenario adds. A packet has size 1.

    `name` is what the device is opened by. It stays as long as the scenario, unless that begins
    with a `Life` (life_world.py), in which devices come and go.
    """

    driver: Driver
    capacity: int = 2
    is_tap: bool = False
    devices: TunnelDevices = field(init=False)
    device: TunnelDevice = field(init=False)
    name: TunnelName = field(init=False)
    roots: dict[str, object] = field(init=False, factory=dict)
    threads: list[ThreadSpec] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        resolve = self.driver.substitution.resolve
        self.devices = resolve(TunnelDevices)()
        self.device = self.make_device(is_tap=self.is_tap)
        self.devices.table = (self.device,)
        self.name = resolve(TunnelName)(driver=self.devices, fixed=self.device)
        self.roots["device"] = self.device
        self.roots["devices"] = self.devices

    def make_device(self, *, is_tap: bool) -> TunnelDevice:
        """A device that nobody has open."""
        resolve = self.driver.substitution.resolve
        return resolve(TunnelDevice)(
            devices=self.devices,
            is_tap=is_tap,
            send_queue=resolve(NetFifo)(max_bytes=self.capacity),
            receive_queue=resolve(NetFifo)(max_bytes=self.capacity),
        )

    def table(self, name: str = "files") -> FileTable:
        """The descriptors of one more application, with no file open."""
        table = self.driver.substitution.resolve(FileTable)()
        self.roots[name] = table
        return table

    def open_file(self, name: str = "files", *, flags: int = 0) -> FileSlot:
        """One more application, which has the device open as number 3."""
        resolve = self.driver.substitution.resolve
        slot = self.table(name).fd3
        self.device.open_count = Atomic(value=1)
        slot.descriptor = resolve(FileDescriptor)(
            cookie=resolve(TunnelCookie)(device=self.device, flags=Unguarded(value=flags)),
            nonblocking=flags & O_NONBLOCK != 0,
            ref_count=Atomic(value=1),
            open_count=Atomic(value=1),
        )
        return slot

    def interface_up(
        self, main: Procedure[[KernelThread, DeviceInterface], None] = reader_thread_main
    ) -> Interface:
        """The device's interface, which is up, and its reader thread, which runs `main`."""
        resolve = self.driver.substitution.resolve
        self.device.flags = Unguarded(value=IFF_UP)
        thread = resolve(KernelThread)(alive=True, resumed=True)
        self.roots["device interface.reader_thread"] = thread
        interface = resolve(Interface)(
            device_interface=resolve(DeviceInterface)(
                device=self.device,
                up_count=Unguarded(value=1),
                receive_queue=resolve(NetFifo)(),
                reader_thread=thread,
            ),
            flags=Unguarded(value=IFF_UP),
        )
        self.roots["interface"] = interface
        self.service("reader thread", call(main, thread, interface.device_interface))
        return interface

    def select_info(self, name: str) -> SelectInfo:
        """The sync object of one select or poll call."""
        info = self.driver.substitution.resolve(SelectInfo)()
        self.roots[name] = info
        return info

    def thread(
        self, name: str, *calls: Call, opens: int = 0, packets: int = 0, interfaces: int = 0
    ) -> ThreadSpec:
        """A thread that makes these calls, and may open files, make packets … that often."""
        pool: dict[type, int] = {}
        if opens:
            pool |= {TunnelCookie: opens, FileDescriptor: opens}
        if packets:
            pool |= {NetBuffer: packets}
        if interfaces:
            pool |= {TunnelDevice: interfaces, DeviceInterface: interfaces, Interface: interfaces}
        spec = ThreadSpec(name, calls, pool)
        self.threads.append(spec)
        return spec

    def service(self, name: str, main: Call) -> None:
        """A thread of the kernel's own."""
        self.threads.append(ThreadSpec(name, (main,), service=True))

    def reader(self, slot: FileSlot, name: str = "reader") -> ThreadSpec:
        """A thread that reads one packet."""
        return self.thread(name, call(user_read, slot))

    def sender(self, name: str = "sender", *, packets: int = 1, version: int = IPV4) -> ThreadSpec:
        """A thread of the stack that sends some packets, one after the other."""
        calls = (call(send_packet, self.device, 1, version),) * packets
        return self.thread(name, *calls, packets=packets)

    def writer(self, slot: FileSlot, *, packets: int = 1, version: int = IPV4) -> ThreadSpec:
        """A thread that writes some packets, one after the other."""
        calls = (call(user_write, slot, 1, version),) * packets
        return self.thread("writer", *calls, packets=packets)


@frozen
class Scenario:
    """A system of threads that can be built for any driver.

    What `bounds` does not name does not happen: signals, failing allocations, faulting copies.
    """

    name: str
    title: str
    family: str
    bounds: str
    populate: Callable[[World], None]
    chances: frozenset[Chance] = frozenset()
    capacity: int = 2
    is_tap: bool = False

    def build(self, driver: Driver) -> System:
        """The system, with that driver."""
        world = World(driver, capacity=self.capacity, is_tap=self.is_tap)
        self.populate(world)
        return System(
            name=self.name,
            roots=world.roots,
            threads=tuple(world.threads),
            substitution=driver.substitution,
            chances=self.chances,
        )


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str,
    *,
    family: str,
    bounds: str,
    chances: frozenset[Chance] = frozenset(),
    capacity: int = 2,
    is_tap: bool = False,
) -> Callable[[Callable[[World], None]], Scenario]:
    """Declare a scenario; the docstring of the function is its title."""

    def declare(populate: Callable[[World], None]) -> Scenario:
        title = (populate.__doc__ or "").strip()
        bound = f"{bounds}; queues of {capacity}"
        made = Scenario(name, title, family, bound, populate, chances, capacity, is_tap)
        SCENARIOS[name] = made
        return made

    return declare


def scenario_named(name: str) -> Scenario:
    """The scenario of that name."""
    if name not in SCENARIOS:
        raise LookupError(f"there is no scenario named {name}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
