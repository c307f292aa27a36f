"""What can be asked of a tunnel, and what the answer can be.

Operations and results are values that describe themselves. A file is known by the number that its
open gives it; a history numbers its opens, so that no number means two files at a time, however
descriptors are reused.
"""

from __future__ import annotations

from enum import Flag

from attrs import evolve, field, frozen
from attrs.validators import ge

from haiku_tuntap.model.packet.framing import ETHERNET_HEADER as ETHERNET_HEADER
from haiku_tuntap.model.packet.framing import Kind as Kind
from haiku_tuntap.model.status import B_OK, Status


class Events(Flag):
    """What poll and select can report; the first three have the bits of kernel/select.py."""

    NONE = 0
    READ = 1
    WRITE = 2
    INVALID = 4
    ERROR = 8

    def __str__(self) -> str:
        return " and ".join(event.name or "" for event in self) or "no event"


@frozen
class Packet:
    """A packet: its bytes where there are bytes, else any name, with size and IP version.

    `version` is the first nibble of the bytes, which for a TAP frame means nothing.
    """

    content: bytes | str | int
    size: int = field(default=1, validator=ge(1))
    version: int = 4

    @classmethod
    def of(cls, data: bytes) -> Packet:
        """The packet with these bytes, of which there must be one or more."""
        if not data:
            raise ValueError("a packet has at least one byte; write nothing with Write(file, None)")
        return cls(data, len(data), data[0] >> 4)

    def prefix(self, size: int) -> Packet:
        """The first bytes of it."""
        if size >= self.size:
            return self
        if isinstance(self.content, bytes):
            return Packet.of(self.content[:size])
        return evolve(self, size=size)

    def rest(self, size: int) -> Packet | None:
        """What remains after that prefix."""
        if size >= self.size:
            return None
        if isinstance(self.content, bytes):
            return Packet.of(self.content[size:])
        return evolve(self, size=self.size - size)

    def __str__(self) -> str:
        if isinstance(self.content, bytes):
            shown = self.content[:8].hex(" ") + (" …" if self.size > 8 else "")
            return f"[{shown}, {self.size} bytes]"
        return f"[{self.content}, {self.size} bytes, version {self.version}]"


@frozen
class Result:
    """What a call returned: a status, a packet (read, deliver), events (poll, select)."""

    status: Status = B_OK
    packet: Packet | None = None
    events: Events = Events.NONE

    def __str__(self) -> str:
        return " ".join(
            [
                self.status.name,
                *([str(self.packet)] if self.packet else []),
                *([f"({self.events})"] if self.events else []),
            ]
        )


OK = Result()


@frozen
class Open:
    """Open the device; the file is called `file` if that succeeds."""

    file: int
    nonblocking: bool = False

    def __str__(self) -> str:
        return f"open file {self.file}{' non-blocking' if self.nonblocking else ''}"


@frozen
class Close:
    """Close the last descriptor of a file."""

    file: int

    def __str__(self) -> str:
        return f"close file {self.file}"


@frozen
class Read:
    """Read one packet into a buffer of `size` bytes."""

    file: int
    size: int = 65536

    def __str__(self) -> str:
        return f"read up to {self.size} bytes of file {self.file}"


@frozen
class Write:
    """Write one packet; None is a write of no bytes."""

    file: int
    packet: Packet | None

    def __str__(self) -> str:
        return f"write {self.packet or 'nothing'} to file {self.file}"


@frozen
class Poll:
    """Wait until one of the events holds, or only look (`wait=False`: a timeout of 0)."""

    file: int
    events: Events = Events.READ
    wait: bool = True

    def __str__(self) -> str:
        return f"poll file {self.file} for {self.events}{'' if self.wait else ', without waiting'}"


@frozen
class Select:
    """The same with select, which never asks whether its descriptor is still valid."""

    file: int
    events: Events = Events.READ
    wait: bool = True

    def __str__(self) -> str:
        how = "" if self.wait else ", without waiting"
        return f"select file {self.file} for {self.events}{how}"


@frozen
class SetBlocking:
    """Control: set or clear O_NONBLOCK."""

    file: int
    blocking: bool

    def __str__(self) -> str:
        return f"make file {self.file} {'blocking' if self.blocking else 'non-blocking'}"


@frozen
class Deselect:
    """The timeout of a thread's poll or select is over."""

    thread: str

    def __str__(self) -> str:
        return f"timeout of {self.thread}"


@frozen
class Signal:
    """Send a signal that has a handler to a thread."""

    thread: str

    def __str__(self) -> str:
        return f"signal to {self.thread}"


@frozen
class InterfaceUp:
    """`ifconfig up`."""

    def __str__(self) -> str:
        return "interface up"


@frozen
class InterfaceDown:
    """`ifconfig down`."""

    def __str__(self) -> str:
        return "interface down"


@frozen
class SetMtu:
    """Set the interface's MTU."""

    mtu: int

    def __str__(self) -> str:
        return f"set the MTU to {self.mtu}"


@frozen
class Delete:
    """Delete the interface."""

    def __str__(self) -> str:
        return "delete the interface"


@frozen
class Transmit:
    """The stack sends a packet to the application."""

    packet: Packet

    def __str__(self) -> str:
        return f"transmit {self.packet}"


@frozen
class Deliver:
    """The stack's reader thread takes what the application has written, and hands it on."""

    def __str__(self) -> str:
        return "deliver"


FileOperation = Close | Read | Write | Poll | Select | SetBlocking
Operation = (
    FileOperation
    | Open
    | Deselect
    | Signal
    | InterfaceUp
    | InterfaceDown
    | SetMtu
    | Delete
    | Transmit
    | Deliver
)
