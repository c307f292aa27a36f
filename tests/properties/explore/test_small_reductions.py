"""What may be merged, on systems so small that all outcomes are known.

Each thread notes what it has seen. Reduced or not, exactly the possible outcomes are found.
"""

from __future__ import annotations

import pytest

from haiku_tuntap.model.kernel.atomic import Unguarded
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Procedure,
    System,
    ThreadSpec,
    call,
    final,
    guarded_by,
    part,
    procedure,
    record,
)
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.search import Limits, Search, model_of
from haiku_tuntap.properties.explore.view import View


@record
class Shared:
    """What the threads share."""

    x: Unguarded = part(factory=Unguarded)
    y: Unguarded = part(factory=Unguarded)
    lock: Mutex = part(factory=Mutex)
    ready: Semaphore = part(factory=Semaphore)
    total: int = guarded_by("lock", default=0)


@record
class Note:
    """What one thread has seen."""

    shared: Shared = final()
    seen: Unguarded = part(factory=Unguarded)


@procedure()
async def write_three_times(note: Note) -> None:
    """Store 1, 2 and 3."""
    await note.shared.x.store(1)
    await note.shared.x.store(2)
    await note.shared.x.store(3)


@procedure()
async def read_twice(note: Note) -> None:
    """Load two times."""
    first = await note.shared.x.load()
    second = await note.shared.x.load()
    await note.seen.store((first << 2) + second)


@procedure()
async def raise_x(note: Note) -> None:
    """I come; is the other there?"""
    await note.shared.x.store(1)
    await note.seen.store(await note.shared.y.load())


@procedure()
async def raise_y(note: Note) -> None:
    """The same from the other side."""
    await note.shared.y.store(1)
    await note.seen.store(await note.shared.x.load())


@procedure()
async def count_unlocked(note: Note) -> None:
    """Add one in two steps, so that one addition may be lost."""
    await note.shared.x.store(await note.shared.x.load() + 1)
    await note.seen.store(await note.shared.x.load())


@procedure()
async def count_locked(note: Note) -> None:
    """Add one under the lock."""
    async with note.shared.lock:
        note.shared.total = note.shared.total + 1
        await note.seen.store(note.shared.total)


@procedure()
async def double_locked(note: Note) -> None:
    """Double it under the lock."""
    async with note.shared.lock:
        note.shared.total = note.shared.total << 1
        await note.seen.store(note.shared.total)


@procedure()
async def count_alone(note: Note) -> None:
    """Go round a loop that concerns nobody else."""
    while await note.seen.load() < 3:
        await note.seen.store(await note.seen.load() + 1)


@procedure()
async def announce(note: Note) -> None:
    """Write, and then wake who waits for it."""
    await note.shared.x.store(7)
    await note.shared.ready.release()
    await note.shared.x.store(8)


@procedure()
async def await_announcement(note: Note) -> None:
    """Wait, and then look."""
    await note.shared.ready.acquire()
    await note.seen.store(await note.shared.x.load())


def outcomes(*procedures: Procedure[[Note], None], reduced: bool) -> set[tuple[int, ...]]:
    """What the threads have seen, in all states in which all of them are through."""
    shared = Shared()
    notes = [Note(shared=shared) for _ in procedures]
    threads = tuple(
        ThreadSpec(f"thread {i}", (call(made, note),))
        for i, (made, note) in enumerate(zip(procedures, notes, strict=True))
    )
    model = model_of(System("small", {"shared": shared}, threads), reduced=reduced)
    outcome = Search(model, lambda _: (), lambda _: None, ["nothing"], Limits()).run()
    assert outcome.complete
    found = set()
    for state in outcome.parents:
        view = View(model.layout, state)
        if all(thread.location.kind is LocationKind.DONE for thread in view.threads):
            found.add(tuple(view.value(note.seen, "value") for note in notes))
    return found


SYSTEMS = {
    "a reader may come between any two writes": (
        (write_three_times, read_twice),
        {(0, 4 * a + b) for a in range(4) for b in range(a, 4)},
    ),
    "of two who come, the later sees the other": (
        (raise_x, raise_y),
        {(0, 1), (1, 0), (1, 1)},
    ),
    "a loop of steps that concern nobody else ends": (
        (count_alone, raise_y),
        {(3, 0)},
    ),
    "critical sections come in either order": (
        (count_locked, double_locked),
        {(1, 2), (1, 0)},
    ),
    "who is woken runs before or after what follows": (
        (announce, await_announcement),
        {(0, 7), (0, 8)},
    ),
}


@pytest.mark.parametrize("reduced", [False, True], ids=["unreduced", "reduced"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_exactly_the_possible_outcomes_are_found(name: str, reduced: bool) -> None:
    procedures, expected = SYSTEMS[name]
    assert outcomes(*procedures, reduced=reduced) == expected


@pytest.mark.parametrize("reduced", [False, True], ids=["unreduced", "reduced"])
def test_equal_threads_that_count_without_a_lock_may_lose_an_addition(reduced: bool) -> None:
    """They are interchangeable, so of two outcomes that differ in who is who one will do."""
    found = outcomes(count_unlocked, count_unlocked, reduced=reduced)
    assert {tuple(sorted(pair)) for pair in found} == {(1, 1), (1, 2), (2, 2)}
