"""Four ways to a verdict agree on random small systems: two searches, and Z3 in two ways."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small import CHECKED, Small, systems

from haiku_tuntap.properties.check import search
from haiku_tuntap.properties.explore.search import Limits, Model, model_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.finite.asking import Asking
from haiku_tuntap.properties.prove.finite.bounded import BoundedSearch
from haiku_tuntap.properties.prove.finite.encoding import Encoding
from haiku_tuntap.properties.prove.finite.induction import Induction

SYSTEMS = 500

Verdicts = dict[str, int | None]  # by property: the length of the shortest trace, None if it holds


def by_search(model: Model, wanted: list[Property]) -> Verdicts:
    outcome = search(model, wanted, Limits())
    assert outcome.complete
    violations = outcome.violations
    return {p.id: violations[p.id].depth if p.id in violations else None for p in wanted}


def by_z3(model: Model, wanted: list[Property]) -> tuple[Verdicts, Verdicts]:
    """By k-induction, and by bounded search, which goes on from the runs that induction saw."""
    base = BoundedSearch(model, Encoding(model.layout), wanted, Asking())
    induction = Induction(base)
    induction.search()
    assert induction.limit is None
    assert all(induction.holds(p) or p.id in base.refuted for p in wanted)
    by_induction = lengths(base, wanted)
    base.search()
    assert base.limit is None
    return by_induction, lengths(base, wanted)


def lengths(found: BoundedSearch, wanted: list[Property]) -> Verdicts:
    return {p.id: found.refuted[p.id].length if p.id in found.refuted else None for p in wanted}


@pytest.mark.engines
def test_searches_and_z3_agree_on_random_systems() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=SYSTEMS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(systems(), st.sampled_from(CHECKED))
    def agree(small: Small, wanted: list[Property]) -> None:
        model = model_of(small.build(), reduced=False)
        expected = by_search(model, wanted)
        assert by_z3(model, wanted) == (expected, expected)
        reduced = by_search(model_of(small.build(), reduced=True), wanted)
        assert {p for p, n in reduced.items() if n} == {p for p, n in expected.items() if n}
        seen["systems"] += 1
        seen.update(p for p, length in expected.items() if length is not None)

    agree()
    assert seen["systems"] >= SYSTEMS
    assert all(seen[prop.id] >= 20 for wanted in CHECKED for prop in wanted), seen
