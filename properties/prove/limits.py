"""How long something may take: whoever tells how far it is learns when the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable


class OutOfTimeError(Exception):
    """Something took longer than it may."""


def within(
    seconds: float | None, tell: Callable[[str, int, int], None]
) -> Callable[[str, int, int], None]:
    """A function that tells the same, and raises OutOfTimeError when the time is over."""
    until = time.perf_counter() + seconds if seconds is not None else float("inf")

    def told(what: str, done: int, of: int) -> None:
        if time.perf_counter() > until:
            raise OutOfTimeError
        tell(what, done, of)

    return told
