"""How interfaces are made and deleted, and who keeps what alive.

Two things are counted. An *interface* is what users configure; its references are the stack's list,
and every ioctl while it runs. A *device interface* stands between it and the driver; its references
are the interface, and whoever is just making one. When the last reference to the interface goes,
its destructor puts the device interface, and when that was the last reference, too, the device
interface is torn down in the middle of whatever the thread was doing: FIFO, consumer thread,
device, module, memory, in this order.

Left out: addresses and routes (they hold references to the interface, too, but only as long as it
has them, and nobody sends here), monitors, and that a packet in the second FIFO may hold a
reference. `SIOCAIFADDR`, which makes an interface by adding an address, is called `create` here,
and `SIOCDIFADDR` without an address `delete`.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.devfs import DeviceName
from haiku_tuntap.model.kernel.device_interface import (
    IFF_UP,
    DeviceInterface,
    Interface,
    control_down,
    control_up,
    set_down,
)
from haiku_tuntap.model.kernel.events import device_abandoned, device_made
from haiku_tuntap.model.kernel.hooks import NetDevice, device_init, device_uninit
from haiku_tuntap.model.kernel.modules import Module, get_module, put_module
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.net_fifo import init_fifo, uninit_fifo
from haiku_tuntap.model.language import (
    Chance,
    allocate,
    final,
    free,
    guarded_by,
    happens,
    part,
    primitive,
    procedure,
    record,
    violated,
    without,
)
from haiku_tuntap.model.status import (
    B_BAD_VALUE,
    B_DEVICE_NOT_FOUND,
    B_NAME_IN_USE,
    B_NO_MEMORY,
    B_OK,
    Status,
)

DEVICE_INTERFACE_ALLOCATION = Chance(
    "device interface allocation", "There is no memory for a device interface."
)
THREAD_CREATION = Chance("thread creation", "There is no memory for the consumer thread.")
INTERFACE_ALLOCATION = Chance("interface allocation", "There is no memory for an interface.")
ADDRESS_ALLOCATION = Chance(
    "address allocation", "There is no memory for an interface's first address or its protocols."
)


@record
class Stack:
    """The lists of the network stack, with their locks, and the module of the one driver.

    `device_lock` is sLock of device_interfaces.cpp (39), `lock` that of interfaces.cpp (82).
    """

    module: Module = final()
    device_lock: Mutex = part(factory=Mutex)
    device_interfaces: tuple[DeviceInterface, ...] = guarded_by("device_lock", default=())
    lock: Mutex = part(factory=Mutex)
    interfaces: tuple[Interface, ...] = guarded_by("lock", default=())


# --- device interfaces ----------------------------------------------------------------------------


@procedure(source="stack/device_interfaces.cpp:164-176")
async def find_device_interface(stack: Stack, name: DeviceName) -> DeviceInterface | None:
    """Search the list for a name. Its lock is held."""
    for interface in stack.device_interfaces:  # :170
        if await interface.device.name.equals(name):  # :171
            return interface  # :172
    return None  # :175


@procedure(source="stack/device_interfaces.cpp:179-227")
async def allocate_device_interface(stack: Stack, device: NetDevice) -> DeviceInterface | None:
    """Put a device interface around a device that was just made. The list's lock is held."""
    interface = await allocate(  # :182
        DeviceInterface, may_fail=DEVICE_INTERFACE_ALLOCATION, device=device
    )
    if interface is None:  # :183
        return None  # :184
    status = await init_fifo(interface.receive_queue)  # :192
    if status != B_OK:  # :192
        await free(interface)  # :224
        return None  # :226
    await interface.ref_count.store(1)  # :197
    if await happens(THREAD_CREATION):  # :206-208
        await uninit_fifo(interface.receive_queue)  # :220
        await free(interface)  # :224
        return None  # :226
    stack.device_interfaces = (*stack.device_interfaces, interface)  # :216
    return interface  # :217


