"""Where reports are written: a terminal, or a file or pipe that gets plain text.

What is not a terminal gets 100 columns, unless COLUMNS says otherwise, so that the report of a
run in the background reads like that of one that was watched.
"""

from __future__ import annotations

import io
import os
import sys

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
    return Console(file=stream, highlight=False, width=_plain_width())


def _plain_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return max(int(columns), 40) if columns.isdigit() else PLAIN_WIDTH
