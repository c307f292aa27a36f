"""Network interfaces: `ifconfig up` and `down`, and the thread that reads from the device.

Two records, as in the stack: the device interface (one per device) and the interface that users
configure. One address family is configured, so that one datalink protocol goes up and down.

The reader thread hands packets on through a second FIFO to a consumer thread. That FIFO is 16 MiB
large and nothing ever waits to enter it; so the packet counts as received when it is put there.
Where a scenario has no consumer thread, there is no second FIFO either, and the packet is freed.

How interfaces are made and deleted is in interface_life.py.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Atomic, Unguarded
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.devfs import DeviceName
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
from haiku_tuntap.model.kernel.net_fifo import NetFifo, fifo_dequeue_buffer, fifo_enqueue_buffer
from haiku_tuntap.model.language import final, free, part, primitive, procedure, record, violated
from haiku_tuntap.model.status import (
    B_BAD_VALUE,
    B_DEVICE_NOT_FOUND,
    B_INTERRUPTED,
    B_OK,
    Status,
)

IFF_UP = 1


@record
class DeviceInterface:
    """net_device_interface (stack/device_interfaces.h).

    `up_count` is changed under the receive lock by up and without it by down, so no lock guards
    it. The receive lock is recursive in the source; nobody here takes it twice. An interface that
    a scenario makes has no reader thread: it is never taken up.
    """

    device: NetDevice = final()
    receive_lock: Mutex = part(factory=Mutex)
    up_count: Unguarded = part(factory=Unguarded)
    ref_count: Atomic = part(factory=Atomic)
    receive_queue: NetFifo = part(factory=NetFifo)
    reader_thread: KernelThread | None = final(default=None)
    consumer_thread: KernelThread | None = final(default=None)


@record
class Interface:
    """Interface (stack/interfaces.h).

    `lock` is sLock, of which the stack has one. Here it is each interface's own, and only for
    `busy`; the list which it guards, too, has another (see interface_life.py). Nobody looks at
    both but for one test of `busy`, which is indivisible.
    """

    name: DeviceName | None = final(default=None)
    device_interface: DeviceInterface = final()
    references: Atomic = part(factory=Atomic)
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
    while await interface.device.flags.load() != 0:  # :55
        status, buffer = await device_receive_data(interface.device)  # :57
        if status == B_OK:  # :58
            assert buffer is not None
            await hand_on(interface, buffer)  # :72-79
        elif status == B_DEVICE_NOT_FOUND:  # :80
            await device_removed(interface.device)  # :81
            return  # :82
        else:
            await snooze()  # :88


@procedure(source="stack/device_interfaces.cpp:71-79")
async def hand_on(interface: DeviceInterface, buffer: NetBuffer) -> None:
    """Put a packet into the second FIFO, if there is one."""
    packet_received(buffer)  # :72
    if interface.consumer_thread is None:
        await free(buffer)
    else:
        status = await fifo_enqueue_buffer(interface.receive_queue, buffer)  # :72
        if status != B_OK:  # :73
            await free(buffer)  # :77


@procedure(source="stack/device_interfaces.cpp:533-547")
async def reader_thread_main(thread: KernelThread, interface: DeviceInterface) -> None:
    """The service thread: in two lives it runs the reader thread's text."""
    for _ in range(2):
        await thread.wait_until_resumed()  # :547
        await device_reader_thread(interface)  # :538
        await thread.exit()


@procedure(source="stack/device_interfaces.cpp:96-149")
async def device_consumer_thread(interface: DeviceInterface) -> None:
    """Take packets from the second FIFO while somebody has a reference to the interface.

    What the handlers do with a packet is left out: it is freed.
    """
    while await interface.ref_count.load() > 0:  # :103
        status, buffer = await fifo_dequeue_buffer(interface.receive_queue, wait=True)  # :104-105
        if status == B_OK:  # :106
            assert buffer is not None
            async with interface.receive_lock:  # :128
                pass  # :130-141
            await free(buffer)  # :145
        elif status != B_INTERRUPTED:  # :107
            return  # :109


@procedure(source="stack/device_interfaces.cpp:206-210")
async def consumer_thread_main(thread: KernelThread, interface: DeviceInterface) -> None:
    """The service thread, which has one life."""
    await thread.wait_until_resumed()  # :210
    await device_consumer_thread(interface)  # :206
    await thread.exit()


@procedure(source="stack/device_interfaces.cpp:533-547")
async def reader_thread_lives(thread: KernelThread, interface: DeviceInterface) -> None:
    """The service thread with any number of lives."""
    while True:
        await thread.wait_until_resumed()  # :547
        await device_reader_thread(interface)  # :538
        await thread.exit()


