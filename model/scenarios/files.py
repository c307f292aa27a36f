"""Opening and closing, alone and while others are inside."""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import COOKIE_ALLOCATION
from haiku_tuntap.model.kernel.select import B_SELECT_READ
from haiku_tuntap.model.kernel.select_calls import user_poll, user_select
from haiku_tuntap.model.kernel.system_calls import (
    user_close,
    user_open,
    user_read,
)
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios.world import World, scenario


@scenario("reader-close", family="reader and close", bounds="1 reader, 1 close")
def reader_close(world: World) -> None:
    """A file is closed while a thread reads from it."""
    slot = world.open_file()
    world.reader(slot)
    world.thread("closer", call(user_close, slot))


@scenario("two-readers-close", family="reader and close", bounds="2 readers, 1 packet, 1 close")
def two_readers_close(world: World) -> None:
    """A file is closed while two threads read from it and a packet comes."""
    slot = world.open_file()
    world.reader(slot, "reader 1")
    world.reader(slot, "reader 2")
    world.sender()
    world.thread("closer", call(user_close, slot))


@scenario("poll-close", family="poll and close", bounds="1 poll, 1 close")
def poll_close(world: World) -> None:
    """A file is closed while a thread polls it."""
    slot = world.open_file()
    info = world.select_info("poll")
    world.thread("poller", call(user_poll, slot, info, B_SELECT_READ))
    world.thread("closer", call(user_close, slot))


@scenario("select-close", family="select (not poll) and close", bounds="1 select, 1 close")
def select_close(world: World) -> None:
    """A file is closed while a thread selects on it."""
    slot = world.open_file()
    info = world.select_info("select")
    world.thread("selector", call(user_select, slot, info, B_SELECT_READ))
    world.thread("closer", call(user_close, slot))


@scenario("close-reopen", family="close then reopen", bounds="1 close, 1 open, 1 read, 2 packets")
def close_reopen(world: World) -> None:
    """One application closes the device without reading; another opens it and reads."""
    slot = world.open_file()
    table = world.table("other files")
    world.thread("closer", call(user_close, slot))
    world.thread(
        "opener", call(user_open, table, world.name, 0), call(user_read, table.fd3), opens=1
    )
    world.sender(packets=2)


@scenario(
    "reused-number",
    family="woken read restarts on a reused descriptor",
    bounds="1 read, 1 close, 1 open",
)
def reused_number(world: World) -> None:
    """A number is closed while a thread reads from it, and then given to another file."""
    slot = world.open_file()
    table = world.roots["files"]
    world.reader(slot)
    world.thread("closer", call(user_close, slot), call(user_open, table, world.name, 0), opens=1)


@scenario("two-openers", family="two openers", bounds="2 applications, 2 opens each, 1 close each")
def two_openers(world: World) -> None:
    """Two applications open the device; one at a time may have it."""
    for number in (1, 2):
        table = world.table(f"files {number}")
        opens = call(user_open, table, world.name, 0)
        world.thread(f"opener {number}", opens, call(user_close, table.fd3), opens, opens=2)


@scenario(
    "cookie-allocation-fails",
    family="cookie allocation fails",
    bounds="2 opens, each of which may fail",
    chances=frozenset({COOKIE_ALLOCATION}),
)
def cookie_allocation_fails(world: World) -> None:
    """Opening fails for want of memory, and is tried again."""
    table = world.table()
    opens = call(user_open, table, world.name, 0)
    world.thread("opener", opens, opens, opens=2)
