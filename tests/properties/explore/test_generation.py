"""From graphs to Python: where branches meet, what is a constant, where locals lie."""

from __future__ import annotations

from itertools import pairwise

import pytest
from searches import searched

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.kernel.mutex import Mutex
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
from haiku_tuntap.model.language.graph import INT, Branch, Const, Instr, Join, LocationKind, Retry
from haiku_tuntap.properties.explore.joins import Joins
from haiku_tuntap.properties.explore.search import Model, model_of


@record
class Counter:
    """Numbers to compute with."""

    lock: Mutex = part(factory=Mutex)
    value: Atomic = part(factory=Atomic)
    limit: int = final(default=7)
    never_written: int = guarded_by("lock", default=5)
    written: int = guarded_by("lock", default=0)


@procedure()
async def twelve_ifs(counter: Counter) -> None:
    """One step with 2 to the 12th ways through it."""
    seen = await counter.value.add(1)
    total = 0
    if seen & 1:
        total += 1
    if seen & 2:
        total += 2
    if seen & 4:
        total += 4
    if seen & 8:
        total += 8
    if seen & 16:
        total += 16
    if seen & 32:
        total += 32
    if seen & 64:
        total += 64
    if seen & 128:
        total += 128
    if seen & 256:
        total += 256
    if seen & 512:
        total += 512
    if seen & 1024:
        total += 1024
    if seen & 2048:
        total += 2048
    await counter.value.store(total + 7777)


@procedure()
async def constants(counter: Counter) -> None:
    """One branch that is decided beforehand, and one that is not."""
    async with counter.lock:
        if counter.limit + counter.never_written > 11:
            counter.written = counter.written + 3333
        else:
            counter.written = 4444


@procedure()
async def locals_(counter: Counter) -> None:
    """`first` and `second` are alive together; `third` lives after both."""
    first = await counter.value.add(1)
    second = await counter.value.add(1)
    await counter.value.store(first + second)
    third = await counter.value.add(1)
    await counter.value.store(third)


def made(made_of: Procedure[[Counter], None], threads: int = 2) -> Model:
    """Some threads that call it, unreduced."""
    counter = Counter()
    specs = tuple(ThreadSpec(f"thread {i}", (call(made_of, counter),)) for i in range(threads))
    return model_of(System("small", {"counter": counter}, specs), reduced=False)


# --- where branches meet -------------------------------------------------------------------------


def chain(*instrs: Instr) -> Instr:
    """The instructions one after the other; gives the first."""
    for before, after in pairwise(instrs):
        before.next = after
    return instrs[0]


def branch(yes: Instr, no: Instr) -> Branch:
    return Branch(Const(1, INT), no, next=yes)


def test_two_sides_meet_where_both_go_on() -> None:
    meeting, yes, no = Join(), Join(), Join()
    chain(yes, meeting, Join())
    chain(no, meeting)
    both = branch(yes, no)
    joins = Joins()
    assert joins.of(both) is meeting
    assert joins.region(both, meeting) == {yes, no}


def test_an_if_without_else_meets_behind_it() -> None:
    meeting, yes = Join(), Join()
    chain(yes, meeting)
    both = branch(yes, meeting)
    joins = Joins()
    assert joins.of(both) is meeting
    assert joins.region(both, meeting) == {yes}


def test_a_side_that_ends_meets_nothing() -> None:
    assert Joins().of(branch(chain(Join(), Join()), Retry())) is None


def test_a_path_that_ends_on_the_way_does_not_matter() -> None:
    """`if a: (if b: return)`, and then what follows."""
    meeting = Join()
    go_on = Join()
    chain(go_on, meeting)
    inner = branch(Retry(), go_on)
    assert Joins().of(branch(inner, meeting)) is meeting


def test_sides_that_meet_in_two_places_have_no_meeting_point() -> None:
    one, other = Join(), Join()
    both = branch(branch(one, other), branch(one, other))
    assert Joins().of(both) is None


# --- generated code ------------------------------------------------------------------------------


def test_code_grows_with_the_branches_and_not_with_the_paths() -> None:
    source = made(twelve_ifs, threads=1).program.source
    assert source.count("\n") < 2_000
    assert source.count("7777") == 1  # what follows the branches is written once


def test_the_code_of_twelve_ifs_computes_the_sum() -> None:
    model = made(twelve_ifs, threads=1)
    counter = model.system.roots["counter"]
    assert isinstance(counter, Counter)
    slot = model.layout.slots[(model.layout.instances.of(counter.value).number, "value")]
    (at,) = (block.first for block in model.layout.blocks)
    for seen in (0, 1, 0b101010101010, 0b111111111111, 0b1000000000001):
        state = model.layout.initial
        state = (*state[:slot], seen, *state[slot + 1 :])
        while model.program.at[0][state[at]]:
            (number,) = model.program.at[0][state[at]]
            following = model.program.steps[number].function(state)
            assert following is not None
            state = following
        assert state[slot] == (seen & 0b111111111111) + 7777


def test_what_nothing_writes_is_a_constant_of_the_code() -> None:
    model = made(constants)
    assert not [n for n in model.layout.names if n.endswith((".limit", ".never_written"))]
    assert "counter.written" in model.layout.names


def test_a_branch_that_is_decided_beforehand_is_not_written() -> None:
    source = made(constants).program.source
    # For each thread after a lock that it had at once, and after one that it waited for.
    assert source.count("3333") == 4
    assert "4444" not in source


def test_locals_share_a_slot_unless_they_are_alive_together() -> None:
    for block in made(locals_).layout.blocks:
        slots = {var.name: slot for var, slot in block.locals.items()}
        assert slots["first"] != slots["second"]
        assert slots["third"] in {slots["first"], slots["second"]}


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("scenario", ["reader-signal", "poll-sender", "down-then-up"])
def test_a_local_that_is_not_alive_is_zero(scenario: str, reduced: bool) -> None:
    """Otherwise states would differ that behave alike."""
    found = searched("tunnel", scenario, reduced=reduced)
    model, looked_at = found.model, 0
    for state in found.states:
        for thread, block in enumerate(model.layout.blocks):
            location = model.location(state, thread)
            alive = {block.locals[var] for var in location.live} | {block.first}
            if location.kind is LocationKind.RESUMED:
                alive.add(block.result)
            for slot in {*block.locals.values(), block.result} - alive:
                assert state[slot] in (0, ()), (location, model.layout.names[slot])
                looked_at += 1
    assert looked_at > 100
