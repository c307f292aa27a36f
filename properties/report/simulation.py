"""The log of a simulation, and its packets as a pcap file.

A file that exists is not replaced unless that is asked for, and a new one is written beside its
place and then renamed, so that it is whole or not there.
"""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from haiku_tuntap.model.packet import (
    QUEUE_BYTES,
    Framing,
    Kind,
    fields_read,
    link_type,
    write_pcap,
)
from haiku_tuntap.model.packet.fields import describe_type
from haiku_tuntap.model.packet.pcap import LINK_TYPE_ETHERNET
from haiku_tuntap.model.status import B_BAD_DATA, B_OK, ENOBUFS, Status
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.report.words import count
from haiku_tuntap.properties.simulate import (
    STEP_LIMIT,
    Direction,
    Entry,
    Simulation,
    WorkloadPacket,
)


def print_simulation(console: Console, simulation: Simulation, driver: str, seed: int) -> None:
    """The whole log: what became of each packet in which step, and how the run ended."""

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    kind = simulation.framing.kind.value
    offered = count(len(simulation.packets), "packet")
    say(f"{driver}, {kind}, seed {seed}: {offered}; a step takes 1 ms\n")
    say("step  packet")
    for entry in simulation.entries:
        say(f"{entry.step:>4}  {_line(simulation.framing, entry)}")
    steps = ", ".join(f"{name} {taken}" for name, taken in simulation.steps_by_thread.items())
    say(f"\n{count(len(simulation.schedule), 'step')}: {steps}")
    say(f"{len(simulation.crossed)} crossed the interface, {len(simulation.refused)} refused")
    for packet in simulation.left:
        say(f"#{packet.number} neither arrived nor was refused")
    for asleep in simulation.asleep:
        say(f"{asleep} at the end, and nobody will come")
    for violation in simulation.violations:
        say(f"violation: {violation.text}")
    if simulation.stopped:
        say(f"stopped after {STEP_LIMIT:,} steps, which is the limit")


def _line(framing: Framing, entry: Entry) -> str:
    if entry.packet is None:
        return entry.what + (f": {entry.status.name}" if entry.status != B_OK else "")
    packet = entry.packet
    if entry.status != B_OK:
        text = _refusal(framing, packet, entry)
    else:
        text = describe(framing, packet.data) + _remark(entry)
    return f"#{packet.number:<3} {packet.direction.value:<19}  {entry.what:<7}  {text}"


def _refusal(framing: Framing, packet: WorkloadPacket, entry: Entry) -> str:
    text = f"{entry.status.name}: {reason(framing, packet, entry.status)}"
    judged = entry.crossing
    # What else is in the queue is not the framing's business.
    if judged is not None and judged.status != entry.status and entry.status != ENOBUFS:
        text += f"; the framing text says {judged.status.name}"
    return text


def _remark(entry: Entry) -> str:
    judged = entry.crossing
    if judged is None:
        return ""
    if judged.status != B_OK:
        return f"; the framing text refuses it with {judged.status.name}"
    if judged.handled is False:
        return "; then freed, as nobody is registered for its type"
    return ""


def reason(framing: Framing, packet: WorkloadPacket, status: Status) -> str:
    """Why a packet is refused with that status, in words."""
    if status == ENOBUFS and len(packet.data) > QUEUE_BYTES:
        return f"it is larger than the whole queue, which holds {QUEUE_BYTES:,} bytes"
    if status == ENOBUFS:
        return "the queue is full"
    if status == B_BAD_DATA and framing.kind is Kind.TUN:
        if packet.direction is Direction.TO_STACK:
            return f"its first nibble is {packet.data[0] >> 4}, and not 4 or 6"
        return f"its type is {describe_type(packet.frame_type)}, and not IPv4 or IPv6"
    return "the driver gives no reason"


_ICMP_TYPES = {"0": "echo reply", "8": "echo request", "128": "echo request", "129": "echo reply"}
_PROTOCOLS = {"1": "ICMP", "17": "UDP", "58": "ICMPv6"}
_OPERATIONS = {"1": "request", "2": "reply"}


def describe(framing: Framing, data: bytes) -> str:
    """A packet in one line, by the fields that `model/packet/fields.py` names."""
    named = {(field.layer, field.name): field.text for field in fields_read(framing, data)}
    words = []
    for layer, protocol in (("IPv4", "protocol"), ("IPv6", "next header")):
        if (layer, protocol) in named:
            between = f"{named[layer, 'source']} → {named[layer, 'destination']}"
            carried = named[layer, protocol]
            words += [layer, between, _PROTOCOLS.get(carried, f"protocol {carried}")]
    if ("ICMP", "type") in named:
        kind = named["ICMP", "type"]
        words.append(_ICMP_TYPES.get(kind, f"type {kind}"))
    if ("ARP", "operation") in named:
        operation = named["ARP", "operation"]
        sender, target = (named["ARP", f"{who} protocol address"] for who in ("sender", "target"))
        words += ["ARP", _OPERATIONS.get(operation, operation), f"{sender} → {target}"]
    if not words:
        words.append(f"not IP (begins with {data[:4].hex(' ')})")
    return f"{' '.join(words)}, {count(len(data), 'byte')}"


def require_new_file(path: Path, *, force: bool) -> None:
    """Say now, and not after the run, that a file cannot or must not be written."""
    if path.is_dir():
        raise InputError(f"--pcap {path}: this is a directory; give the name of a file")
    if path.exists() and not path.is_file():
        raise InputError(f"--pcap {path}: this is not a file; give the name of one")
    if path.exists() and not force:
        raise InputError(
            f"--pcap {path}: this file exists; give another name, or --force to replace it"
        )
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"--pcap {path}: there is no directory {folder}")
    if not os.access(folder, os.W_OK):
        raise InputError(f"--pcap {path}: no permission to write there")


def save_pcap(path: Path, simulation: Simulation, *, force: bool) -> str:
    """Write what crossed the interface, and say so."""
    require_new_file(path, force=force)
    link = link_type(simulation.framing)
    place = path.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        try:
            write_pcap(beside, link, simulation.captured)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"--pcap {path}: cannot write it: {error.strerror}") from error
    name = "Ethernet" if link == LINK_TYPE_ETHERNET else "raw IP"
    written = count(len(simulation.captured), "packet")
    return f"wrote {written} to {path} (link type {link}, {name})"
