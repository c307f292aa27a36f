"""Devices in memory: one that is right, the same in a blocking form, and many that are wrong."""

from __future__ import annotations

import errno
from concurrent.futures import Future
from threading import Condition
from typing import Any, ClassVar

from haiku_tuntap.model.status import B_BAD_DATA, B_WOULD_BLOCK, ENOBUFS, Status
from haiku_tuntap.properties.stateful.kit import Adapter, Events, Kind, in_thread

CAPACITY = 64


class MemoryDevice(Adapter):
    """A tunnel in memory, without threads, which does what the profile `required` asks."""

    kind: ClassVar[Kind] = Kind.TUN

    def __init__(self) -> None:
        self.is_open = self.nonblocking = False
        self.up = True
        self.to_application: list[bytes] = []
        self.to_stack: list[bytes] = []
        self.readers: list[tuple[Future[Any], int]] = []
        self.polls: list[tuple[Future[Any], Events]] = []

    def open(self, nonblocking: bool) -> Any:
        if self.is_open:
            raise OSError(errno.EBUSY, "the device is open")
        self.is_open, self.nonblocking = True, nonblocking
        self.forget()
        return "the file"

    def forget(self) -> None:
        """What is queued belongs to nobody."""
        self.to_application.clear()

    def close(self, file: Any) -> None:
        self.is_open = False
        self.end_readers()
        for future, _ in self.polls:
            future.set_result(Events.INVALID)
        self.polls.clear()

    def end_readers(self) -> None:
        """The file of those who wait was closed."""
        for future, _ in self.readers:
            future.set_exception(OSError(errno.EBADF, "the file is closed"))
        self.readers.clear()

    def read(self, file: Any, size: int) -> bytes | Status | Future[Any]:
        if size == 0:
            return b""
        if self.to_application:
            return self.take(size)
        if self.nonblocking:
            return B_WOULD_BLOCK
        future: Future[Any] = Future()
        self.readers.append((future, size))
        return future

    def take(self, size: int) -> bytes:
        """The first packet's first bytes; the rest is lost."""
        return self.to_application.pop(0)[:size]

    def write(self, file: Any, data: bytes) -> Status | None:
        if not data:
            return None
        if not self.carries(data):
            return B_BAD_DATA
        if sum(map(len, self.to_stack)) + len(data) > CAPACITY:
            return ENOBUFS
        self.to_stack.append(data)
        return None

    def carries(self, data: bytes) -> bool:
        """Whether the device takes such packets."""
        return self.kind is Kind.TAP or data[0] >> 4 in (4, 6)

    def holding(self) -> Events:
        return Events.WRITE | (Events.READ if self.to_application else Events.NONE)

    def poll(self, file: Any, events: Events, wait: bool) -> Events | Future[Any]:
        if self.holding() & events or not wait:
            return self.holding() & events
        future: Future[Any] = Future()
        self.polls.append((future, events))
        return future

    def transmit(self, data: bytes) -> Status | None:
        if not self.carries(data):
            return B_BAD_DATA
        if sum(map(len, self.to_application)) + len(data) > CAPACITY:
            return self.full(data)
        self.to_application.append(data)
        self.wake()
        return None

    def full(self, data: bytes) -> Status | None:
        """A packet for which there is no room."""
        return ENOBUFS

    def wake(self) -> None:
        """Serve those who wait."""
        while self.readers and self.to_application:
            future, size = self.readers.pop(0)
            future.set_result(self.take(size))
        for future, events in list(self.polls):
            if self.holding() & events:
                self.polls.remove((future, events))
                future.set_result(self.holding() & events)

    def deliver(self) -> bytes | None:
        return self.to_stack.pop(0) if self.up and self.to_stack else None

    def set_up(self, up: bool) -> None:
        self.up = up


class TapDevice(MemoryDevice):
    kind = Kind.TAP


class LosesWakeupOnClose(MemoryDevice):
    """WAKE-2"""

    def end_readers(self) -> None:
        pass


class DropsTheOldestWhenFull(MemoryDevice):
    """SEND-2"""

    def full(self, data: bytes) -> None:
        self.to_application.pop(0)
        self.to_application.append(data)


class OutOfOrderWhenFull(MemoryDevice):
    """READ-1, READ-2"""

    def full(self, data: bytes) -> Status:
        self.to_application.reverse()
        return ENOBUFS


class ReportsReadOnAnEmptyQueue(MemoryDevice):
    """SELECT-3, SELECT-4"""

    def holding(self) -> Events:
        return Events.READ | Events.WRITE


class KeepsPacketsAcrossReopen(MemoryDevice):
    """READ-3, SELECT-3, SELECT-4, SEND-1"""

    def forget(self) -> None:
        pass


class ShortReadKeepsTheRest(MemoryDevice):
    """READ-3, SELECT-3, SELECT-4"""

    def take(self, size: int) -> bytes:
        packet = self.to_application.pop(0)
        if packet[size:]:
            self.to_application.insert(0, packet[size:])
        return packet[:size]


class ShortReadLosesAByte(MemoryDevice):
    """READ-2"""

    def take(self, size: int) -> bytes:
        packet = self.to_application.pop(0)
        return packet if len(packet) <= size else packet[: size - 1]


class PollSleepsThroughPackets(MemoryDevice):
    """WAKE-4"""

    def wake(self) -> None:
        polls, self.polls = self.polls, []
        super().wake()
        self.polls = polls


class WakesOneOfTwoReaders(MemoryDevice):
    """WAKE-2"""

    def end_readers(self) -> None:
        self.readers, left = self.readers[:1], self.readers[1:]
        super().end_readers()
        self.readers = left


class NonblockingWaits(MemoryDevice):
    """READ-4"""

    def open(self, nonblocking: bool) -> Any:
        return super().open(False)


class LosesPacketsWhenDown(MemoryDevice):
    """DELIVER-1"""

    def set_up(self, up: bool) -> None:
        super().set_up(up)
        self.to_stack.clear()


class TakesAnyVersion(MemoryDevice):
    """FRAME-1, DELIVER-1"""

    def write(self, file: Any, data: bytes) -> Status | None:
        return super().write(file, b"\x40" + data[1:] if data else data)


class LetsEverybodyOpen(MemoryDevice):
    """OPEN-1"""

    def open(self, nonblocking: bool) -> Any:
        self.is_open = False
        return super().open(nonblocking)


class TodaysDevice(KeepsPacketsAcrossReopen, NonblockingWaits):
    """READ-3, READ-4"""


class BlockingDevice(MemoryDevice):
    """The same device with calls that block, each in a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = Condition()

    def read(self, file: Any, size: int) -> Future[Any]:
        return in_thread(self.blocking, super().read, file, size)

    def poll(self, file: Any, events: Events, wait: bool) -> Future[Any]:
        return in_thread(self.blocking, super().poll, file, events, wait)

    def blocking(self, call: Any, *arguments: Any) -> Any:
        """A call in its thread: it sleeps until it is done."""
        with self.changed:
            value = call(*arguments)
            if not isinstance(value, Future):
                return value
            self.changed.wait_for(value.done)
            return value.result()

    def close(self, file: Any) -> None:
        with self.changed:
            super().close(file)
            self.changed.notify_all()

    def transmit(self, data: bytes) -> Status | None:
        with self.changed:
            status = super().transmit(data)
            self.changed.notify_all()
            return status


class BlockingLosesWakeup(BlockingDevice):
    """WAKE-2"""

    def end_readers(self) -> None:
        pass


class Crashes(MemoryDevice):
    def write(self, file: Any, data: bytes) -> Status | None:
        raise ZeroDivisionError
