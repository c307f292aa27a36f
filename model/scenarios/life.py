"""Interfaces come and go, while applications hold their devices open."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel_life import DEVICE_ALLOCATION
from haiku_tuntap.model.kernel.devfs import PUBLICATION
from haiku_tuntap.model.kernel.interface_life import (
    ADDRESS_ALLOCATION,
    DEVICE_INTERFACE_ALLOCATION,
    INTERFACE_ALLOCATION,
    THREAD_CREATION,
    create_interface,
    delete_interface,
    down_by_name,
    init_device,
    up_by_name,
)
from haiku_tuntap.model.kernel.net_fifo import SEMAPHORE_CREATION
from haiku_tuntap.model.kernel.select import B_SELECT_READ
from haiku_tuntap.model.kernel.select_calls import user_poll
from haiku_tuntap.model.kernel.system_calls import (
    user_close,
    user_open_path,
    user_read,
    user_write,
)
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios.life_world import Life
from haiku_tuntap.model.scenarios.world import World, scenario

WHATEVER_CREATE_NEEDS = frozenset(
    {
        DEVICE_ALLOCATION,
        SEMAPHORE_CREATION,
        PUBLICATION,
        DEVICE_INTERFACE_ALLOCATION,
        THREAD_CREATION,
        INTERFACE_ALLOCATION,
        ADDRESS_ALLOCATION,
    }
)

# --- making interfaces ----------------------------------------------------------------------------


@scenario(
    "create-fails",
    family="create",
    bounds="2 creates, 1 delete; whatever create needs may fail",
    chances=WHATEVER_CREATE_NEEDS,
)
def create_fails(world: World) -> None:
    """An interface is made, again if that failed for want of anything, and deleted."""
    life = Life(world)
    create = call(create_interface, life.stack, life.name("tun/0"))
    delete = call(delete_interface, *create.args)
    world.thread("ifconfig", create, create, delete, interfaces=2)


@scenario("create-names", family="create", bounds="4 creates")
def create_names(world: World) -> None:
    """Interfaces are made with names that are there already, that no driver knows, too long."""
    life = Life(world)
    there, foreign = life.name("tun/0"), life.name("wifi/0")
    long = life.name("tun/a-name-of-more-than-32-letters")
    life.interface(there)
    creates = [call(create_interface, life.stack, n) for n in (there, foreign, long, there)]
    world.thread("ifconfig", *creates)


@scenario("create-eleven", family="create", bounds="11 inits; the table holds 10 devices")
def create_eleven(world: World) -> None:
    """The driver makes as many devices as its table holds, and is asked for one more."""
    life = Life(world)
    inits = [call(init_device, life.stack, life.name(f"tun/{n}")) for n in range(11)]
    world.thread("ifconfig", *inits, interfaces=11)


@scenario("create-open", family="create", bounds="1 create, 1 open")
def create_open(world: World) -> None:
    """An interface is made while an application opens the device of another."""
    life = Life(world)
    there = life.name("tun/0")
    life.interface(there)
    world.thread("ifconfig", call(create_interface, life.stack, life.name("tap/0")), interfaces=1)
    world.thread("opener", call(user_open_path, world.table(), there, 0), opens=1)


@scenario("side-by-side", family="create", bounds="2 opens, 2 closes, 1 read, 1 delete, 1 packet")
def side_by_side(world: World) -> None:
    """A TUN and a TAP: each is open, and one of them is deleted when it is closed again."""
    life = Life(world)
    tun, tap = life.name("tun/0"), life.name("tap/0")
    life.interface(tun)
    life.interface(tap)
    first, second = world.table("tun's files"), world.table("tap's files")
    world.thread(
        "tun's user", call(user_open_path, first, tun, 0), call(user_read, first.fd3), opens=1
    )
    world.thread(
        "tap's user",
        call(user_open_path, second, tap, 0),
        call(user_close, second.fd3),
        call(delete_interface, life.stack, tap),
        opens=1,
    )
    world.sender()


# --- deleting what is open ------------------------------------------------------------------------


@scenario("delete-open", family="delete while open", bounds="1 delete, 1 write, 1 close")
def delete_open(world: World) -> None:
    """An interface is deleted while an application has its device open, writes and closes."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    slot = world.open_file()
    world.thread("ifconfig", call(delete_interface, life.stack, name))
    world.thread("application", call(user_write, slot, 1, 4), call(user_close, slot), packets=1)


