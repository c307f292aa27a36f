"""Small pieces of text that several reports share."""

from __future__ import annotations

import re
from textwrap import TextWrapper

from haiku_tuntap.model.drivers import KnownDefect
from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.loading import shorten


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 scenario`, `3 scenarios`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time that is easy to compare with others in a column."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds >= 9.995 else f"{seconds:.2f} s"


def whose(defect: KnownDefect) -> str:
    """Behind a defect's name: whose it is, if it is not the driver's."""
    return "" if defect.owner == "driver" else f" (the {defect.owner}'s)"


def place(where: Where) -> str:
    """A line of the model or of the user's file, as short as it can be found by."""
    return f"{shorten(where.file)}:{where.line}"


def without_device(text: str) -> str:
    """The text with `device.` left out before names: there is one device in every scenario."""
    return re.sub(r"(?<![\w.])device\.(?=[A-Za-z_])", "", text)


def wrapped(text: str, width: int, hang: str = "  ") -> list[str]:
    """The text in lines of that width; names that are too long are broken after a dot."""
    wrapper = _NameWrapper if any(len(word) > width for word in text.split()) else TextWrapper
    return wrapper(width=max(width, 8), subsequent_indent=hang, break_on_hyphens=False).wrap(text)


class _NameWrapper(TextWrapper):
    # textwrap splits by this expression when it is not to break at hyphens.
    wordsep_simple_re = re.compile(r"(\s+)|(?<=[.(])(?=\w)")