@procedure(source="stack/device_interfaces.cpp:444-495")
async def get_device_interface(stack: Stack, name: DeviceName) -> DeviceInterface | None:
    """Find the device interface of that name, or make it; the caller gets a reference."""
    async with stack.device_lock:  # :447
        interface = await find_device_interface(stack, name)  # :449
        if interface is not None and await interface.ref_count.add(1) != 0:  # :450-454
            return interface  # :455
        await get_module(stack.module)  # :476
        status, device = await device_init(name)  # :478
        if status == B_OK:  # :479
            assert device is not None
            device_made(device)
            interface = await allocate_device_interface(stack, device)  # :480
            if interface is not None:  # :481
                return interface  # :483
            await device_uninit(device)  # :486
            device_abandoned(device)
        await put_module(stack.module)  # :488
        return None  # :494


@procedure(source="stack/device_interfaces.cpp:387-415")
async def put_device_interface(stack: Stack, interface: DeviceInterface) -> None:
    """Drop a reference; the last one tears everything down."""
    if await interface.ref_count.add(-1) != 1:  # :392
        return  # :393
    await interface.ref_count.store(0)  # :397
    async with stack.device_lock:  # :399
        stack.device_interfaces = without(stack.device_interfaces, interface)  # :400
    await tear_down(stack, interface)  # :403-414


@procedure(source="stack/device_interfaces.cpp:403-414")
async def tear_down(stack: Stack, interface: DeviceInterface) -> None:
    """Destroy a device interface that nobody can find any more."""
    await uninit_fifo(interface.receive_queue)  # :403
    if interface.consumer_thread is not None:
        await interface.consumer_thread.wait_for_exit()  # :404
    await destroy(stack, interface)  # :406-414


@procedure(source="stack/device_interfaces.cpp:406-414")
async def destroy(stack: Stack, interface: DeviceInterface) -> None:
    """Destroy the device of an interface, and the interface. An error of the driver is ignored."""
    device = interface.device  # :406
    await device_uninit(device)  # :409
    device_abandoned(device)
    await put_module(stack.module)  # :410
    await free(interface)  # :414


# --- interfaces -----------------------------------------------------------------------------------


@primitive(source="stack/interfaces.cpp:1190-1202")
def find_interface(stack: Stack, name: DeviceName) -> Interface | None:
    """Search the list for a name. Its lock is held."""
    for interface in stack.interfaces:  # :1196
        if interface.name is name:  # :1197
            return interface  # :1198
    return None  # :1201


@procedure(source="stack/interfaces.cpp:1441-1458")
async def get_interface(stack: Stack, name: DeviceName) -> Interface | None:
    """Find the interface of that name, unless it is busy; the caller gets a reference."""
    async with stack.lock:  # :1444
        interface = await find_interface(stack, name)  # :1446
        if interface is None:  # :1447
            return None  # :1448
        if await interface.busy.load() == 1:  # :1447
            return None  # :1448
        await interface.references.add(1)  # :1451
        return interface  # :1457


@primitive(source="stack/interfaces.cpp:483")
def assert_down(flags: int) -> None:
    """The assertion at the head of the destructor; only a debug kernel looks at it."""
    if flags & IFF_UP != 0:
        violated("assertion", "an interface is destroyed while it is up")


@procedure(source="stack/interfaces.cpp:480-509")
async def put_interface(stack: Stack, interface: Interface) -> None:
    """Drop a reference; with the last one goes the interface."""
    if await interface.references.add(-1) == 1:
        await assert_down(await interface.flags.load())  # :483
        await put_device_interface(stack, interface.device_interface)  # :502
        await free(interface)


