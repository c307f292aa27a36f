"""What is outside the language is refused, with its place and what to write instead.

Each case is a procedure in refused.py whose offending line ends in the comment `# here`.
"""

from __future__ import annotations

import inspect

import pytest
import refused
from refused import Box

from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import (
    LanguageError,
    Procedure,
    System,
    ThreadSpec,
    call,
    final,
    part,
    record,
)
from haiku_tuntap.model.language.compiler import compile_threads
from haiku_tuntap.model.language.compiler.texts import short_path
from haiku_tuntap.model.language.instances import Instances


def refusal(name: str) -> str:
    """The message with which the procedure `name` is refused."""
    routine: Procedure[..., object] = getattr(refused, name)
    boxes = (Box(), Box())
    threads = (ThreadSpec("thread", (call(routine, *boxes),), {Box: 1}),)
    system = System(name=name, roots={"box": boxes[0], "other": boxes[1]}, threads=threads)
    with pytest.raises(LanguageError) as caught:
        compile_threads(system, Instances(system))
    return str(caught.value)


# Whose text is refused, where it is not the procedure's own.
CALLEES = {
    "calls_what_wants_the_lock": "wants_the_lock",
    "unlocks_in_another_procedure": "gives_away",
    "calls_itself_through_another": "back",
    "wants_too_many_results": "two",
}


def marked_line(name: str) -> str:
    """Where the comment `# here` is in the procedure's text, as file:line."""
    routine = getattr(refused, CALLEES.get(name, name))
    lines, first = inspect.getsourcelines(routine.function)
    (offset,) = (i for i, line in enumerate(lines) if line.rstrip().endswith("# here"))
    return f"{short_path(str(refused.__file__))}:{first + offset}"


UNGUARDED = "`count` is guarded by `lock`, which this thread does not surely hold here"

REFUSALS = {
    # Races that could hide
    "reads_without_lock": UNGUARDED,
    "writes_without_lock": UNGUARDED,
    "reads_after_unlock": UNGUARDED,
    "reads_through_an_alias": UNGUARDED,
    "reads_through_a_reassigned_local": (
        "chosen is assigned while a lock is held that was taken through it"
    ),
    "holds_the_lock_of_another_record": UNGUARDED,
    "calls_what_wants_the_lock": UNGUARDED,
    "tests_again_after_unlock": "a lock is held on one path to this point and not on another",
    "tests_after_unlock": UNGUARDED,
    "assigns_a_guarded_tuple": (
        "`parts` is guarded by `lock`, which this thread does not surely hold here"
    ),
    "mutates_a_guarded_tuple": "this target is outside the language",
    "calls_a_method_of_a_value": "the type of `box.parts` is not known to be a record",
    "unlocks_without_the_locker": "`box.lock.unlock()` is not done by a locker",
    "locks_without_a_locker": "`box.lock.lock()` is not done by a locker",
    "unlocks_in_another_procedure": "`mutex.unlock()` is not done by a locker",
    "returns_after_unlock": UNGUARDED,
    "names_an_internal_field": "`value` is internal to a primitive",
    "writes_a_final_field": "limit never changes",
    "replaces_a_part": "lock never changes",
    # Lockers
    "locks_on_one_path": "a lock is held on one path to this point and not on another",
    "unlocks_twice": "the lock is not held here",
    "locks_twice": "the lock is already held here",
    "locks_no_lock": "this is no lock",
    # Awaits
    "forgets_to_await_a_procedure": "`helper(box)` is not awaited",
    "forgets_to_await_a_primitive": "`box.hits.load()` is not awaited",
    "forgets_to_await_happens": "`happens(TROUBLE)` is not awaited",
    "awaits_a_plain_function": "`plain` is neither a procedure nor a primitive",
    "calls_a_plain_function": "`plain` is a plain Python function",
    "calls_itself": "calls_itself calls itself",
    "calls_itself_through_another": "calls_itself_through_another calls itself",
    "awaits_right_of_and": "an await to the right of and/or is performed only sometimes",
    "awaits_right_of_or": "an await to the right of and/or is performed only sometimes",
    "awaits_in_one_arm": "an await in one arm is performed only sometimes",
    "reads_before_an_await": "a field is read before an await in the same expression",
    "reads_before_an_await_in_a_tuple": "a field is read before an await in the same expression",
    "reads_before_an_await_in_a_call": "a field is read before an await in the same expression",
    "adds_an_await_to_a_field": "a field is read before an await in the same statement",
    "loops_without_await": "this loop has a round without a scheduling point",
    "spins_on_a_path": "this loop has a round without a scheduling point",
    # Statements and expressions
    "tries": "`try:` is outside the language",
    "makes_a_lambda": "the expression `lambda: 1` is outside the language",
    "comprehends": "the expression `[i for i in (1, 2)]` is outside the language",
    "nests_a_def": "`def inner() -> int:` is outside the language",
    "writes_a_global": "`global TOTAL` is outside the language",
    "loops_with_else": "`while await box.hits.load() == 0:` is outside the language",
    "asserts_with_walrus": "the expression `(seen := 1)` is outside the language",
    "deletes": "`del box` is outside the language",
    "raises": "`raise ValueError` is outside the language",
    "makes_a_list": "the expression `[1, 2]` is outside the language",
    "makes_a_string": "a constant of this type is no value",
    "divides": "the expression `limit / 2` is outside the language",
    "indexes": "this subscript is outside the language",
    "ranges_over_a_variable": "the bound of this range is not a constant",
    "unpacks_a_tuple": "only an awaited call is unpacked",
    "assigns_twice_at_once": "`first = second = 1` is outside the language",
    "takes_the_least_of_three": "min takes 2 here",
    "gives_an_operand_of_or": "`limit` is not a bool, and and/or would give it as the value",
    "compares_a_number_with_none": "a number is compared with None, which a state writes as 0",
    # Names and arguments
    "names_nothing": "the name nothing means nothing here",
    "names_no_field": "Box has no field cuont",
    "writes_no_field": "`box.cuont` is no field of a record",
    "passes_too_much": "helper: too many positional arguments",
    "passes_a_wrong_keyword": "helper: got an unexpected keyword argument 'wait'",
    "spreads_arguments": "* and ** in a call are outside the language",
    "wants_too_many_results": "two returns 2 values, and 3 are wanted",
    "takes_a_chance_that_is_none": "happens() takes a Chance",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_at_its_line_with_advice(name: str) -> None:
    first, second = refusal(name).split("\n")
    assert first == f"{marked_line(name)}: {REFUSALS[name]}"
    assert second.startswith("  instead: ")


def test_a_variable_that_may_be_unassigned_is_refused() -> None:
    assert refusal("reads_what_one_path_assigns").startswith(
        "seen in reads_what_one_path_assigns may be read before it is assigned\n  instead: "
    )


def test_every_procedure_that_is_to_be_refused_is_tested() -> None:
    tried = set(REFUSALS) | {"reads_what_one_path_assigns"}
    routines = {n for n, v in vars(refused).items() if isinstance(v, Procedure)}
    assert routines - tried == {"helper", "two", "wants_the_lock", "gives_away", "back"}


def test_a_field_of_a_record_says_how_it_is_protected() -> None:
    with pytest.raises(TypeError, match=r"Open\.count does not say how it is protected; write "):

        @record
        class Open:
            lock: Mutex = part(factory=Mutex)
            limit: int = final(default=1)
            count: int = 0
