"""The drivers: today's, its repair, and two repairs that were considered. Start with tunnel.py."""

from haiku_tuntap.model.drivers import invariants
from haiku_tuntap.model.drivers.driver import Driver, KnownDefect
from haiku_tuntap.model.drivers.known_defects import KNOWN_IN_TUNNEL, SELECT_CLOSE
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.drivers.tunnel_flag_only import TUNNEL_FLAG_ONLY
from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.drivers.tunnel_semaphore import TUNNEL_SEMAPHORE

__all__ = ["DRIVERS", "Driver", "KnownDefect", "driver_named", "invariants"]

# The repairs derive from the driver, so it can only know of them here.
TUNNEL.known = KNOWN_IN_TUNNEL
TUNNEL_REPAIRED.known = (SELECT_CLOSE,)

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        TUNNEL,
        TUNNEL_REPAIRED,
        TUNNEL_FLAG_ONLY,
        TUNNEL_SEMAPHORE,
        *(defect.repair for defect in KNOWN_IN_TUNNEL if defect.repair is not None),
    )
}


def driver_named(name: str) -> Driver:
    """The shipped driver of that name."""
    if name not in DRIVERS:
        raise LookupError(f"there is no driver named {name}; there are {', '.join(DRIVERS)}")
    return DRIVERS[name]
