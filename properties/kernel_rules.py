"""The rules of the kernel that a driver has to keep."""

from __future__ import annotations

from haiku_tuntap.properties.property import Property

KERNEL_RULES = Property(
    id="kernel-rules",
    title="The kernel's rules are kept.",
    statement="No thread unlocks a mutex that it does not hold, or locks one that it holds, and "
    "none is destroyed while it is held. No second reader thread is started while the first runs. "
    "No interface is destroyed while it is up. The driver does not panic. It never tells the "
    "reader thread that its device is gone, for then the stack would remove the interface.",
    source="MUTEX-2, UP-4, UP-5, DELIVER-3; kernel/locks/lock.cpp:1027, 1075; "
    "stack/device_interfaces.cpp:80-82, 538",
    codes=frozenset({"lock-discipline", "kernel-thread", "device-removed", "assertion", "panic"}),
    witness=frozenset({"a mutex was unlocked"}),
)
