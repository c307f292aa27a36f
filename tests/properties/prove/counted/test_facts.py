"""What invariants claim is true of every state of the search; and it is what Z3 is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from agreement import Comparison, instance_compared, instance_proof
from attrs import Factory, define
from instances import EACH, SMALL, Expected
from known_facts import KnownFacts

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.language.invariants import Conjunct, Fact, Facts, asleep_in
from haiku_tuntap.properties.prove.counted.induction import Claim
from haiku_tuntap.properties.prove.counted.positions import Roads
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.counted.runs import CountedState
from haiku_tuntap.properties.prove.monitors import MONITOR_FACTS

SAMPLE = 500


def facts_of(comparison: Comparison) -> KnownFacts:
    space = comparison.space
    return KnownFacts(space, comparison.abstraction.names, Roads(space))


def sampled(comparison: Comparison) -> list[CountedState]:
    """Counted states that stand for states of the search: all, or a sample if those are many."""
    states = list(dict.fromkeys(comparison.counted.values()))
    return states if len(states) <= SAMPLE else Random(SAMPLE).sample(states, SAMPLE)


def conjuncts_of(expected: Expected) -> dict[str, Conjunct]:
    """What the theorem's invariant says of the driver, and of the monitors."""
    instance = expected.instance
    conjuncts = [*DRIVERS[instance.driver].invariants.values(), *MONITOR_FACTS]
    return {c.name: c for c in conjuncts if instance.theorem in c.theorems}


@pytest.mark.parametrize("expected", EACH)
def test_every_fact_is_true_of_every_state_of_the_search(expected: Expected) -> None:
    comparison = instance_compared(expected.instance)
    facts, conjuncts = facts_of(comparison), conjuncts_of(expected)
    assert conjuncts
    for state in sampled(comparison):
        assert list(facts.at(state).broken(conjuncts)) == []


def test_a_fact_that_is_false_of_some_state_is_found_out() -> None:
    def nobody_sleeps(state: Facts) -> Fact:
        return state.count(asleep_in(state.device.send_queue.notify)) == 0

    made = Conjunct("nobody-sleeps", ("packets",), "It is not so.", nobody_sleeps)
    comparison = instance_compared(SMALL[0].instance)
    facts = facts_of(comparison)
    broken = [list(facts.at(s).broken({"": made})) for s in sampled(comparison)]
    assert [] in broken
    assert ["nobody-sleeps"] in broken


@define(eq=False)
class Answers:
    """What Z3 says of claims, asked once for all states that look alike to a claim."""

    proof: Proof
    known: dict[tuple[str, tuple[int, ...]], bool] = Factory(dict)

    def holds(self, claim: Claim, values: dict[str, int]) -> bool:
        """Whether a claim holds where variables have those values."""
        names = sorted(claim.variables)
        key = (claim.name, tuple(values[n] for n in names))
        if key not in self.known:
            put = [(z3.Int(n), z3.IntVal(values[n])) for n in names]
            self.known[key] = z3.is_true(z3.simplify(z3.substitute(claim.formula, *put)))
        return self.known[key]


def valuations(comparison: Comparison, proof: Proof) -> Iterator[dict[str, int]]:
    """The values of Z3's variables in each state of the search."""
    names = comparison.abstraction.names
    places = list(proof.counted.places)
    for state in set(comparison.counted.values()):
        values = dict(zip(names, state.shared, strict=True))
        for index, place in enumerate(places):
            values[f"#{index}"] = sum(n for s, n in state.threads if s in place)
        yield values


@pytest.mark.parametrize("expected", EACH)
def test_what_z3_takes_for_true_is_true_of_every_state_of_the_search(expected: Expected) -> None:
    comparison, proof = instance_compared(expected.instance), instance_proof(expected.instance)
    answers = Answers(proof)
    for values in valuations(comparison, proof):
        assert [c.name for c in proof.claims if not answers.holds(c, values)] == []
