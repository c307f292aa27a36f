"""Counters that are never negative: what a measure needs beside the driver's invariant.

A sum that could fall for ever would end nothing. That a counter is not negative at first, and that
no step makes it so while the invariant holds, is tried for all counters together; those for which
it fails are given up until the rest hold each other up.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3  # type: ignore[import-untyped]  # z3-solver comes without types

from haiku_tuntap.properties.prove.counted.induction import Claim, Prover, claim
from haiku_tuntap.properties.prove.counted.population import is_shadow
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.formulas import every


def counters(space: Space) -> dict[str, int]:
    """The shared variables that count something (or are 0 or 1), with their first value.

    Not those of monitors, nor those that places of threads say already.
    """
    population = space.population
    monitors = {id(m) for m in population.layout.system.monitors}
    roles = {role.variable for role in space.by_role}
    found = {}
    for number, name in population.layout.slots:
        instance = population.instance(number)
        variable = f"{instance.name}.{name}"
        if id(instance.object) in monitors or is_shadow(instance.cls) or variable in roles:
            continue
        kind = population.type_of(number, name).name
        if number not in population.own and kind in ("int", "bool", "seq"):
            found[variable] = population.initial(number, name)
    return found


def lists_of_others(space: Space) -> frozenset[str]:
    """The lists that locals hold of other threads' records; as variables, how long they are."""
    return frozenset(role.variable for role in space.by_role if role.template is not None)


def never_negative(proof: Proof) -> tuple[list[Claim], int]:
    """Of which counters it holds, given the proof's invariant, and how many queries it took."""
    names = [name for name, first in counters(proof.counted.space).items() if first >= 0]
    queries = 0
    while True:
        claims = [claim(f"{name} is never negative", z3.Int(name) >= 0) for name in names]
        prover = Prover(proof.machine, [*proof.claims, *claims])
        failed = set(_lowered_too_far(prover, names))
        queries += prover.queries
        if not failed:
            return claims, queries
        names = [name for name in names if name not in failed]


def _lowered_too_far(prover: Prover, names: list[str]) -> Iterator[str]:
    for change in prover.machine.changes:
        for name in names:
            if name in change.after:
                after = change.after[name]
                if prover.is_possible(every([*change.guard, after < 0])):
                    yield name
    if prover.undetermined:
        yield from names  # nothing is known then
