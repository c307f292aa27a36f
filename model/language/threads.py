"""Threads: what a scheduler knows about one, and what primitives may ask of it."""

from __future__ import annotations

from typing import Any

from haiku_tuntap.model.language.records import final, internal, record


@record
class Thread:
    """One thread of a system.

    `waits_on` is the record in whose queue the thread sleeps, if a signal may take it out of there.
    """

    name: str = final()
    signalled: bool = internal(default=False)
    waits_on: Any = internal(default=None)
