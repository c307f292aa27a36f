"""A judge says the same of a state of the search as of the counted state that stands for it."""

from __future__ import annotations

from collections import Counter

import pytest
from agreement import Comparison, instance_compared
from instances import EACH, Expected

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.judging import Complaint, complaints
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.runs import CountedState, value
from haiku_tuntap.properties.prove.theorems import THEOREMS


def complained_of(comparison: Comparison, prop: Property, state: State) -> Counter[int]:
    """How many threads of each template a judge complains of in a state of the search."""
    finite = comparison.finite
    names = [spec.name for spec in finite.layout.system.threads]
    found: Counter[int] = Counter()
    for reason in prop.judge(View(finite.layout, state)):
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
