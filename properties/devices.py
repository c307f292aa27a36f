"""The devices of a system: which there are from the start, and what becomes of each.

A device that a scenario makes is told from the others by its record, which is never used again
after it was freed.
"""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.model.drivers.tunnel import TunnelDevice, TunnelDevices
from haiku_tuntap.model.kernel import events
from haiku_tuntap.model.kernel.descriptors import FileDescriptor
from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.hooks import NetDevice
from haiku_tuntap.model.kernel.modules import Module
from haiku_tuntap.model.kernel.select import SelectInfo
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
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.status import B_OK, Status
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Nothing, Property, shadow


def only_device(system: System) -> TunnelDevice | None:
    """The one device of a system; None where there is none at first, or may be several."""
    devices = Instances(system).of_class(TunnelDevice)
    if len(devices) != 1 or devices[0].from_pool:
        return None
    device: TunnelDevice = devices[0].object
    return device


@record
class HookShadow:
    """Whether a thread is inside a read, write, select or open, and will be in the driver again."""

    shadow_of: Thread = final()
    inside: bool = internal(default=False)


@record
class Devices:
    """Knows which devices the stack has, which it has abandoned, and whether the code is loaded."""

    shadows: tuple[HookShadow, ...] = final()
    existing: tuple[NetDevice, ...] = internal(default=())
    abandoned: tuple[NetDevice, ...] = internal(default=())
    unloaded: bool = internal(default=False)

    @static
    def mine(self, thread: Thread) -> HookShadow:
        """The shadow of that thread."""
        return shadow(self.shadows, thread)

    @observes(events.device_made)
    def on_made(self, device: NetDevice) -> None:
        reached("a device was made")
        self.existing = (*self.existing, device)

    @observes(events.device_abandoned)
    def on_abandoned(self, device: NetDevice) -> None:
        reached("a device was abandoned")
        self.existing = without(self.existing, device)
        self.abandoned = (*self.abandoned, device)

    @observes(events.module_loaded)
    def on_load(self, module: Module) -> None:
        self.unloaded = False

    @observes(events.module_unloaded)
    def on_unload(self, module: Module) -> None:
        self.unloaded = True
        for thread in self.shadows:
            if thread.inside:
                violated("unloaded-code", "the driver is unloaded while a call is inside")

    @observes(events.open_began)
    def on_open(self, name: DeviceName) -> None:
        reached("a hook was called")
        self.mine(current_thread()).inside = True
        if self.unloaded:
            violated("unloaded-code", "the open hook is called after the driver was unloaded")

    @observes(events.open_hook_returned)
    def on_opened(self, name: DeviceName, status: Status) -> None:
        self.mine(current_thread()).inside = False
        if status == B_OK:
            reached("the driver opened a device")
            if not name.published:
                violated("open-unpublished", "an open succeeds on a device that is not published")

    @observes(events.file_used)
    def on_use(self, made_on: FileDescriptor, descriptor: FileDescriptor) -> None:
        reached("a hook was called")
        self.mine(current_thread()).inside = True
        if self.unloaded:
            violated("unloaded-code", "read or write is called after the driver was unloaded")

    @observes(events.read_returned)
    def on_read(self, descriptor: FileDescriptor, status: Status) -> None:
        self.mine(current_thread()).inside = False

    @observes(events.write_returned)
    def on_write(self, descriptor: FileDescriptor, status: Status) -> None:
        self.mine(current_thread()).inside = False

    @observes(events.select_watches)
    def on_select(self, info: SelectInfo, descriptor: FileDescriptor) -> None:
        reached("a hook was called")
        self.mine(current_thread()).inside = True
        if self.unloaded:
            violated("unloaded-code", "the select hook is called after the driver was unloaded")

    @observes(events.select_returned)
    def on_selected(self, info: SelectInfo, happened: int, status: Status) -> None:
        self.mine(current_thread()).inside = False

    @observes(events.file_closed)
    def on_close(self, descriptor: FileDescriptor) -> None:
        reached("a hook was called")
        if self.unloaded:
            violated("unloaded-code", "the close hook is called after the driver was unloaded")

    @observes(events.file_freed)
    def on_free(self, descriptor: FileDescriptor) -> None:
        if self.unloaded:
            violated("unloaded-code", "the free hook is called after the driver was unloaded")


