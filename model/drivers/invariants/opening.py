"""What is true while files of a device are closed and opened again.

The device has one owner at a time: an open in flight that has taken the open count, a file that is
in use, or the last call on a file, which is about to give the open count back. *owned* counts them.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.invariants.queue import wants
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.descriptors import put_fd
from haiku_tuntap.model.kernel.hooks import device_close, device_free, device_open
from haiku_tuntap.model.kernel.select_calls import select_fd
from haiku_tuntap.model.kernel.system_calls import get_new_fd, user_close, user_open
from haiku_tuntap.model.language.invariants import (
    Fact,
    Facts,
    Number,
    about_to,
    holds,
    inside,
    local_is,
    next_is,
    refers_to,
    woken_in,
)
from haiku_tuntap.model.status import EBUSY


def numbers(state: Facts) -> Number:
    """How many numbers mean a file."""
    fd3, fd4 = state.files.fd3.descriptor, state.files.fd4.descriptor
    return state.choose(fd3 != 0, 1, 0) + state.choose(fd4 != 0, 1, 0)


def in_calls(state: Facts) -> Number:
    """How many calls have looked the file up and have still to put it back."""
    makes_it = next_is("store(descriptor.ref_count)") | next_is("install(files)")
    return state.count(refers_to(state.file) & ~makes_it)


def installing(state: Facts) -> Number:
    """How many opens are about to give their file a number."""
    return state.count(next_is("install(files)"))


@TUNNEL.invariant("reopen", why="Who takes the open count gives it back, or hands it to a file.")
def owned(state: Facts) -> Fact:
    device = state.device
    taking = about_to(device.open_count.or_) | woken_in(device.devices.lock)
    opening = inside(device_open) & holds(device.devices.lock) & ~taking
    opening &= ~local_is("status", EBUSY)
    handing = inside(get_new_fd) & (
        next_is("allocate(FileDescriptor)") | next_is("store(descriptor.ref_count)")
    )
    in_use = state.choose(state.file.ref_count.value > 0, 1, 0)
    returning = inside(device_free) & (
        wants(device.devices.lock) | about_to(device.open_count.and_)
    )
    owners = state.count(opening | handing) + in_use + state.count(returning)
    return state.every(
        device.open_count.value >= 0,
        device.open_count.value <= 1,
        device.open_count.value == owners,
    )


@TUNNEL.invariant("reopen", why="A file that has no number yet is known to its open alone.")
def new_files_are_unknown(state: Facts) -> Fact:
    file = state.file
    return state.implies(
        installing(state) > 0,
        state.every(file.ref_count.value == 1, file.open_count.value == 0),
    )


@TUNNEL.invariant("reopen", why="Nobody gives up an open that has made its file.")
def opens_succeed(state: Facts) -> Fact:
    failing = inside(user_open) & (
        next_is("free(descriptor)") | inside(device_close) | inside(device_free)
    )
    return state.count(failing) == 0


@TUNNEL.invariant("reopen", why="Every call in flight, the number, and a new file's open have one.")
def references_while_reopened(state: Facts) -> Fact:
    return state.file.ref_count.value == numbers(state) + in_calls(state) + installing(state)


@TUNNEL.invariant("reopen", why="The number, and who closes it, each keep the file open.")
def open_counts_while_reopened(state: Facts) -> Fact:
    keeping = (inside(user_close) | inside(select_fd)) & refers_to(state.file)
    keeping &= ~inside(put_fd) & ~inside(device_close)
    return state.file.open_count.value == numbers(state) + state.count(keeping)
