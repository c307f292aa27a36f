"""The state of one device: its interface, its files, its two queues, and the calls inside."""

from __future__ import annotations

from attrs import evolve, frozen

from haiku_tuntap.model.profiles import Profile, Unit
from haiku_tuntap.model.reference.operations import (
    FileOperation,
    Kind,
    Operation,
    Packet,
    Read,
    Result,
)


@frozen
class File:
    """An open file, or one that was closed while calls are inside.

    It stays for as long as a call that used it has not returned: the driver's free hook runs last.
    """

    number: int
    nonblocking: bool = False
    closed: bool = False

    def __str__(self) -> str:
        mode = " non-blocking" if self.nonblocking else ""
        return f"file {self.number}{mode}{' closed' if self.closed else ''}"


@frozen
class Call:
    """A call that was begun and has not returned.

    It takes effect at one instant in between; `ended` says that this has been. `late`: its file
    was closed before it looked. `signalled`, `expired`: a signal has arrived, its timeout is over.
    `may_wait`, `may_refuse`: its file was blocking, was non-blocking, at some instant of the call.
    """

    thread: str
    operation: Operation
    late: bool = False
    signalled: bool = False
    expired: bool = False
    may_wait: bool = True
    may_refuse: bool = False
    ended: bool = False

    def __str__(self) -> str:
        notes = [name for name in ("late", "signalled", "expired", "ended") if getattr(self, name)]
        return f"{self.thread}: {self.operation}{''.join(f', {note}' for note in notes)}"


@frozen
class State:
    """One device. `calls` is sorted by thread, so that equal states compare equal."""

    kind: Kind
    capacity: int
    mtu: int = 1500
    up: bool = False
    deleted: bool = False
    files: tuple[File, ...] = ()
    to_application: tuple[Packet, ...] = ()
    to_stack: tuple[Packet, ...] = ()
    calls: tuple[Call, ...] = ()

    def file(self, number: int) -> File | None:
        """The file with that number, closed or not."""
        return next((file for file in self.files if file.number == number), None)

    def call(self, thread: str) -> Call | None:
        """The call in which a thread is."""
        return next((call for call in self.calls if call.thread == thread), None)

    def uses(self, file: File) -> bool:
        """Whether a call that uses the file has not returned."""
        return any(
            isinstance(call.operation, FileOperation)
            and call.operation.file == file.number
            and not call.late
            for call in self.calls
        )

    def with_file(self, file: File) -> State:
        """The state with that file in place of the one that has its number."""
        others = tuple(other for other in self.files if other.number != file.number)
        return evolve(self, files=tuple(sorted((*others, file), key=lambda f: f.number)))

    def with_call(self, call: Call) -> State:
        """The state with that call in place of its thread's."""
        others = tuple(other for other in self.calls if other.thread != call.thread)
        return evolve(self, calls=tuple(sorted((*others, call), key=lambda c: c.thread)))

    def tidy(self) -> State:
        """The state without the closed files that no call uses any more."""
        return evolve(self, files=tuple(f for f in self.files if not f.closed or self.uses(f)))

    def __str__(self) -> str:
        def row(values: tuple[object, ...]) -> str:
            return ", ".join(map(str, values)) or "none"

        condition = "deleted" if self.deleted else "up" if self.up else "down"
        return (
            f"{self.kind.value} {condition}, MTU {self.mtu}; files: {row(self.files)}; "
            f"to application: {row(self.to_application)}; to stack: {row(self.to_stack)}; "
            f"calls: {row(self.calls)}"
        )


@frozen(repr=False)
class Outcome:
    """One way in which a call may end now: with which result, in which state, by which clause.

    `promised` is false for what a platform may do and may leave; a call of which only such
    outcomes are left may sleep on. A result of None means that the call waits.
    """

    result: Result | None
    state: State
    clause: str
    promised: bool = True

    def __str__(self) -> str:
        what = "waits" if self.result is None else str(self.result)
        return f"{what} ({self.clause}{'' if self.promised else ', not promised'})"

    __repr__ = __str__


def fits(queue: tuple[Packet, ...], packet: Packet, capacity: int, profile: Profile) -> bool:
    """QUEUE-1: a packet fits if with it the queue does not exceed its capacity."""
    if profile.queue_unit.value is Unit.PACKETS:
        return len(queue) < capacity
    return sum(queued.size for queued in queue) + packet.size <= capacity


def mode_changed(call: Call, number: int, nonblocking: bool) -> Call:
    """A read under way, after its file's mode was set: it may have looked before or after."""
    if not isinstance(call.operation, Read) or call.operation.file != number or call.ended:
        return call
    return evolve(
        call,
        may_wait=call.may_wait or not nonblocking,
        may_refuse=call.may_refuse or nonblocking,
    )