def devices(system: System) -> Devices | Nothing:
    """The monitor of a system in which devices come or go."""
    instances = Instances(system)
    if not instances.of_class(Module):
        return Nothing()
    there = [i.object for i in instances.of_class(TunnelDevice) if not i.from_pool]
    shadows = tuple(HookShadow(shadow_of=s.thread) for s in system.threads)
    return Devices(shadows=shadows, existing=tuple(there))


def abandoned(view: View) -> tuple[NetDevice, ...]:
    """The devices of which the stack knows nothing any more."""
    for monitor in view.layout.system.monitors:
        if isinstance(monitor, Devices):
            found: tuple[NetDevice, ...] = view.value(monitor, "abandoned")
            return found
    return ()


def dangling(view: View) -> Iterator[str]:
    """What the table of a quiescent state holds and must not."""
    instances = view.layout.instances
    for table in instances.of_class(TunnelDevices):
        for device in view.value(table.object, "table"):
            if not view.is_alive(instances.of(device)):
                yield f"the table still holds {instances.of(device).name}, which was freed"


def not_given_back(view: View) -> Iterator[str]:
    """What is still held for a device that does not exist, when no call is pending."""
    instances = view.layout.instances
    modules = [i.object for i in instances.of_class(Module)]
    if not modules or any(thread.pending for thread in view.threads):
        return
    existing = view.value(view.monitor(Devices), "existing")
    names = [view.value(device.name, "value") for device in existing]
    for table in instances.of_class(TunnelDevices):
        for device in view.value(table.object, "table"):
            if device not in existing:
                yield f"{instances.of(device).name} keeps its slot, and no interface has it"
    for name in instances.of_class(DeviceName):
        if view.value(name.object, "published") and name.object not in names:
            yield f"{name.name} is still published, and no interface has that name"
    references = view.value(modules[0], "references")
    if references != len(existing):
        yield f"the driver's module has {references} references for {len(existing)} devices"


OPEN_DEVICE = Property(
    id="open-device",
    title="An open that succeeds gets a device that is there.",
    statement="When the driver's open hook returns B_OK, a device is published under the name: it "
    "was made to the end, and is not deleted. (What becomes of an open file whose device is "
    "deleted later, no-lost-wakeup and ownership say: its calls end, and it never gets to another "
    "device.)",
    source="OPEN-7; tunnel.cpp:92-111, 280-391",
    codes=frozenset({"open-unpublished"}),
    monitors=(devices,),
    witness=frozenset({"the driver opened a device"}),
)

LOADED_CODE = Property(
    id="loaded-code",
    title="No code of the driver is called or left running after it was unloaded.",
    statement="No hook is called after the last reference to the driver's module was dropped, and "
    "none is dropped as the last while a thread is inside a call on one of the driver's files. "
    "(Open, read, write, select, close and free are looked at.)",
    source="DELETE-5; kernel/module.cpp:2262-2281; stack/device_interfaces.cpp:409-410",
    codes=frozenset({"unloaded-code"}),
    monitors=(devices,),
    witness=frozenset({"a hook was called"}),
)

DEVICE_TABLE = Property(
    id="device-table",
    title="The driver's table holds only devices that are there.",
    statement="Nobody who searches the table reads a name that was not written yet, and when "
    "nothing moves the table holds no device that was freed.",
    source="CREATE-3, CREATE-4; tunnel.cpp:64-80, 303-358",
    codes=frozenset({"uninitialized"}),
    judge=dangling,
    monitors=(devices,),
    witness=frozenset({"a device was made", "a device was abandoned"}),
)

GIVEN_BACK = Property(
    id="given-back",
    title="What a device held is given back when it is deleted, or could not be made.",
    statement="When no call is pending, each device in the driver's table and each name that is "
    "published belongs to a device that the stack has, and the driver's module has one reference "
    "for each of those. (Memory is ownership's.)",
    source="CREATE-2, DELETE-3; tunnel.cpp:280-391; stack/device_interfaces.cpp:387-495",
    judge=not_given_back,
    monitors=(devices,),
    witness=frozenset({"a device was made", "a device was abandoned"}),
)
