"""Small procedures which between them use every construct of the language.

`EXAMPLES` builds a system for each: two threads that call it on shared records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Chance,
    Procedure,
    System,
    Thread,
    ThreadSpec,
    allocate,
    call,
    current_thread,
    final,
    free,
    guarded_by,
    happens,
    internal,
    part,
    primitive,
    procedure,
    reached,
    record,
    violated,
    without,
)
from haiku_tuntap.model.status import B_OK, ENOBUFS, Status

LIMIT = 3
TROUBLE = Chance("trouble", "Something goes wrong.")
NO_MEMORY = Chance("no memory", "There is no memory for an item.")


@record
class Item:
    """Something in a box."""

    size: int = final(default=1)
    mark: Atomic = part(factory=Atomic)


@record
class Box:
    """Counters and a list under a lock; `below` is another box to nest with."""

    lock: Mutex = part(factory=Mutex)
    full: Semaphore = part(factory=Semaphore)
    opened: Atomic = part(factory=Atomic)
    below: Box | None = final(default=None)
    count: int = guarded_by("lock", default=0)
    busy: bool = guarded_by("lock", default=False)
    items: tuple[Item, ...] = guarded_by("lock", default=())
    last: Item | None = guarded_by("lock", default=None)
    visitors: tuple[Thread, ...] = internal(default=())

    @primitive()
    def visit(self) -> int:
        """Note who comes; reports those who come twice."""
        if current_thread() in self.visitors:
            reached("came twice")
            violated("twice", "a thread came twice")
        self.visitors = (*self.visitors, current_thread())
        return len(self.visitors)

    @primitive()
    def exchange(self, first: int, second: int) -> tuple[int, int]:
        """Its arguments, the other way round."""
        return second, first

    @procedure()
    async def put(self, item: Item) -> Status:
        """Append, from a procedure that is a method."""
        async with self.lock:
            if self.count >= LIMIT:
                return ENOBUFS
            self.items = (*self.items, item)
            self.count += item.size
            self.last = item
        return B_OK


@procedure()
async def branches(box: Box) -> int:
    """if, elif, else; conditional expressions; and, or, not."""
    seen = await box.opened.add(1)
    if seen == 0:
        made = 10
    elif seen == 1 and not seen > 2:
        made = 20
    else:
        made = 30
    low = seen if seen < LIMIT else -1
    both = seen >= 0 and low < 2
    either = made == 10 or made == 20
    if (both or not either) and await box.opened.load() != 0:
        made += low
    elif not both or await box.opened.load() == 1:
        made -= 1
    await box.opened.store(made & ~1 | (seen << 1) ^ 1)
    await box.opened.store(min(made, 15) + max(low, 0) - (made >> 1))
    return made if both else low


@procedure()
async def loops(box: Box) -> int:
    """while, break, continue, range, tuples, and a lock across them."""
    total = 0
    for i in range(LIMIT):
        if i == 1:
            continue
        total += await box.opened.add(i)
    while True:
        async with box.lock:
            box.count += 1
            if box.count > LIMIT:
                break
            if box.busy:
                continue
            box.busy = True
        await box.visit()
    while await box.opened.load() < 5:
        await box.opened.add(total + 1)
    for number in (1, 2):
        for item in await items_of(box):
            await item.mark.add(number if item.size == number else 0)
    async with box.lock:
        if len(box.items) > 0:
            await box.items[0].mark.add(await box.opened.load())
    return total


@procedure()
async def items_of(box: Box) -> tuple[Item, ...]:
    """A snapshot of the list."""
    async with box.lock:
        return box.items


@procedure()
async def lists(box: Box) -> int:
    """Tuples: append, prepend, remove, the first and the rest, in, len."""
    item = await allocate(Item, size=2)
    assert item is not None
    async with box.lock:
        box.items = (*box.items, item)
        if len(box.items) > 1:
            first = box.items[0]
            box.items = (*box.items[1:], first)
    await item.mark.store(1)
    async with box.lock:
        known = item in box.items
        box.items = without(box.items, item)
        box.items = (item, *box.items)
        rest = box.items[1:]
        strange = item not in rest and known
        box.items = without(box.items, item)
        emptied = len(box.items) == 0
    await free(item)
    return 1 if strange or emptied else 0


@procedure()
async def lockers(box: Box) -> int:
    """Early unlock, locking again, and a locker in a locker."""
    async with box.lock as locker:
        box.count += 1
        mine = box.count
        await locker.unlock()
        await box.opened.add(mine)
        await locker.lock()
        box.count += mine
        below = box.below
        assert below is not None
        async with below.lock as inner:
            below.count += 1
            if box.count > 4:
                return below.count
            await inner.unlock()
        await locker.unlock()
        seen = await box.visit()
        if seen == 2:
            return 0
        await locker.lock()
        return box.count + seen


@procedure()
async def results(box: Box) -> tuple[int, int]:
    """Tuples as results, also where what is passed is what is assigned."""
    first, second = await pair(box, 1, 2)
    first, second = await swapped(box, first, second)
    first, second = await box.exchange(second, first)
    first = await larger(box, first)
    await box.opened.add(first)
    await box.opened.add(second)
    return await pair(box, first, second)


@procedure()
async def pair(box: Box, first: int, second: int) -> tuple[int, int]:
    """Its arguments, with what it reads."""
    async with box.lock:
        box.count = second
        return first + box.count, second


@procedure()
async def swapped(box: Box, first: int, second: int) -> tuple[int, int]:
    """Its arguments, the other way round."""
    await box.opened.load()
    return second, first


@procedure()
async def larger(box: Box, number: int) -> int:
    """Changes its own parameter only."""
    number += 1
    await box.opened.store(number)
    number += await box.opened.load()
    return number


@procedure()
async def lower(box: Box) -> Box | None:
    """The box below, found with the lock of this one held."""
    async with box.lock:
        box.count += 1
        return box.below


@procedure()
async def descend(box: Box) -> int:
    """A local that is passed, and assigned by the call it is passed to."""
    at: Box | None = box
    at = await lower(box)
    assert at is not None
    at = await lower(at)
    if at is None:
        return 0
    return 1


@procedure()
async def chances(box: Box) -> Status:
    """What may go wrong, and records that are made and given back."""
    for _ in range(2):
        item = await allocate(Item, may_fail=NO_MEMORY, size=2)
        if item is None:
            return ENOBUFS
        if await happens(TROUBLE):
            await free(item)
            continue
        status = await box.put(item)
        if status != B_OK:
            await free(item)
            break
    no_trouble = not await happens(TROUBLE)
    if no_trouble:
        await box.opened.add(1)
    return B_OK


@procedure()
async def sleepers(box: Box) -> Status:
    """One sleeps, the other wakes it, with a status that decides what comes next."""
    arrived = await box.opened.add(1)
    if arrived == 0:
        status = await box.full.acquire()
        if status == ENOBUFS:
            await box.opened.store(7)
            return status
        return await box.full.acquire()
    await box.full.release_all(ENOBUFS)
    return await box.full.release()


@procedure()
async def frees_twice(box: Box) -> None:
    """A violation that ends the run."""
    item = await allocate(Item)
    assert item is not None
    await free(item)
    await free(item)


@procedure()
async def allocates_too_much(box: Box) -> None:
    """A violation that ends the run."""
    for _ in range(LIMIT):
        await allocate(Item)


@procedure()
async def asserts(box: Box) -> None:
    """A violation that ends the run."""
    seen = await box.opened.add(1)
    assert seen == 0


def _built(example: Procedure[[Box], Any]) -> Callable[[], System]:
    def build() -> System:
        box = Box(below=Box())
        threads = [
            ThreadSpec(name, (call(example, box),), {Item: 2}) for name in ("first", "second")
        ]
        return System(
            name=example.name,
            roots={"box": box},
            threads=tuple(threads),
            chances=frozenset({TROUBLE, NO_MEMORY}),
        )

    return build


EXAMPLES: dict[str, Callable[[], System]] = {
    example.name: _built(example)
    for example in (
        *(branches, loops, lists, lockers, results, descend, chances, sleepers),
        *(frees_twice, allocates_too_much, asserts),
    )
}
