"""What Z3 is told of a rule allows what the rule does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from agreement import Comparison, instance_compared, instance_proof
from instances import EACH, Expected

from haiku_tuntap.properties.prove.counted.induction import Change
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.counted.runs import CountedState, Rules

SAMPLE = 30
FEW = [EACH[0], EACH[2], *(each for each in EACH if each.marks)]


def values_in(comparison: Comparison, proof: Proof, state: CountedState) -> dict[str, int]:
    """The values of Z3's variables: shared ones, threads in each place, threads in each class."""
    values = dict(zip(comparison.abstraction.names, state.shared, strict=True))
    for index, place in enumerate(proof.counted.places):
        values[f"#{index}"] = sum(n for local, n in state.threads if local in place)
    sizes: Counter[int] = Counter()
    for local, count in state.threads:
        sizes[proof.machine.classes.of[local]] += count
    for index, size in enumerate(proof.machine.sizes):
        values[size.decl().name()] = sizes[index]
    return values


def allows(change: Change, before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether Z3 can choose shifts of the participants that lead from one state to the other."""
    known = [(z3.Int(name), z3.IntVal(value)) for name, value in before.items()]
    solver = z3.Solver()
    for test in change.guard:
        solver.add(z3.substitute(test, *known))
    for name, value in after.items():
        if name in change.after:
            solver.add(z3.substitute(change.after[name], *known) == value)
        elif not name.startswith("class ") and before[name] != value:
            return False
    return bool(solver.check() == z3.sat)


def sampled(
    comparison: Comparison, rules: Rules
) -> Iterator[tuple[CountedState, Rule, CountedState]]:
    """Some steps of the counted form, each rule in turn."""
    states = list(dict.fromkeys(comparison.counted.values()))
    Random(SAMPLE).shuffle(states)
    taken: Counter[Rule] = Counter()
    for state in states:
        for rule, after in rules.successors(state):
            if taken[rule] < 1 and taken.total() < SAMPLE:
                taken[rule] += 1
                yield state, rule, after


@pytest.mark.parametrize("expected", FEW)
def test_z3_allows_each_step_of_a_rule_and_no_other_change(expected: Expected) -> None:
    comparison, proof = instance_compared(expected.instance), instance_proof(expected.instance)
    rules = Rules(proof.counted.space, comparison.abstraction.names, comparison.in_turn)
    changes = {rule: change for change in proof.machine.changes for rule in change.rules}
    some = False
    for before, rule, after in sampled(comparison, rules):
        values = [values_in(comparison, proof, state) for state in (before, after)]
        unread = rules.unread(local for local, _ in after.threads)
        values[1] |= {name: values[0][name] for name in unread}  # Z3 leaves it as it was
        if rule in changes:
            some = True
            assert allows(changes[rule], *values)
            for name in changes[rule].after.keys() & values[1].keys():
                wrong = values[1] | {name: values[1][name] + 1_000}
                assert not allows(changes[rule], values[0], wrong)
        else:  # nothing that a fact looks at changes
            assert {k: v for k, v in values[0].items() if k[0] == "#"} == {
                k: v for k, v in values[1].items() if k[0] == "#"
            }
    assert some