@scenario("delete-reader", family="delete while open", bounds="1 delete, 1 read")
def delete_reader(world: World) -> None:
    """An interface is deleted while an application reads from its device."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    world.reader(world.open_file())
    world.thread("ifconfig", call(delete_interface, life.stack, name))


@scenario("delete-poll", family="delete while open", bounds="1 delete, 1 poll")
def delete_poll(world: World) -> None:
    """An interface is deleted while an application polls its device."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    slot = world.open_file()
    info = world.select_info("poll")
    world.thread("poller", call(user_poll, slot, info, B_SELECT_READ))
    world.thread("ifconfig", call(delete_interface, life.stack, name))


@scenario("delete-opener", family="delete while open", bounds="1 delete, 1 open, 1 close")
def delete_opener(world: World) -> None:
    """An interface is deleted while an application opens its device."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    table = world.table()
    world.thread("ifconfig", call(delete_interface, life.stack, name))
    world.thread(
        "opener", call(user_open_path, table, name, 0), call(user_close, table.fd3), opens=1
    )


@scenario(
    "delete-create",
    family="delete while open",
    bounds="1 delete, 1 create, 1 read, 1 close, 1 open",
)
def delete_create(world: World) -> None:
    """An interface is deleted and made again while an application has the old device open.

    Another interface keeps the driver loaded.
    """
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    life.interface(life.name("tap/0"))
    slot = world.open_file()
    table = world.roots["files"]
    ioctls = call(delete_interface, life.stack, name), call(create_interface, life.stack, name)
    world.thread("ifconfig", *ioctls, interfaces=1)
    world.thread(
        "application", call(user_close, slot), call(user_open_path, table, name, 0), opens=1
    )


# --- deleting what runs ---------------------------------------------------------------------------


@scenario("delete-consumer", family="delete while running", bounds="1 delete")
def delete_consumer(world: World) -> None:
    """An interface is deleted while its consumer thread is about to take a packet, or waits."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, consumer=True)
    world.thread("ifconfig", call(delete_interface, life.stack, name))


@scenario("delete-up", family="delete while running", bounds="1 delete")
def delete_up(world: World) -> None:
    """An interface is deleted while it is up."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, up=True)
    world.thread("ifconfig", call(delete_interface, life.stack, name))


@scenario("two-ups", family="delete while running", bounds="2 ups, 1 down, 1 delete")
def two_ups(world: World) -> None:
    """Two programs take an interface up at once; then one takes it down and deletes it."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, reader=True)
    up, down = call(up_by_name, life.stack, name), call(down_by_name, life.stack, name)
    world.thread("ifconfig 1", up)
    world.thread("ifconfig 2", up, down, call(delete_interface, life.stack, name))


@scenario("up-delete", family="delete while running", bounds="1 up, 1 delete")
def up_delete(world: World) -> None:
    """An interface is deleted while somebody takes it up."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, reader=True)
    world.thread("ifconfig 1", call(up_by_name, life.stack, name))
    world.thread("ifconfig 2", call(delete_interface, life.stack, name))


@scenario("down-delete", family="delete while running", bounds="1 down, 1 delete")
def down_delete(world: World) -> None:
    """An interface is deleted while somebody takes it down."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, up=True)
    world.thread("ifconfig 1", call(down_by_name, life.stack, name))
    world.thread("ifconfig 2", call(delete_interface, life.stack, name))


@scenario("down-races-up", family="delete while running", bounds="1 up, 2 downs, 1 delete")
def down_races_up(world: World) -> None:
    """One program takes an interface up, another one down, down again, and deletes it."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name, reader=True)
    down = call(down_by_name, life.stack, name)
    world.thread("ifconfig 1", call(up_by_name, life.stack, name))
    world.thread("ifconfig 2", down, down, call(delete_interface, life.stack, name))


@scenario("two-deletes", family="delete twice", bounds="2 deletes")
def two_deletes(world: World) -> None:
    """Two programs delete an interface at once."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    delete = call(delete_interface, life.stack, name)
    world.thread("ifconfig 1", delete)
    world.thread("ifconfig 2", delete)


@scenario("delete-races-create", family="delete twice", bounds="1 delete, 2 creates")
def delete_races_create(world: World) -> None:
    """One program deletes an interface while another one makes it, and again if that failed."""
    life = Life(world)
    name = life.name("tun/0")
    life.interface(name)
    create = call(create_interface, life.stack, name)
    world.thread("ifconfig 1", call(delete_interface, life.stack, name))
    world.thread("ifconfig 2", create, create, interfaces=2)
