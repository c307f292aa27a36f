"""The interface: its reader thread, up and down, and what the driver refuses."""

from __future__ import annotations

from haiku_tuntap.model.kernel.buffers import NOT_IP
from haiku_tuntap.model.kernel.device_interface import interface_down, interface_up
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios.world import World, scenario


@scenario("unknown-protocol", family="packets that are not IP", bounds="1 write, 1 packet")
def unknown_protocol(world: World) -> None:
    """A TUN device refuses what is neither IPv4 nor IPv6, in both directions."""
    world.writer(world.open_file(), version=NOT_IP)
    world.sender(version=NOT_IP)


@scenario(
    "tap-any-protocol",
    family="packets that are not IP",
    bounds="1 read, 1 write, 1 packet",
    is_tap=True,
)
def tap_any_protocol(world: World) -> None:
    """A TAP device takes any frame."""
    slot = world.open_file()
    world.interface_up()
    world.reader(slot)
    world.writer(slot, version=NOT_IP)
    world.sender(version=NOT_IP)


@scenario("writer-reader-thread", family="writer and reader thread", bounds="3 writes")
def writer_reader_thread(world: World) -> None:
    """An application writes while the interface's reader thread takes the packets."""
    world.interface_up()
    world.writer(world.open_file(), packets=3)


@scenario("down-while-waiting", family="interface down", bounds="1 down")
def down_while_waiting(world: World) -> None:
    """The interface goes down while its reader thread waits, or is about to."""
    interface = world.interface_up()
    world.thread("ifconfig", call(interface_down, interface))


@scenario("down-while-working", family="interface down", bounds="1 down, 2 writes")
def down_while_working(world: World) -> None:
    """The interface goes down while its reader thread takes packets."""
    interface = world.interface_up()
    world.writer(world.open_file(), packets=2)
    world.thread("ifconfig", call(interface_down, interface))


@scenario("down-twice", family="interface down", bounds="2 downs")
def down_twice(world: World) -> None:
    """Two programs take the interface down at once."""
    interface = world.interface_up()
    world.thread("ifconfig 1", call(interface_down, interface))
    world.thread("ifconfig 2", call(interface_down, interface))


@scenario("down-then-up", family="interface down", bounds="1 down, 1 up, 1 write")
def down_then_up(world: World) -> None:
    """The interface goes down and up again while an application writes."""
    interface = world.interface_up()
    world.writer(world.open_file())
    world.thread("ifconfig", call(interface_down, interface), call(interface_up, interface))
