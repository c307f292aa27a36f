"""A non-blocking call never waits for data. (What each call is about, the monitor Calls knows.)"""

from __future__ import annotations

from haiku_tuntap.properties.calls import calls
from haiku_tuntap.properties.property import Property

NONBLOCKING = Property(
    id="nonblocking",
    title="A non-blocking call never waits for data.",
    statement="A read or write on a file with O_NONBLOCK never sleeps in a semaphore. It may wait "
    "for a mutex, which is held for a short time only.",
    source="READ-4, WRITE-5; POSIX read: O_NONBLOCK; tunnel.cpp:136-160",
    codes=frozenset({"nonblocking-waits"}),
    monitors=(calls,),
    witness=frozenset({"a non-blocking call"}),
)
