"""What came of looking for a measure, told as plain data."""

from __future__ import annotations

from collections.abc import Iterator

from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.ranking.measure import Level
from haiku_tuntap.properties.prove.ranking.outcome import LevelShown, ProgressOutcome, Weight
from haiku_tuntap.properties.prove.ranking.progress import Progress
from haiku_tuntap.properties.report.words import without_device

FEW = 2  # kinds of threads that are named one by one


def progress_outcome(progress: Progress) -> ProgressOutcome:
    """What came of it, as plain data."""
    space = progress.proof.counted.space
    return ProgressOutcome(
        answer=progress.answer,
        levels=tuple(
            LevelShown(level_text(level, space), tuple(_weights(level, space)))
            for level in progress.levels
        ),
        loop=tuple(progress.loop),
        search=progress.search,
        problems=tuple(_problems(progress)),
        queries=progress.queries,
        seconds=progress.seconds,
    )


def level_text(level: Level, space: Space) -> str:
    """One level in a line: what it counts, and when; the weights of places are told apart."""
    parts = [
        f"{factor} times {name}" if factor > 1 else name
        for name, factor in sorted(level.variables.items())
    ]
    threads = level.threads(space)
    if threads:
        whose = " and ".join(f"{t}'s" for t in threads) if len(threads) <= FEW else "thread's"
        parts.append(f"each {whose} way to go")
    total = " + ".join(parts)
    if level.condition is not None:
        total = f"while {level.condition.text}: {total}"
    return without_device(total)


def _weights(level: Level, space: Space) -> Iterator[Weight]:
    for template, location, least, most in level.by_location(space):
        place = without_device(f"{location.kind.name.lower()} {location.label}")
        yield Weight(template, place, least, most)


def _problems(progress: Progress) -> Iterator[str]:
    for refutation in progress.refutations:
        labels = dict.fromkeys(rule.move.source.label for rule in refutation.rules)
        where = f" in {', '.join(labels)}" if labels else ""
        yield without_device(f"the measure was refuted: {refutation.reason}{where}")
    yield from progress.undetermined