@procedure(source="stack/device_interfaces.cpp:517-551")
async def up_device_interface(interface: DeviceInterface) -> Status:
    """The first up starts the device and the reader thread."""
    async with interface.receive_lock:  # :522
        up_count = await interface.up_count.load()  # :524
        if up_count != 0:  # :524
            await interface.up_count.store(await interface.up_count.load() + 1)  # :525
            return B_OK  # :526
        status = await device_up(interface.device)  # :529
        if status != B_OK:  # :530
            return status  # :531
        assert interface.reader_thread is not None
        await interface.reader_thread.spawn()  # :538-539
        await interface.device.flags.store(await interface.device.flags.load() | IFF_UP)  # :544
        await interface.reader_thread.resume()  # :547
        await interface.up_count.store(1)  # :549
        return B_OK  # :550


@procedure(source="stack/device_interfaces.cpp:554-588")
async def down_device_interface(interface: DeviceInterface) -> None:
    """Stop the device and wait for the reader thread. The receive lock is not held."""
    await interface.device.flags.store(await interface.device.flags.load() & ~IFF_UP)  # :575
    await device_down(interface.device)  # :576
    assert interface.reader_thread is not None
    await interface.reader_thread.wait_for_exit()  # :586


@procedure(source="stack/datalink.cpp:724-744")
async def interface_protocol_down(interface: DeviceInterface) -> None:
    """The datalink protocol goes down; the last one takes the device with it."""
    if await interface.up_count.load() == 0:  # :733
        return  # :734
    await interface.up_count.store(await interface.up_count.load() - 1)  # :736
    if await interface.up_count.load() == 0:  # :740
        await down_device_interface(interface)  # :743


@procedure(source="stack/interfaces.cpp:1079-1124")
async def set_up(interface: Interface) -> Status:
    """Interface::_SetUp."""
    status = await up_device_interface(interface.device_interface)  # :1082
    if status != B_OK:  # :1083
        return status  # :1084
    async with interface.lock:  # :1086
        await interface.busy.store(1)  # :1087
    await interface.flags.store(await interface.flags.load() | IFF_UP)  # :1120
    await interface.busy.store(0)  # :1121
    return B_OK  # :1123


@procedure(source="stack/interfaces.cpp:936-958")
async def set_down(interface: Interface) -> None:
    """Interface::SetDown. It does not say so when it found the interface busy."""
    flags = await interface.flags.load()  # :939
    if flags & IFF_UP == 0:  # :939
        return  # :940
    async with interface.lock:  # :942
        if await interface.busy.load() == 1:  # :944
            return  # :945
        await interface.busy.store(1)  # :947
    await interface_protocol_down(interface.device_interface)  # :952
    await interface.flags.store(await interface.flags.load() & ~IFF_UP)  # :955
    await interface.busy.store(0)  # :957


@procedure(source="stack/interfaces.cpp:1441-1458")
async def is_available(interface: Interface) -> bool:
    """Whether get_interface finds the interface: not while it is busy."""
    async with interface.lock:  # :1444
        busy = await interface.busy.load()  # :1447
        return busy == 0  # :1447


@procedure(source="stack/interfaces.cpp:750-782")
async def control_up(interface: Interface) -> Status:
    """Interface::Control with SIOCSIFFLAGS and IFF_UP."""
    status = B_OK
    flags = await interface.flags.load()  # :761
    if flags & IFF_UP == 0:  # :761
        status = await set_up(interface)  # :763
    if status == B_OK:  # :768
        await interface.flags.store(await interface.flags.load() & IFF_UP)  # :771
    return status  # :781


@procedure(source="stack/interfaces.cpp:750-782")
async def control_down(interface: Interface) -> Status:
    """Interface::Control with SIOCSIFFLAGS, without IFF_UP."""
    flags = await interface.flags.load()  # :761
    if flags & IFF_UP != 0:  # :761
        await set_down(interface)  # :765
    await interface.flags.store(await interface.flags.load() & IFF_UP)  # :771
    return B_OK  # :781


@procedure(source="stack/interfaces.cpp:750-782", call="up")
async def interface_up(interface: Interface) -> Status:
    """`ifconfig up`: SIOCSIFFLAGS with IFF_UP (stack/datalink.cpp:344-352)."""
    up_began(interface)
    status = B_BAD_VALUE
    if await is_available(interface):
        status = await control_up(interface)
    up_returned(interface, status)
    return status  # :781


@procedure(source="stack/interfaces.cpp:750-782", call="down")
async def interface_down(interface: Interface) -> Status:
    """`ifconfig down`: SIOCSIFFLAGS without IFF_UP (stack/datalink.cpp:344-352)."""
    down_began(interface)
    status = B_BAD_VALUE
    if await is_available(interface):
        status = await control_down(interface)
    down_returned(interface, status)
    return status  # :781
