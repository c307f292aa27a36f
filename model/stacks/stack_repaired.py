"""The repaired driver in a stack with all repairs: what is left is nobody's here.

Two of the repairs touch what a third one does, and compose: revival takes a device interface off
the list and calls tear_down, which is consumer-teardown's; double-up's remove_interface drops its
references as before.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel_repaired import TUNNEL_REPAIRED
from haiku_tuntap.model.stacks.consumer_teardown import CONSUMER_TEARDOWN_REPAIRED
from haiku_tuntap.model.stacks.double_up import DOUBLE_UP_REPAIRED
from haiku_tuntap.model.stacks.revival import REVIVAL_REPAIRED

STACK_REPAIRED = TUNNEL_REPAIRED.derive(
    "stack-repaired", "tunnel-repaired in a stack with every known defect repaired, too"
)
for repaired in (CONSUMER_TEARDOWN_REPAIRED, DOUBLE_UP_REPAIRED, REVIVAL_REPAIRED):
    for original, replacement in repaired.replacements.items():
        STACK_REPAIRED.replaces(original)(replacement)