@procedure(source="stack/interfaces.cpp:1226-1260")
async def add_interface(
    stack: Stack, name: DeviceName, device_interface: DeviceInterface
) -> Status:
    """Make an interface for a device interface, and give it an address."""
    async with stack.lock:  # :1230
        if await is_taken(stack, name):  # :1232
            return B_NAME_IN_USE  # :1233
        interface = await allocate(  # :1235-1236
            Interface,
            may_fail=INTERFACE_ALLOCATION,
            name=name,
            device_interface=device_interface,
        )
        if interface is None:  # :1237
            return B_NO_MEMORY  # :1238
        await device_interface.ref_count.add(1)  # :469
        stack.interfaces = (*stack.interfaces, interface)  # :1240
        await interface.references.store(2)  # :1241
    status = B_OK
    if await happens(ADDRESS_ALLOCATION):  # :1247
        status = B_NO_MEMORY
        await take_off_list(stack, interface)  # :1251-1253
        await put_interface(stack, interface)  # :1254
    await put_interface(stack, interface)  # :1257
    return status  # :1259


@procedure(source="stack/interfaces.cpp:1232")
async def is_taken(stack: Stack, name: DeviceName) -> bool:
    """Whether there is an interface of that name. The list's lock is held."""
    return await find_interface(stack, name) is not None


@procedure(source="stack/interfaces.cpp:1271-1273")
async def take_off_list(stack: Stack, interface: Interface) -> None:
    """Let nobody find the interface any more."""
    async with stack.lock:  # :1271
        stack.interfaces = without(stack.interfaces, interface)  # :1272


@procedure(source="stack/interfaces.cpp:1265-1278")
async def remove_interface(stack: Stack, interface: Interface) -> Status:
    """Take an interface down, off the list, and drop the list's reference."""
    await set_down(interface)  # :1268
    await take_off_list(stack, interface)  # :1271-1273
    await put_interface(stack, interface)  # :1277
    return B_OK


# --- ioctls ---------------------------------------------------------------------------------------


@procedure(source="stack/datalink.cpp:227-259", call="create")
async def create_interface(stack: Stack, name: DeviceName) -> Status:
    """SIOCAIFADDR: add an address to an interface, which is made if it is not there."""
    interface = await get_interface(stack, name)  # :237
    if interface is not None:  # :238
        await put_interface(stack, interface)  # :243
        return B_OK  # :245
    device_interface = await get_device_interface(stack, name)  # :249-250
    if device_interface is None:  # :251
        return B_DEVICE_NOT_FOUND  # :252
    status = await add_interface(stack, name, device_interface)  # :254-255
    await put_device_interface(stack, device_interface)  # :257
    return status  # :258


@procedure(source="stack/datalink.cpp:261-284", call="delete")
async def delete_interface(stack: Stack, name: DeviceName) -> Status:
    """SIOCDIFADDR without an address: delete an interface."""
    interface = await get_interface(stack, name)  # :268
    if interface is None:  # :269
        return B_BAD_VALUE  # :270
    status = await remove_interface(stack, interface)  # :279
    await put_interface(stack, interface)  # :281
    return status  # :283


@procedure(source="stack/datalink.cpp:344-352", call="up")
async def up_by_name(stack: Stack, name: DeviceName) -> Status:
    """SIOCSIFFLAGS with IFF_UP."""
    interface = await get_interface(stack, name)  # :344
    if interface is None:  # :345
        return B_BAD_VALUE  # :346
    status = await control_up(interface)  # :348-349
    await put_interface(stack, interface)  # :351
    return status  # :352


@procedure(source="stack/datalink.cpp:344-352", call="down")
async def down_by_name(stack: Stack, name: DeviceName) -> Status:
    """SIOCSIFFLAGS without IFF_UP."""
    interface = await get_interface(stack, name)  # :344
    if interface is None:  # :345
        return B_BAD_VALUE  # :346
    status = await control_down(interface)  # :348-349
    await put_interface(stack, interface)  # :351
    return status  # :352


@procedure(source="stack/device_interfaces.cpp:475-489", call="init")
async def init_device(stack: Stack, name: DeviceName) -> Status:
    """What the stack does first of all to make an interface: let the driver make its device."""
    async with stack.device_lock:  # :447
        await get_module(stack.module)  # :476
        status, device = await device_init(name)  # :478
        if status == B_OK:  # :479
            assert device is not None
            device_made(device)
        else:
            await put_module(stack.module)  # :488
        return status
