"""Reading, selecting and polling while the stack sends."""

from __future__ import annotations

from haiku_tuntap.model.kernel.hooks import O_NONBLOCK
from haiku_tuntap.model.kernel.select import B_SELECT_READ, B_SELECT_WRITE
from haiku_tuntap.model.kernel.select_calls import user_poll, user_select
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.kernel.system_calls import (
    user_read,
    user_set_nonblocking,
)
from haiku_tuntap.model.kernel.user_memory import USER_COPY
from haiku_tuntap.model.language import call
from haiku_tuntap.model.scenarios.world import World, scenario


@scenario("reader-sender", family="reader and sender", bounds="2 reads, 2 packets")
def reader_sender(world: World) -> None:
    """One application reads twice while the stack sends twice."""
    slot = world.open_file()
    world.thread("reader", call(user_read, slot), call(user_read, slot))
    world.sender(packets=2)


@scenario("readers-senders", family="reader and sender", bounds="2 readers, 2 senders, 2 packets")
def readers_senders(world: World) -> None:
    """Two threads read while two send: no packet may lie there while a reader sleeps."""
    slot = world.open_file()
    world.reader(slot, "reader 1")
    world.reader(slot, "reader 2")
    world.sender("sender 1")
    world.sender("sender 2")


@scenario("reader-signal", family="signal then reader", bounds="2 readers, 1 signal, 1 packet")
def reader_signal(world: World) -> None:
    """A reader is interrupted by a signal; another reads then, and must get the packet."""
    slot = world.open_file()
    interrupted = world.reader(slot, "reader 1")
    world.reader(slot, "reader 2")
    world.sender()
    world.thread("killer", call(kill, interrupted.thread))


@scenario("poll-sender", family="poll and sender", bounds="1 poll, 1 packet")
def poll_sender(world: World) -> None:
    """An application polls for a packet while the stack sends one."""
    slot = world.open_file()
    info = world.select_info("poll")
    world.thread("poller", call(user_poll, slot, info, B_SELECT_READ))
    world.sender()


@scenario("poll-reader-sender", family="poll and sender", bounds="1 poll, 1 read, 1 packet")
def poll_reader_sender(world: World) -> None:
    """A poll and a read compete for one packet."""
    slot = world.open_file()
    info = world.select_info("poll")
    world.thread("poller", call(user_poll, slot, info, B_SELECT_READ))
    world.reader(slot)
    world.sender()


@scenario("poll-read-poll", family="poll and sender", bounds="2 polls, 1 read, 1 packet")
def poll_read_poll(world: World) -> None:
    """One application polls, reads what is there, and polls again, as a VPN program does."""
    slot = world.open_file()
    world.thread(
        "application",
        call(user_poll, slot, world.select_info("first poll"), B_SELECT_READ),
        call(user_read, slot),
        call(user_poll, slot, world.select_info("second poll"), B_SELECT_READ),
    )
    world.sender()


@scenario("select-write", family="select for write", bounds="1 select, 1 packet")
def select_write(world: World) -> None:
    """An application selects for writing, which is always possible."""
    slot = world.open_file()
    info = world.select_info("select")
    world.thread("selector", call(user_select, slot, info, B_SELECT_WRITE))
    world.sender()


@scenario("nonblocking-reader", family="non-blocking reader", bounds="2 reads, 1 packet")
def nonblocking_reader(world: World) -> None:
    """A non-blocking file is read; then its mode is changed twice, and it is read again."""
    slot = world.open_file(flags=O_NONBLOCK)
    world.thread(
        "reader",
        call(user_read, slot),
        call(user_set_nonblocking, slot, False),
        call(user_set_nonblocking, slot, True),
        call(user_read, slot),
    )
    world.sender()


@scenario("full-queue", family="full queue", bounds="2 reads, 2 senders, 3 packets", capacity=1)
def full_queue(world: World) -> None:
    """The stack sends more than fits; what is refused is reported."""
    slot = world.open_file()
    world.thread("reader", call(user_read, slot), call(user_read, slot))
    world.sender("sender 1", packets=2)
    world.sender("sender 2")


@scenario(
    "user-copy-faults",
    family="user copy faults",
    bounds="1 read, 1 write, 1 packet; each copy may fault",
    chances=frozenset({USER_COPY}),
)
def user_copy_faults(world: World) -> None:
    """An application reads and writes with addresses that may be bad."""
    slot = world.open_file()
    world.reader(slot)
    world.writer(slot)
    world.sender()
