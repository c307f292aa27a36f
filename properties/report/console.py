"""Where reports are written: a terminal, or a file or pipe that gets plain text.

What is not a terminal gets 100 columns, unless COLUMNS says otherwise, so that the report of a
run in the background reads like that of one that was watched.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import IO, TextIO, cast

from rich.console import Console

PLAIN_WIDTH = 100


def console_for(*, stderr: bool = False) -> Console:
    """A console on the standard output, or on the standard error."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A terminal without arrows and dashes shows a question mark in their place.
        stream.reconfigure(errors="replace")
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(
        file=cast(IO[str], _WithoutPadding(stream)), highlight=False, width=_plain_width()
    )


class _WithoutPadding(io.TextIOBase):
    """A stream without the spaces with which rich fills up its lines."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(re.sub(r" +(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


def _plain_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return max(int(columns), 40) if columns.isdigit() else PLAIN_WIDTH
