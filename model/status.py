"""Haiku's status codes, as far as the modelled code returns them.

A status is B_OK or an error; `read`, `select` and the like return one where C++ returns a
`status_t`. The numbers are ours (small, stable, B_OK is 0): nothing in the modelled code computes
with them, and small numbers keep states small.
"""

from enum import IntEnum


class Status(IntEnum):
    """What a call returned (headers/os/support/Errors.h, headers/posix/errno.h)."""

    B_OK = 0
    B_INTERRUPTED = 1
    B_WOULD_BLOCK = 2
    B_NO_MEMORY = 3
    B_BAD_VALUE = 4
    B_BAD_DATA = 5
    B_BAD_ADDRESS = 6
    B_BAD_SEM_ID = 7
    B_FILE_ERROR = 8
    B_DEVICE_NOT_FOUND = 9
    B_DEV_INVALID_IOCTL = 10
    B_ENTRY_NOT_FOUND = 11
    B_TIMED_OUT = 12
    B_ERROR = 13
    B_NO_MORE_FDS = 14
    B_UNSUPPORTED = 15
    B_BUSY = 16
    EBUSY = 17
    ENODEV = 18
    ENOBUFS = 19
    ENOTTY = 20
    EOPNOTSUPP = 21
    EIO = 22
    EEXIST = 23
    ENAMETOOLONG = 24
    ENOSPC = 25
    B_NAME_IN_USE = 26
    B_NO_MORE_SEMS = 27


B_OK = Status.B_OK
B_INTERRUPTED = Status.B_INTERRUPTED
B_WOULD_BLOCK = Status.B_WOULD_BLOCK
B_NO_MEMORY = Status.B_NO_MEMORY
B_BAD_VALUE = Status.B_BAD_VALUE
B_BAD_DATA = Status.B_BAD_DATA
B_BAD_ADDRESS = Status.B_BAD_ADDRESS
B_BAD_SEM_ID = Status.B_BAD_SEM_ID
B_FILE_ERROR = Status.B_FILE_ERROR
B_DEVICE_NOT_FOUND = Status.B_DEVICE_NOT_FOUND
B_DEV_INVALID_IOCTL = Status.B_DEV_INVALID_IOCTL
B_ENTRY_NOT_FOUND = Status.B_ENTRY_NOT_FOUND
B_TIMED_OUT = Status.B_TIMED_OUT
B_ERROR = Status.B_ERROR
B_NO_MORE_FDS = Status.B_NO_MORE_FDS
B_UNSUPPORTED = Status.B_UNSUPPORTED
B_BUSY = Status.B_BUSY
EBUSY = Status.EBUSY
ENODEV = Status.ENODEV
ENOBUFS = Status.ENOBUFS
ENOTTY = Status.ENOTTY
EOPNOTSUPP = Status.EOPNOTSUPP
EIO = Status.EIO
EEXIST = Status.EEXIST
ENAMETOOLONG = Status.ENAMETOOLONG
ENOSPC = Status.ENOSPC
B_NAME_IN_USE = Status.B_NAME_IN_USE
B_NO_MORE_SEMS = Status.B_NO_MORE_SEMS
