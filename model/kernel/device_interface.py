"""Network interfaces: `ifconfig up` and `down`, and the thread that reads from the device.

Two records, as in the stack: the device interface (one per device) and the interface that users
configure. One address family is configured, so that one datalink protocol goes up and down.

The reader thread hands packets on through a second FIFO to a consumer thread. Neither is here:
the packet counts as received, and is freed, when the reader thread would put it there. That FIFO
is 16 MiB large and nothing ever waits to enter it.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.events import (
    down_began,
    down_returned,
    packet_received,
    up_began,
    up_returned,
)
from haiku_tuntap.model.kernel.hooks import (
    NetDevice,
    device_down,
    device_receive_data,
    device_up,
)
from haiku_tuntap.model.kernel.kernel_thread import KernelThread, snooze
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import final, free, part, primitive, procedure, record, violated
from haiku_tuntap.model.status import B_BAD_VALUE, B_DEVICE_NOT_FOUND, B_OK, Status

IFF_UP = 1


@record
class DeviceInterface:
    """net_device_interface (stack/device_interfaces.h).

    `up_count` is changed under the receive lock by up and without it by down, so no lock guards
    it. The receive lock is recursive in the source; nobody here takes it twice.
    """

    device: NetDevice = final()
    receive_lock: Mutex = part(factory=Mutex)
    up_count: Unguarded = part(factory=Unguarded)
    reader_thread: KernelThread = part(factory=KernelThread)


@record
class Interface:
    """Interface (stack/interfaces.h). `lock` is the stack's sLock, of which there is one."""

    device_interface: DeviceInterface = final()
    lock: Mutex = part(factory=Mutex)
    busy: Atomic = part(factory=Atomic)
    flags: Unguarded = part(factory=Unguarded)


@primitive(source="stack/device_interfaces.cpp:80-82")
def device_removed(device: NetDevice) -> None:
    """The stack removes an interface whose device says that it is gone; no tunnel is ever gone."""
    violated("device-removed", "the driver told the reader thread that its device is gone")


@procedure(source="stack/device_interfaces.cpp:48-93")
async def device_reader_thread(interface: DeviceInterface) -> None:
    """Receive packets while the device is up."""
    while await interface.device.flags.load() != 0:
        status, buffer = await device_receive_data(interface.device)
        if status == B_OK:
            assert buffer is not None
            packet_received(buffer)
            await free(buffer)
        elif status == B_DEVICE_NOT_FOUND:
            await device_removed(interface.device)
            return
        else:
            await snooze()


@procedure(source="stack/device_interfaces.cpp:533-547")
async def reader_thread_main(interface: DeviceInterface) -> None:
    """The service thread: in two lives it runs the reader thread's text."""
    for _ in range(2):
        await interface.reader_thread.wait_until_resumed()
        await device_reader_thread(interface)
        await interface.reader_thread.exit()


@procedure(source="stack/device_interfaces.cpp:517-551")
async def up_device_interface(interface: DeviceInterface) -> Status:
    """The first up starts the device and the reader thread."""
    async with interface.receive_lock:
        up_count = await interface.up_count.load()
        if up_count != 0:
            await interface.up_count.store(await interface.up_count.load() + 1)
            return B_OK
        status = await device_up(interface.device)
        if status != B_OK:
            return status
        await interface.reader_thread.spawn()
        await interface.device.flags.store(await interface.device.flags.load() | IFF_UP)
        await interface.reader_thread.resume()
        await interface.up_count.store(1)
        return B_OK


@procedure(source="stack/device_interfaces.cpp:554-588")
async def down_device_interface(interface: DeviceInterface) -> None:
    """Stop the device and wait for the reader thread. The receive lock is not held."""
    await interface.device.flags.store(await interface.device.flags.load() & ~IFF_UP)
    await device_down(interface.device)
    await interface.reader_thread.wait_for_exit()


@procedure(source="stack/datalink.cpp:724-744")
async def interface_protocol_down(interface: DeviceInterface) -> None:
    """The datalink protocol goes down; the last one takes the device with it."""
    if await interface.up_count.load() == 0:
        return
    await interface.up_count.store(await interface.up_count.load() - 1)
    if await interface.up_count.load() == 0:
        await down_device_interface(interface)


@procedure(source="stack/interfaces.cpp:1079-1124")
async def set_up(interface: Interface) -> Status:
    """Interface::_SetUp."""
    status = await up_device_interface(interface.device_interface)
    if status != B_OK:
        return status
    async with interface.lock:
        await interface.busy.store(1)
    await interface.flags.store(await interface.flags.load() | IFF_UP)
    await interface.busy.store(0)
    return B_OK


@procedure(source="stack/interfaces.cpp:936-958")
async def set_down(interface: Interface) -> None:
    """Interface::SetDown. It does not say so when it found the interface busy."""
    flags = await interface.flags.load()
    if flags & IFF_UP == 0:
        return
    async with interface.lock:
        if await interface.busy.load() == 1:
            return
        await interface.busy.store(1)
    await interface_protocol_down(interface.device_interface)
    await interface.flags.store(await interface.flags.load() & ~IFF_UP)
    await interface.busy.store(0)


@procedure(source="stack/interfaces.cpp:1441-1458")
async def is_available(interface: Interface) -> bool:
    """Whether get_interface finds the interface: not while it is busy."""
    async with interface.lock:
        busy = await interface.busy.load()
        return busy == 0


@procedure(source="stack/interfaces.cpp:749-782", call="up")
async def interface_up(interface: Interface) -> Status:
    """`ifconfig up`: SIOCSIFFLAGS with IFF_UP (stack/datalink.cpp:344-352)."""
    up_began(interface)
    status = B_BAD_VALUE
    if await is_available(interface):
        status = B_OK
        flags = await interface.flags.load()
        if flags & IFF_UP == 0:
            status = await set_up(interface)
        if status == B_OK:
            await interface.flags.store(await interface.flags.load() & IFF_UP)
    up_returned(interface, status)
    return status


@procedure(source="stack/interfaces.cpp:749-782", call="down")
async def interface_down(interface: Interface) -> Status:
    """`ifconfig down`: SIOCSIFFLAGS without IFF_UP (stack/datalink.cpp:344-352)."""
    down_began(interface)
    status = B_BAD_VALUE
    if await is_available(interface):
        status = B_OK
        flags = await interface.flags.load()
        if flags & IFF_UP != 0:
            await set_down(interface)
        await interface.flags.store(await interface.flags.load() & IFF_UP)
    down_returned(interface, status)
    return status
