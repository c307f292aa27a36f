# ruff: noqa
# mypy: ignore-errors
"""Procedures outside the language. See test_refusals.py, where each is listed with its refusal."""

from __future__ import annotations

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import Chance, final, guarded_by, happens, part, procedure, record

TOTAL = 0
TROUBLE = Chance("trouble", "Something goes wrong.")


@record
class Box:
    lock: Mutex = part(factory=Mutex)
    hits: Atomic = part(factory=Atomic)
    limit: int = final(default=1)
    count: int = guarded_by("lock", default=0)
    parts: tuple[Atomic, ...] = guarded_by("lock", default=())


def plain(box):
    return 1


@procedure()
async def helper(box: Box) -> int:
    return await box.hits.load()


@procedure()
async def two(box: Box) -> tuple[int, int]:
    await box.hits.load()
    return 1, 2  # here


@procedure()
async def wants_the_lock(box: Box) -> int:
    return box.count  # here


@procedure()
async def gives_away(mutex: Mutex) -> None:
    await mutex.unlock()  # here


@procedure()
async def back(box: Box, other: Box) -> None:
    await calls_itself_through_another(box, other)  # here


# --- races that could hide


@procedure()
async def reads_without_lock(box: Box, other: Box) -> int:
    await box.hits.load()
    return box.count  # here


@procedure()
async def writes_without_lock(box: Box, other: Box) -> None:
    box.count = 1  # here


@procedure()
async def reads_after_unlock(box: Box, other: Box) -> int:
    async with box.lock as locker:
        box.count += 1
        await locker.unlock()
        return box.count  # here


@procedure()
async def reads_through_an_alias(box: Box, other: Box) -> int:
    alias = box
    async with box.lock:
        box.count = 1
    return alias.count  # here


@procedure()
async def reads_through_a_reassigned_local(box: Box, other: Box) -> int:
    chosen = box if await box.hits.load() == 0 else other
    async with chosen.lock:
        chosen = other  # here
        return chosen.count


@procedure()
async def holds_the_lock_of_another_record(box: Box, other: Box) -> int:
    async with other.lock:
        return box.count  # here


@procedure()
async def calls_what_wants_the_lock(box: Box, other: Box) -> int:
    return await wants_the_lock(box)


@procedure()
async def tests_again_after_unlock(box: Box, other: Box) -> None:
    async with box.lock as locker:
        while box.count == 0:  # here
            await locker.unlock()


@procedure()
async def tests_after_unlock(box: Box, other: Box) -> None:
    async with box.lock as locker:
        await locker.unlock()
        while box.count == 0:  # here
            await box.hits.load()


@procedure()
async def assigns_a_guarded_tuple(box: Box, other: Box) -> None:
    box.parts = ()  # here


@procedure()
async def mutates_a_guarded_tuple(box: Box, other: Box) -> None:
    async with box.lock:
        box.parts[0] = box.hits  # here


@procedure()
async def calls_a_method_of_a_value(box: Box, other: Box) -> None:
    async with box.lock:
        box.parts.append(box.hits)  # here


@procedure()
async def unlocks_without_the_locker(box: Box, other: Box) -> None:
    async with box.lock:
        await box.lock.unlock()  # here
        box.count += 1


@procedure()
async def locks_without_a_locker(box: Box, other: Box) -> None:
    await box.lock.lock()  # here


@procedure()
async def unlocks_in_another_procedure(box: Box, other: Box) -> None:
    async with box.lock:
        await gives_away(box.lock)
        box.count += 1


@procedure()
async def returns_after_unlock(box: Box, other: Box) -> int:
    async with box.lock:
        box.count += 1
    return box.count  # here


@procedure()
async def names_an_internal_field(box: Box, other: Box) -> int:
    return box.hits.value  # here


@procedure()
async def writes_a_final_field(box: Box, other: Box) -> None:
    box.limit = 2  # here


@procedure()
async def replaces_a_part(box: Box, other: Box) -> None:
    box.lock = other.lock  # here


# --- lockers


@procedure()
async def locks_on_one_path(box: Box, other: Box) -> None:
    async with box.lock as locker:
        if box.count == 0:
            await locker.unlock()  # here
        await box.hits.load()


@procedure()
async def unlocks_twice(box: Box, other: Box) -> None:
    async with box.lock as locker:
        await locker.unlock()
        await locker.unlock()  # here


@procedure()
async def locks_twice(box: Box, other: Box) -> None:
    async with box.lock as locker:
        await locker.lock()  # here


@procedure()
async def locks_no_lock(box: Box, other: Box) -> None:
    async with box.hits:  # here
        pass


# --- awaits


@procedure()
async def forgets_to_await_a_procedure(box: Box, other: Box) -> int:
    return helper(box)  # here


@procedure()
async def forgets_to_await_a_primitive(box: Box, other: Box) -> None:
    if box.hits.load() == 0:  # here
        pass


@procedure()
async def forgets_to_await_happens(box: Box, other: Box) -> None:
    if happens(TROUBLE):  # here
        pass


@procedure()
async def awaits_a_plain_function(box: Box, other: Box) -> None:
    await plain(box)  # here


@procedure()
async def calls_a_plain_function(box: Box, other: Box) -> None:
    seen = plain(box)  # here


