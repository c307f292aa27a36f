"""A trace, drawn for people: a column per thread, a row per step, and at the end why.

Only one thread acts in a row, so its text may run over the columns to its right, which are
empty there; to its left the other threads go on as thin lines. On a wide terminal the changed
variables and both places in the source stand to the right of the step, on a narrow one the
changes stand below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from attrs import frozen
from rich.text import Text

from haiku_tuntap.properties.report.words import count, place, without_device, wrapped
from haiku_tuntap.properties.verdict import Trace, TraceStep

THREAD_STYLES = ("cyan", "magenta", "green", "yellow", "blue", "red")
NUMBER = 4  # columns for the number of a step
GAP = 2
WIDE = 80  # with this much room left for threads and changes, the two stand side by side


@frozen
class _Layout:
    """Where things stand: widths in columns, and the first column of each thread."""

    width: int
    lanes: tuple[int, ...]  # from the end of the step's number
    threads: int  # the room for all threads together
    changes: int  # 0: below the step
    sources: int  # the room for the places in Haiku; those in the model stand right of them
    places: int  # the room for both, 0: below the step
    wide: bool


def trace_lines(trace: Trace, width: int, reasons: Sequence[str] = ()) -> list[Text]:
    """The trace as lines of text, none longer than `width`, with `reasons` after its own."""
    layout = _layout(trace, width)
    lines = _header(trace, layout)
    for step in trace.steps:
        lines += _row(step, layout)
    lines.append(Text())
    for sentence in dict.fromkeys((*trace.conclusion, *reasons)):
        shown = without_device(sentence)
        lines += [Text(line, "bold") for line in wrapped(shown, width - 1, " " * NUMBER)]
    lines.append(Text())
    lines += [Text(line, "dim") for line in wrapped(_notes(trace), width - 1, "")]
    return lines


def _layout(trace: Trace, width: int) -> _Layout:
    sources = max((len(step.source or "") for step in trace.steps), default=0)
    models = max((len(place(step.where)) for step in trace.steps if step.where), default=0)
    room = width - NUMBER - GAP
    wide = room - sources - models - 2 * GAP >= WIDE
    places = sources + GAP + models if wide else max(sources, models)
    room -= places + GAP
    number = len(trace.threads)
    if room < 20 + 10 * number:  # a narrow terminal: the places go below, too
        places, room = 0, width - NUMBER - GAP
    changes = room // 2 if wide else 0
    room -= changes + GAP if changes else 0
    # The last column keeps the room that a step needs; the others share what is before it.
    share = max((room - 30) // max(number - 1, 1), 6)
    names = max((len(name) for name in trace.threads), default=0)
    lane = min(share, max(names + GAP, 10))
    lanes = tuple(lane * n for n in range(number))
    return _Layout(width, lanes, room, changes, sources, places, wide)


def _header(trace: Trace, layout: _Layout) -> list[Text]:
    """The names of the threads above their columns, in as many lines as they need."""
    lane = layout.lanes[1] if len(layout.lanes) > 1 else layout.threads
    names = [wrap(name, lane - 1) for name in trace.threads]
    height = max((len(name) for name in names), default=1)
    lines = []
    for row in range(height):
        last = row == height - 1
        line = Text("step".rjust(NUMBER) if last else "").append(" " * GAP if last else "")
        for thread, name in enumerate(names):
            shown = name[row - height + len(name)] if row >= height - len(name) else ""
            _pad(line, NUMBER + GAP + layout.lanes[thread])
            line.append(shown, f"bold {_style(thread)}")
        if last and layout.changes:
            _pad(line, NUMBER + GAP + layout.threads + GAP)
            line.append("changes", "bold")
        if last and layout.places:
            _pad(line, layout.width - layout.places)
            line.append("source", "bold")
        lines.append(line)
    return lines


def _row(step: TraceStep, layout: _Layout) -> list[Text]:
    """One step: what its thread did, what changed, and where."""
    start = layout.lanes[step.thread]
    room = layout.threads - start - 1
    action = without_device(step.action)
    outcome = f", {without_device(step.outcome)}" if step.outcome else ""
    doing = [Text(line, _style(step.thread)) for line in wrapped(f"{action}{outcome}", room)]
    changes = _changes(step, layout.changes or room - 2)
    places = [Text(text, "dim") for text in _places(step, layout, room)]
    beside: list[Text] = []
    if layout.changes:
        beside = changes
    else:
        doing += [Text("  ").append_text(change) for change in changes]
    if not layout.places:
        doing += [Text("  ").append_text(text) for text in places]
        places = []
    lines = []
    for n in range(max(len(doing), len(beside), len(places))):
        line = Text(str(step.number).rjust(NUMBER) if n == 0 else " " * NUMBER)
        for lane in layout.lanes[: step.thread]:
            _pad(line, NUMBER + GAP + lane)
            line.append("|", "dim")
        _put(line, NUMBER + GAP + start, doing, n)
        _put(line, NUMBER + GAP + layout.threads + GAP, beside, n)
        _put(line, layout.width - layout.places, places, n)
        line.rstrip()
        lines.append(line)
    return lines


def _changes(step: TraceStep, width: int) -> list[Text]:
    """The changed variables, as many in a line as fit."""
    lines: list[str] = []
    whole = False  # whether the last line is a change of its own, and not the end of a long one
    for change in step.changes:
        name, before, after = (
            without_device(text) for text in (change.name, change.before, change.after)
        )
        shown = f"{name}: {before} → {after}" if before else f"{name} = {after}"
        if whole and len(lines[-1]) + 3 + len(shown) <= width:
            lines[-1] += f";  {shown}"
            continue
        added = wrapped(shown, width)
        whole = len(added) == 1
        lines += added
    return [Text(line, "italic") for line in lines]


def _places(step: TraceStep, layout: _Layout, room: int) -> list[str]:
    """The place in Haiku, then the place in the model."""
    source, model = step.source or "", place(step.where) if step.where else ""
    if layout.wide:
        return [f"{source:{layout.sources + GAP}}{model}"]
    texts = [text for text in (source, model) if text]
    if layout.places:
        return texts
    return [line for text in texts for line in wrap(text, room - 2)]


def _notes(trace: Trace) -> str:
    grain = {
        True: " No run with fewer steps does this.",
        False: " Found by a reduced search and written out in full; a shorter run may exist.",
        None: "",
    }[trace.shortest]
    return f"{count(len(trace.steps), 'step')}.{grain} Names without a record are the device's."


def _put(line: Text, column: int, texts: list[Text], n: int) -> None:
    if n < len(texts):
        _pad(line, column)
        line.append_text(texts[n])


def _pad(line: Text, column: int) -> None:
    line.append(" " * max(column - len(line.plain), 0))


def _style(thread: int) -> str:
    return THREAD_STYLES[thread % len(THREAD_STYLES)]
