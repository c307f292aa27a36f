"""Small pieces of text that several reports share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.loading import shorten

_PATH = re.compile(r"(?<![\w./])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)(?![\w/])")
_SOURCE_SUFFIXES = {".cpp", ".h", ".c", ".py"}


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 scenario`, `3 scenarios`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time that is easy to compare with others in a column."""
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def place(where: Where) -> str:
    """A line of the model or of the user's file, as short as it can be found by."""
    return f"{shorten(where.file)}:{where.line}"


def prefix_to_drop(texts: Iterable[str]) -> str | None:
    """The record whose name can be left out before the names of its fields (`device`).

    The one that is named most often, provided that no other name can be taken for one of its.
    """
    paths = {match.groups() for text in texts for match in _PATH.finditer(text)}
    paths = {(root, rest) for root, rest in paths if rest not in _SOURCE_SUFFIXES}
    if not paths:
        return None
    prefix = Counter(root for root, _ in sorted(paths)).most_common(1)[0][0]
    short = {rest.split(".")[1] for root, rest in paths if root == prefix}
    return None if short & ({root for root, _ in paths} - {prefix}) else prefix


def drop_prefix(text: str, prefix: str | None) -> str:
    """The text with `prefix.` left out before names of fields."""
    if prefix is None:
        return text

    def shortened(match: re.Match[str]) -> str:
        root, rest = match.groups()
        if root != prefix or rest in _SOURCE_SUFFIXES:
            return match.group()
        return str(rest[1:])

    return _PATH.sub(shortened, text)
