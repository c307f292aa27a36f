"""All properties, by id, in the order in which they are shown."""

from haiku_tuntap.properties.blocking import NONBLOCKING
from haiku_tuntap.properties.devices import (
    DEVICE_TABLE,
    GIVEN_BACK,
    LOADED_CODE,
    OPEN_DEVICE,
)
from haiku_tuntap.properties.kernel_rules import KERNEL_RULES
from haiku_tuntap.properties.opening import EXCLUSIVE_OPEN, OWN_FILE
from haiku_tuntap.properties.ownership import OWNERSHIP
from haiku_tuntap.properties.packets import OWN_PACKETS, PACKETS
from haiku_tuntap.properties.progress import DELETE_RETURNS, INTERFACE_DOWN_RETURNS, NO_DEADLOCK
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.readiness import HONEST_SELECT
from haiku_tuntap.properties.wakeups import NO_LOST_WAKEUP

PROPERTIES: dict[str, Property] = {
    p.id: p
    for p in (
        NO_LOST_WAKEUP,
        NO_DEADLOCK,
        INTERFACE_DOWN_RETURNS,
        DELETE_RETURNS,
        NONBLOCKING,
        EXCLUSIVE_OPEN,
        OWN_FILE,
        OWN_PACKETS,
        PACKETS,
        OWNERSHIP,
        HONEST_SELECT,
        KERNEL_RULES,
        OPEN_DEVICE,
        DEVICE_TABLE,
        GIVEN_BACK,
        LOADED_CODE,
    )
}