@procedure()
async def calls_itself(box: Box, other: Box) -> None:
    await box.hits.load()
    await calls_itself(box, other)  # here


@procedure()
async def calls_itself_through_another(box: Box, other: Box) -> None:
    await back(box, other)


@procedure()
async def awaits_right_of_and(box: Box, other: Box) -> None:
    both = box.limit == 1 and await box.hits.load() == 0  # here


@procedure()
async def awaits_right_of_or(box: Box, other: Box) -> bool:
    return box.limit == 1 or await box.hits.load() == 0  # here


@procedure()
async def awaits_in_one_arm(box: Box, other: Box) -> int:
    return await box.hits.load() if box.limit == 1 else 0  # here


@procedure()
async def reads_before_an_await(box: Box, other: Box) -> int:
    async with box.lock:
        return box.count + await box.hits.load()  # here


@procedure()
async def reads_before_an_await_in_a_tuple(box: Box, other: Box) -> tuple[int, int]:
    async with box.lock:
        seen = (box.count, await box.hits.load())  # here
        return seen


@procedure()
async def reads_before_an_await_in_a_call(box: Box, other: Box) -> int:
    async with box.lock:
        return min(box.count, await box.hits.load())  # here


@procedure()
async def adds_an_await_to_a_field(box: Box, other: Box) -> None:
    async with box.lock:
        box.count += await box.hits.load()  # here


@procedure()
async def loops_without_await(box: Box, other: Box) -> None:
    seen = await box.hits.load()
    while seen < 3:  # here
        seen += 1


@procedure()
async def spins_on_a_path(box: Box, other: Box) -> None:
    async with box.lock:
        while True:
            if box.count == 0:  # here
                continue
            await box.hits.load()


# --- statements and expressions


@procedure()
async def tries(box: Box, other: Box) -> None:
    try:  # here
        await box.hits.load()
    finally:
        pass


@procedure()
async def makes_a_lambda(box: Box, other: Box) -> None:
    function = lambda: 1  # here


@procedure()
async def comprehends(box: Box, other: Box) -> None:
    numbers = [i for i in (1, 2)]  # here


@procedure()
async def nests_a_def(box: Box, other: Box) -> None:
    def inner() -> int:  # here
        return 1


@procedure()
async def writes_a_global(box: Box, other: Box) -> None:
    global TOTAL  # here
    TOTAL = 1


@procedure()
async def loops_with_else(box: Box, other: Box) -> None:
    while await box.hits.load() == 0:  # here
        await box.hits.store(1)
    else:
        await box.hits.store(2)


@procedure()
async def asserts_with_walrus(box: Box, other: Box) -> None:
    assert (seen := 1) == 1  # here


@procedure()
async def deletes(box: Box, other: Box) -> None:
    del box  # here


@procedure()
async def raises(box: Box, other: Box) -> None:
    raise ValueError  # here


@procedure()
async def makes_a_list(box: Box, other: Box) -> None:
    numbers = [1, 2]  # here


@procedure()
async def makes_a_string(box: Box, other: Box) -> None:
    text = "text"  # here


@procedure()
async def divides(box: Box, other: Box) -> int:
    limit = await box.hits.load()
    return limit / 2  # here


@procedure()
async def indexes(box: Box, other: Box) -> int:
    return (1, 2, 3)[2]  # here


@procedure()
async def ranges_over_a_variable(box: Box, other: Box) -> None:
    limit = await box.hits.load()
    for i in range(limit):  # here
        await box.hits.load()


@procedure()
async def unpacks_a_tuple(box: Box, other: Box) -> None:
    first, second = 1, 2  # here


@procedure()
async def assigns_twice_at_once(box: Box, other: Box) -> None:
    first = second = 1  # here


@procedure()
async def takes_the_least_of_three(box: Box, other: Box) -> int:
    limit = await box.hits.load()
    return min(limit, 1, 2)  # here


@procedure()
async def gives_an_operand_of_or(box: Box, other: Box) -> int:
    limit = await box.hits.load()
    return limit or 5  # here


@procedure()
async def compares_a_number_with_none(box: Box, other: Box) -> bool:
    limit = await box.hits.load()
    return limit is None  # here


@procedure()
async def reads_what_one_path_assigns(box: Box, other: Box) -> int:
    if await box.hits.load() == 0:
        seen = await box.hits.load()
    await box.hits.store(seen)


# --- names and arguments


@procedure()
async def names_nothing(box: Box, other: Box) -> None:
    await nothing(box)  # here


@procedure()
async def names_no_field(box: Box, other: Box) -> int:
    return box.cuont  # here


@procedure()
async def writes_no_field(box: Box, other: Box) -> None:
    box.cuont = 1  # here


@procedure()
async def passes_too_much(box: Box, other: Box) -> None:
    await helper(box, other)  # here


@procedure()
async def passes_a_wrong_keyword(box: Box, other: Box) -> None:
    await helper(box, wait=True)  # here


@procedure()
async def spreads_arguments(box: Box, other: Box) -> None:
    await helper(*(box,))  # here


@procedure()
async def wants_too_many_results(box: Box, other: Box) -> None:
    first, second, third = await two(box)


@procedure()
async def takes_a_chance_that_is_none(box: Box, other: Box) -> None:
    await happens(box)  # here
