"""A world in which devices come and go: the stack's lists, the driver's module, and names."""

from __future__ import annotations

from attrs import define, field

from haiku_tuntap.model.drivers.tunnel import TunnelDevice, TunnelName
from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.devfs import NameBuffer
from haiku_tuntap.model.kernel.device_interface import (
    IFF_UP,
    DeviceInterface,
    Interface,
    consumer_thread_main,
    reader_thread_main,
)
from haiku_tuntap.model.kernel.interface_life import Stack
from haiku_tuntap.model.kernel.kernel_thread import KernelThread
from haiku_tuntap.model.kernel.modules import Module
from haiku_tuntap.model.kernel.net_fifo import NetFifo
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios.world import World

IF_NAMESIZE = 32  # headers/posix/net/if.h:12


@define(eq=False)
class Life:
    """What a scenario about the life of interfaces has beside its world.

    The first interface that exists from the start has the world's device, which `open_file` opens.
    """

    world: World
    stack: Stack = field(init=False)
    existing: list[Interface] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        resolve = self.world.driver.substitution.resolve
        self.stack = resolve(Stack)(module=resolve(Module)(driver=self.world.devices))
        del self.world.roots["device"]
        self.world.devices.table = ()
        self.world.roots["stack"] = self.stack
        self.world.roots["module"] = self.stack.module

    def name(self, text: str) -> TunnelName:
        """A name below /dev, under which nothing is published yet."""
        made = self.world.driver.substitution.resolve(TunnelName)(
            driver=self.world.devices,
            is_tap=text.startswith("tap/"),
            valid=text.startswith(("tap/", "tun/")),
            too_long=len(text) >= IF_NAMESIZE,
        )
        self.world.roots[text] = made
        return made

    def interface(
        self, name: TunnelName, *, up: bool = False, reader: bool = False, consumer: bool = False
    ) -> Interface:
        """An interface that exists from the start, with its device.

        It has a reader thread if it is `up` or may go up (`reader`), and a consumer thread only
        if the scenario is about that.
        """
        resolve = self.world.driver.substitution.resolve
        first = not self.existing
        device = self.world.device if first else self.world.make_device(is_tap=name.is_tap)
        device.name = NameBuffer(value=name)
        device.flags = Unguarded(value=IFF_UP if up else 0)
        suffix = "" if first else f" {len(self.existing) + 1}"
        self.world.roots[f"device{suffix}"] = device
        reader_thread = resolve(KernelThread)(alive=up, resumed=up)
        self.world.roots[f"device interface{suffix}.reader_thread"] = reader_thread
        consumer_thread = None
        if consumer:
            consumer_thread = resolve(KernelThread)(alive=True, resumed=True)
            self.world.roots[f"device interface{suffix}.consumer_thread"] = consumer_thread
        device_interface = resolve(DeviceInterface)(
            device=device,
            up_count=Unguarded(value=int(up)),
            ref_count=Atomic(value=1),
            receive_queue=resolve(NetFifo)(),
            reader_thread=reader_thread,
            consumer_thread=consumer_thread,
        )
        made = resolve(Interface)(
            name=name,
            device_interface=device_interface,
            references=Atomic(value=1),
            flags=Unguarded(value=IFF_UP if up else 0),
        )
        self.world.roots[f"interface{suffix}"] = made
        self._register(name, device, made)
        if up or reader:
            main = call(reader_thread_main, reader_thread, device_interface)
            self.world.service(f"reader thread{suffix}", main)
        if consumer_thread is not None:
            main = call(consumer_thread_main, consumer_thread, device_interface)
            self.world.service(f"consumer thread{suffix}", main)
        return made

    def _register(self, name: TunnelName, device: TunnelDevice, interface: Interface) -> None:
        """Put an interface and its device where making them would have put them."""
        devices, stack = self.world.devices, self.stack
        devices.table = (*devices.table, device)
        name.published = True
        stack.module.references += 1
        stack.device_interfaces = (*stack.device_interfaces, interface.device_interface)
        stack.interfaces = (*stack.interfaces, interface)
        self.existing.append(interface)
        roots = self.world.roots
        names = [root for root, value in roots.items() if isinstance(value, TunnelName)]
        for root in ("devices", *names, "stack", "module"):
            roots[root] = roots.pop(root)  # last, so that what they refer to has its name
