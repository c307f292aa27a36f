"""The drivers: today's, its repair, and two repairs that were considered. Start with tunnel.py.

Those whose defects are the stack's are in model/stacks/.
"""

from haiku_tuntap.model.drivers import (
    invariants,
    tunnel_life,  # noqa: F401  # completes TUNNEL
)
from haiku_tuntap.model.drivers.driver import Driver, KnownDefect
from haiku_tuntap.model.drivers.known_defects import KNOWN_IN_TUNNEL, NOT_THE_DRIVERS, SELECT_CLOSE
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.drivers.tunnel_flag_only import TUNNEL_FLAG_ONLY
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.drivers.tunnel_semaphore import TUNNEL_SEMAPHORE
from haiku_tuntap.model.stacks.stack_repaired import STACK_REPAIRED

__all__ = ["DRIVERS", "Driver", "KnownDefect", "driver_named", "invariants"]

# The repairs derive from the driver, so it can only know of them here.
TUNNEL.known = KNOWN_IN_TUNNEL
TUNNEL_REPAIRED.known = NOT_THE_DRIVERS
STACK_REPAIRED.known = (SELECT_CLOSE,)

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        TUNNEL,
        TUNNEL_REPAIRED,
        TUNNEL_FLAG_ONLY,
        TUNNEL_SEMAPHORE,
        STACK_REPAIRED,
        *(defect.repair for defect in KNOWN_IN_TUNNEL if defect.repair is not None),
    )
}


def driver_named(name: str) -> Driver:
    """The shipped driver of that name."""
    if name not in DRIVERS:
        raise LookupError(f"there is no driver named {name}; there are {', '.join(DRIVERS)}")
    return DRIVERS[name]
