"""A judge says the same of a state of the search as of the counted state that stands for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agreement import Comparison, instance_compared
from attrs import evolve
from instances import EACH, Expected
from test_primitives import enter
from tiny_templates import space_of

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import call
from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.view import ThreadView, View
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.judging import Complaint, complaints
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.population import CannotCountError
from haiku_tuntap.properties.prove.counted.proof import Attempt
from haiku_tuntap.properties.prove.counted.runs import CountedState, value
from haiku_tuntap.properties.prove.counted.terms import Shared, fn
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.verdicts import attempt


def complained_of(comparison: Comparison, prop: Property, state: State) -> Counter[int]:
    """How many threads of each template a judge complains of in a state of the search."""
    finite = comparison.finite
    names = [spec.name for spec in finite.layout.system.threads]
    found: Counter[int] = Counter()
    for reason in prop.violations(View(finite.layout, state)):
        (thread,) = (t for t, name in enumerate(names) if reason.startswith(f"{name} "))
        found[finite.template_of[thread]] += 1
    return found


def complained_of_in(
    comparison: Comparison,
    counted: CountedState,
    asked: dict[LocalState, list[Complaint]],
) -> Counter[int]:
    """The same in a counted state; `asked` is what is said of each local state, and when."""
    shared = dict(zip(comparison.abstraction.names, counted.shared, strict=True))
    found: Counter[int] = Counter()
    for local, count in counted.threads:
        for complaint in asked[local]:
            if all(bool(value(term, shared)) is truth for term, truth in complaint.condition):
                found[local.template] += count
    return found


@pytest.mark.parametrize("expected", EACH)
def test_a_judge_complains_of_as_many_threads(expected: Expected) -> None:
    comparison = instance_compared(expected.instance)
    space = comparison.space
    quiescent = comparison.found.quiescent
    some = False
    for prop in THEOREMS[expected.instance.theorem].properties:
        asked = {
            local: list(complaints(space, prop, local))
            if space.templates[local.template].location(local).kind is LocationKind.BLOCKED
            else []
            for counted in map(comparison.counted.__getitem__, quiescent)
            for local, _ in counted.threads
        }
        for state in quiescent:
            ours = complained_of(comparison, prop, state)
            assert complained_of_in(comparison, comparison.counted[state], asked) == ours
            some = some or bool(ours)
    assert some is expected.refuted


# --- what cannot be asked of one thread at a time -------------------------------------------------


def judging(**how: Any) -> Property:
    return Property("made-up", "?", "?", "the test", **how)


def several_sleep(view: View) -> Iterator[str]:
    if sum(thread.asleep for thread in view.threads) > 1:
        yield "two threads sleep"


def another_sleeps(view: View, thread: ThreadView) -> Iterator[str]:
    if any(other is not thread and other.asleep for other in view.threads):
        yield f"{thread.name} is not alone"


def first_is_signalled(view: View, thread: ThreadView) -> Iterator[str]:
    if view.value(view.layout.system.threads[0].thread, "signalled"):
        yield f"{thread.name} is not the first"


@pytest.mark.parametrize("how", [{"judge": several_sleep}, {"judge_of_thread": another_sleeps}])
def test_a_judge_that_looks_at_several_threads_is_refused(how: dict[str, Any]) -> None:
    mutex = Mutex()
    space = space_of(mutex, call(enter, mutex))
    asked = None if "judge" in how else next(iter(space.states))
    with pytest.raises(CannotCountError, match="made-up looks at all threads together"):
        list(complaints(space, judging(**how), asked))


def test_a_judge_that_looks_at_what_another_thread_has_to_itself_is_refused() -> None:
    mutex = Mutex()
    space = space_of(mutex, call(enter, mutex), call(enter, mutex))
    prop = judging(judge_of_thread=first_is_signalled)
    first, second = (next(s for s in space.states if s.template == t) for t in (0, 1))
    assert list(complaints(space, prop, first)) == []
    with pytest.raises(CannotCountError, match=r"made-up looks at Thread\.signalled of a thread"):
        list(complaints(space, prop, second))


def crowded(view: View) -> Iterator[str]:
    (mutex,) = view.layout.instances.of_class(Mutex)
    if view.length(mutex.object, "waiters") > 2:
        yield "more than two wait"


def pair(view: View) -> Iterator[str]:
    (mutex,) = view.layout.instances.of_class(Mutex)
    if len(view.value(mutex.object, "waiters")) == 2:
        yield "two wait"


def served(view: View) -> Iterator[str]:
    (mutex,) = view.layout.instances.of_class(Mutex)
    if any(thread.signalled for thread in view.value(mutex.object, "waiters")):
        yield "somebody who was signalled waits"


def test_how_many_there_are_is_compared_with_any_number() -> None:
    mutex = Mutex()
    space = space_of(mutex, call(enter, mutex))
    more_than_two = (fn("gt", Shared("it.waiters"), 2), True)
    assert list(complaints(space, judging(judge=crowded), None)) == [
        Complaint("more than two wait", (more_than_two,))
    ]


@pytest.mark.parametrize(
    ("judge", "problem"),
    [
        (pair, r"asks for len of it\.waiters, which may be any number"),
        (served, r"looks at what is in it\.waiters"),
    ],
)
def test_len_and_the_elements_of_what_is_counted_are_refused(
    judge: Callable[[View], Iterator[str]], problem: str
) -> None:
    mutex = Mutex()
    space = space_of(mutex, call(enter, mutex))
    with pytest.raises(CannotCountError, match=problem):
        list(complaints(space, judging(judge=judge), None))


def test_a_proof_with_such_a_judge_is_none() -> None:
    theorem = evolve(THEOREMS["interface"], properties=(judging(judge=several_sleep),))
    outcome = attempt(DRIVERS["tunnel-repaired"], theorem, lambda _: None, None)
    assert outcome.proved == frozenset()
    assert outcome.problems == (
        "integers cannot stand for this: made-up looks at all threads together; if what it says "
        "is of each by itself, let judge_of_thread say it",
    )


# --- who is asked about ---------------------------------------------------------------------------


def out_of_calls(view: View, thread: ThreadView) -> Iterator[str]:
    del view
    if not thread.pending:
        yield f"a thread is {thread.location.kind.name.lower()}"


def test_threads_outside_of_calls_are_judged_too() -> None:
    prop = judging(judge_of_thread=out_of_calls)
    trying = Attempt(TUNNEL, evolve(THEOREMS["interface"], properties=(prop,)))
    trying.prepare()
    assert {forbidden.reason for forbidden in trying.forbidden} == {"a thread is call"}
