"""The net FIFO: order, capacity, waiting."""

from __future__ import annotations

from tiny import Log, Tiny

from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import (
    NetFifo,
    clear_fifo,
    fifo_dequeue_buffer,
    fifo_enqueue_buffer,
)
from haiku_tuntap.model.language import allocate, call, procedure
from haiku_tuntap.model.status import B_OK, B_WOULD_BLOCK, ENOBUFS


@procedure()
async def sends(fifo: NetFifo, log: Log, size: int) -> None:
    """Enqueue a new buffer."""
    buffer = await allocate(NetBuffer, size=size)
    assert buffer is not None
    await log.note(await fifo_enqueue_buffer(fifo, buffer))


@procedure()
async def reads(fifo: NetFifo, log: Log, wait: bool) -> None:
    """Dequeue a buffer."""
    status, _ = await fifo_dequeue_buffer(fifo, wait=wait)
    await log.note(status)


@procedure()
async def clears(fifo: NetFifo) -> None:
    """Empty it."""
    await clear_fifo(fifo)


def fifo_with_threads(*, size: int = 1) -> tuple[NetFifo, Log, Tiny]:
    """A FIFO for 3 bytes; two senders, two readers that wait, one that does not, and a clearer."""
    fifo, log = NetFifo(max_bytes=3), Log()
    tiny = Tiny(
        {
            "sender 1": call(sends, fifo, log, size),
            "sender 2": call(sends, fifo, log, size),
            "reader 1": call(reads, fifo, log, True),
            "reader 2": call(reads, fifo, log, True),
            "poller": call(reads, fifo, log, False),
            "clearer": call(clears, fifo),
        },
        {NetBuffer: 1},
    )
    return fifo, log, tiny


def test_buffers_leave_in_the_order_in_which_they_came() -> None:
    """FIFO-1."""
    fifo, _, tiny = fifo_with_threads()
    tiny.run("sender 2")
    (first,) = fifo.buffers
    tiny.run("sender 1")
    _, second = fifo.buffers
    assert fifo.buffers[0] is first
    assert fifo.current_bytes == 2
    tiny.run("reader 1")
    assert fifo.buffers == (second,)
    assert fifo.current_bytes == 1


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    """FIFO-2, QUEUE-1."""
    fifo, log, tiny = fifo_with_threads(size=2)
    tiny.run("sender 1", "sender 2")
    assert log.lines() == [("sender 1", B_OK), ("sender 2", ENOBUFS)]
    assert len(fifo.buffers) == 1
    assert fifo.current_bytes == 2


def test_a_reader_of_an_empty_queue_announces_itself_and_sleeps_without_the_lock() -> None:
    """FIFO-3."""
    fifo, _, tiny = fifo_with_threads()
    tiny.run("reader 1")
    assert tiny.sleeps("reader 1")
    assert fifo.waiting == 1
    assert fifo.notify.waiters == (tiny.thread("reader 1"),)
    assert fifo.lock.owner is None


def test_each_packet_wakes_one_reader() -> None:
    """FIFO-4."""
    fifo, log, tiny = fifo_with_threads()
    tiny.run("reader 1", "reader 2", "sender 1")
    assert not tiny.sleeps("reader 1")
    assert tiny.sleeps("reader 2")
    tiny.run("reader 1")
    assert log.lines() == [("sender 1", B_OK), ("reader 1", B_OK)]
    assert fifo.waiting == 1
    tiny.run("sender 2", "reader 2")
    assert log.lines()[2:] == [("sender 2", B_OK), ("reader 2", B_OK)]
    assert fifo.waiting == 0
    assert fifo.notify.tokens == 0


def test_a_packet_for_which_nobody_waits_releases_no_token() -> None:
    """FIFO-4."""
    fifo, _, tiny = fifo_with_threads()
    tiny.run("sender 1")
    assert fifo.notify.tokens == 0


def test_a_reader_that_announced_itself_but_does_not_sleep_yet_finds_the_token() -> None:
    """FIFO-4."""
    fifo, log, tiny = fifo_with_threads()
    tiny.step("reader 1", "reader 1", "reader 1")  # locked, announced, unlocked
    assert fifo.waiting == 1
    assert fifo.notify.waiters == ()
    tiny.run("sender 1")
    assert fifo.notify.tokens == 1
    tiny.run("reader 1")
    assert log.lines() == [("sender 1", B_OK), ("reader 1", B_OK)]


def test_a_woken_reader_whose_packet_was_taken_waits_again() -> None:
    """FIFO-5."""
    fifo, log, tiny = fifo_with_threads()
    tiny.run("reader 1", "sender 1", "poller")
    assert log.lines() == [("sender 1", B_OK), ("poller", B_OK)]
    tiny.run("reader 1")
    assert tiny.sleeps("reader 1")
    assert fifo.waiting == 1


def test_who_does_not_wait_is_told_that_there_is_nothing() -> None:
    """FIFO-6."""
    fifo, log, tiny = fifo_with_threads()
    tiny.run("poller")
    assert log.lines() == [("poller", B_WOULD_BLOCK)]
    assert fifo.waiting == 0
    assert fifo.lock.owner is None


def test_clearing_frees_all_buffers() -> None:
    fifo, _, tiny = fifo_with_threads()
    tiny.run("sender 1", "sender 2", "clearer")
    assert fifo.buffers == ()
    assert fifo.current_bytes == 0
    assert tiny.violations == []
