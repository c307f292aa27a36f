"""Copying between buffers and the memory of an application, which may fault."""

from __future__ import annotations

from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.events import copy_faulted, packet_delivered
from haiku_tuntap.model.language import Chance, happens, procedure
from haiku_tuntap.model.status import B_BAD_ADDRESS, B_OK, Status

USER_COPY = Chance("user copy", "The application passed an address which is not mapped.")


@procedure(source="stack/net_buffer.cpp:1508-1552")
async def copy_to_user(buffer: NetBuffer) -> Status:
    """Copy a packet to the reading application: this is the moment it is delivered."""
    if await happens(USER_COPY):  # :1532
        copy_faulted(buffer)  # :1532
        return B_BAD_ADDRESS  # :1533
    packet_delivered(buffer, buffer.size)  # :1532
    return B_OK  # :1551


@procedure(source="stack/net_buffer.cpp:1775-1795")
async def copy_from_user(buffer: NetBuffer) -> Status:
    """Append the data of the writing application to a new buffer."""
    if await happens(USER_COPY):  # :1787
        copy_faulted(buffer)  # :1787
        return B_BAD_ADDRESS  # :1788
    return B_OK  # :1794
