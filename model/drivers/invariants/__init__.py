"""What is true of all reachable states of a driver, for any number of threads, and why.

Each module declares conjuncts with the driver that they are about; importing it is enough.
"""

from haiku_tuntap.model.drivers.invariants import (
    closing,
    file,
    interface,
    kernel,
    opening,
    rival,
)

__all__ = ["closing", "file", "interface", "kernel", "opening", "rival"]
