"""What a proof for any number of threads leaves out, in words: part of every report."""

from __future__ import annotations

ABSTRACTED = (
    "Wake order: whoever waits may be woken first. A proof covers every order, that of Haiku's "
    "queues among them.",
    "Packets are counted: which packet is which, and their order, are not kept.",
    "Every packet has size 1, so that a full queue is one of so many packets; refusal by bytes is "
    "not covered.",
    "References: all file descriptors are one record, used again and again, and so are all "
    "cookies. That memory is used only while it is allocated is not claimed.",
    "There is one device.",
    "Integers have no bounds. `waiting` stays too high by one for each read that a signal "
    "interrupts; in 32 bits it would wrap after about 2^31 of them.",
    "That one particular reader is ever served is not claimed, nor how soon anything happens.",
)
