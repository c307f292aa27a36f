"""The table of a check, scenario by scenario, and its summary in one line.

Properties that simply hold in a scenario share a row, so that the others are seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from attrs import evolve
from rich.table import Table
from rich.text import Text

from haiku_tuntap.model.drivers import KnownDefect
from haiku_tuntap.properties.known import Classified
from haiku_tuntap.properties.report.words import count, duration, whose
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict

STYLES = {
    Comparison.NEW: "bold red",
    Comparison.KNOWN: "yellow",
    Comparison.FIXED: "bold green",
}


def results_table(classified: Classified, *, every: bool = False) -> Table:
    """The results by scenario; with `every`, each property has a row of its own."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("scenario", overflow="fold")
    table.add_column("property", overflow="fold")
    table.add_column("verdict", overflow="fold")
    for name in ("states", "depth", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for scenario, results in groupby(classified.results, key=lambda result: result.scenario):
        first = True
        for row in _rows(list(results), classified, every=every):
            table.add_row(Text(scenario if first else ""), *row)
            first = False
    return table


def verdict_text(
    result: Result, defect: KnownDefect | None = None, *, missing: bool = False
) -> Text:
    """What a result says, in the words of the table; `defect` is what it is compared with."""
    if missing:
        return Text("HOLDS, though declared", "bold red")
    if result.comparison is not None:
        style = STYLES[result.comparison]
        if result.comparison is Comparison.NEW:
            return Text("REFUTED, NEW", style)
        suffix = ", vacuously" if result.vacuous else ""
        owner = whose(defect) if defect is not None else ""
        return Text(f"{result.comparison.value} {result.known}{owner}{suffix}", style)
    if result.verdict is Verdict.UNDETERMINED:
        return Text(f"UNDETERMINED: {result.limit or 'a limit was hit'}", "bold magenta")
    if result.vacuous:
        return Text("HOLDS vacuously", "dim")
    return Text(result.verdict.value, "green" if result.verdict is Verdict.HOLDS else "red")


def summary(classified: Classified, seconds: float, *, interrupted: bool = False) -> Text:
    """The whole run in one line."""
    results, driver, base = classified.results, classified.driver, classified.base
    scenarios = len({result.scenario for result in results})
    properties = len({result.property for result in results})
    own = base is driver
    head = driver.name if own or base is None else f"{driver.name}, compared with {base.name}"
    parts: list[tuple[str, str]] = []
    if classified.fixed:
        ids = ", ".join(defect.id for defect in classified.fixed)
        parts.append((f"{count(len(classified.fixed), 'defect')} FIXED ({ids})", "bold green"))
    if classified.partly_fixed:
        ids = ", ".join(defect.id for defect in classified.partly_fixed)
        parts.append((f"{ids} not fixed everywhere", "yellow"))
    if classified.found:
        found = len(classified.found)
        parts.append((f"{count(found, 'known defect')} {'found' if own else 'left'}", "yellow"))
    if classified.missing:
        missing = len({result.scenario for result in classified.missing})
        text = f"a declared defect no longer found in {count(missing, 'scenario')}"
        parts.append((text, "bold red"))
    new = len(classified.new)
    parts.append((f"{new} NEW", "bold red") if new else ("nothing new", "green"))
    undetermined = sum(result.verdict is Verdict.UNDETERMINED for result in results)
    if undetermined:
        text = f"{count(undetermined, 'result')} UNDETERMINED"
        parts.append((text, "bold magenta"))
    if interrupted:
        parts.append(("interrupted", "bold magenta"))
    line = Text(
        f"{head}: {count(scenarios, 'scenario')}, {count(properties, 'property', 'properties')}: "
    )
    line.append_text(Text(", ").join(Text(text, style) for text, style in parts))
    return line.append(f"; {duration(seconds)}")


def _rows(
    results: Sequence[Result], classified: Classified, *, every: bool
) -> Iterable[tuple[Text, Text, str, str, str]]:
    """The rows of one scenario: what is remarkable first, then the others, taken together."""
    single: list[Result] = []
    shared: dict[str, list[Result]] = {}  # by what the row says
    for result in results:
        if every or result in classified.missing or result.comparison is not None:
            single.append(result)
        else:
            kind = verdict_text(evolve(result, vacuous=False)).plain
            shared.setdefault(kind, []).append(result)
    for result in single:
        defect = classified.defect_of(result)
        verdict = verdict_text(result, defect, missing=result in classified.missing)
        yield Text(result.property), verdict, *_numbers([result])
    for group in shared.values():
        if len(group) == 1:
            yield Text(group[0].property), verdict_text(group[0]), *_numbers(group)
            continue
        names = f"{'the other' if len(group) < len(results) else 'all'} {len(group)}"
        verdict = verdict_text(evolve(group[0], vacuous=False))
        vacuous = sum(result.vacuous for result in group)
        if vacuous:
            how = "vacuously" if vacuous == len(group) else f"{vacuous} vacuously"
            verdict.append(f", {how}", "dim")
        yield Text(names, "dim"), verdict, *_numbers(group)


def _numbers(results: Sequence[Result]) -> tuple[str, str, str]:
    states = max(result.states for result in results)
    return (
        f"{states:,}" if states else "",  # Z3 counts none
        str(max(result.depth for result in results)),
        duration(max(result.seconds for result in results)),
    )
