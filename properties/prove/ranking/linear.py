"""Weights for spots and variables such that no step raises the weighted sum, and some lower it.

Which weights there are is a linear program; Z3 finds those which lower as many steps as possible,
and of these the least. Where there are none, the program's dual has a solution: a combination of
steps that together take nothing away from any spot or variable, so that they can go on for ever
as far as weighted sums can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, frozen

from haiku_tuntap.properties.prove.ranking.steps import Effect, Shift, Spot

TIMEOUT = 10_000  # milliseconds for one linear program, which takes a hundred
VARIABLE_COST = 1000  # a variable is used only where no weights for spots would do


@frozen
class Weights:
    """A weighted sum, and the effects that lower it by at least one."""

    spots: Mapping[Spot, int]
    variables: Mapping[str, int]
    lowered: frozenset[Effect]


def weights_for(effects: Sequence[Effect], variables: frozenset[str]) -> Weights | None:
    """Weights that no effect raises, if they can lower any. `variables` are never negative."""
    if not effects:
        return None
    return LinearProgram(list(dict.fromkeys(effects)), variables).solve()


def new_optimizer() -> z3.Optimize:
    """One that gives up when it takes too long, and leaves Ctrl-C to Python."""
    made = z3.Optimize()
    made.set("timeout", TIMEOUT)
    made.set("ctrl_c", False)
    return made


@define(eq=False)
class LinearProgram:
    """The program for some effects."""

    effects: list[Effect]
    variables: frozenset[str]
    spots: dict[Spot, z3.ArithRef] = Factory(dict)
    factors: dict[str, z3.ArithRef] = Factory(dict)
    optimizer: z3.Optimize = Factory(new_optimizer)

    def solve(self) -> Weights | None:
        drops = [self._drop(number, effect) for number, effect in enumerate(self.effects)]
        self.optimizer.maximize(z3.Sum(drops))
        dear = [VARIABLE_COST * f for f in self.factors.values()]
        self.optimizer.minimize(z3.Sum([*self.spots.values(), *dear]))
        if self.optimizer.check() != z3.sat:
            return None
        model = self.optimizer.model()
        lowered = frozenset(
            e for e, d in zip(self.effects, drops, strict=True) if _fraction(model, d) > 0
        )
        if not lowered:
            return None
        return self._scaled(model, drops, lowered)

    def _drop(self, number: int, effect: Effect) -> z3.ArithRef:
        """By how much an effect lowers the sum, at most 1 counted."""
        drop = z3.Real(f"drop {number}")
        change = [self._step(effect.actor)]
        for at, side in enumerate(effect.others):
            moving = [s for s in side if s[0] != s[1]]
            if moving:
                most = z3.Real(f"most {number} {at}")
                change.append(most)
                self.optimizer.add(*(most >= self._step(shift) for shift in side))
        self.optimizer.add(*(self._step(shift) <= 0 for shift in effect.swept))
        for name, rise in effect.rises:
            if name in self.variables and rise != 0:
                if rise is None:
                    self.optimizer.add(self._factor(name) == 0)
                else:
                    change.append(self._factor(name) * rise)
        self.optimizer.add(z3.Sum(change) <= -drop, drop >= 0, drop <= 1)
        return drop

    def _step(self, shift: Shift) -> z3.ArithRef:
        before, after = shift
        return z3.RealVal(0) if before == after else self._spot(after) - self._spot(before)

    def _spot(self, spot: Spot) -> z3.ArithRef:
        if spot not in self.spots:
            self.spots[spot] = z3.Real(f"spot {len(self.spots)}")
            self.optimizer.add(self.spots[spot] >= 0)
        return self.spots[spot]

    def _factor(self, name: str) -> z3.ArithRef:
        if name not in self.factors:
            self.factors[name] = z3.Real(name)
            self.optimizer.add(self.factors[name] >= 0)
        return self.factors[name]

    def _scaled(
        self, model: z3.ModelRef, drops: list[z3.ArithRef], lowered: frozenset[Effect]
    ) -> Weights:
        """Whole numbers, large enough that what is lowered is lowered by one."""
        spots = {s: _fraction(model, w) for s, w in self.spots.items()}
        factors = {n: _fraction(model, w) for n, w in self.factors.items()}
        parts = [*spots.values(), *factors.values()]
        scale = lcm(*(p.denominator for p in parts))
        return Weights(
            {s: int(w * scale) for s, w in spots.items() if w},
            {n: int(w * scale) for n, w in factors.items() if w},
            lowered,
        )


def _fraction(model: z3.ModelRef, term: z3.ArithRef) -> Fraction:
    found = model.eval(term, model_completion=True)
    return Fraction(found.numerator_as_long(), found.denominator_as_long())


def combination_of(effects: Sequence[Effect], variables: frozenset[str]) -> dict[Effect, int]:
    """How often to do which effects so that no spot and no variable has less in the end.

    There are some if there are no weights; these are as few as possible. Empty if Z3 gives up.
    """
    distinct = list(dict.fromkeys(effects))
    optimizer = new_optimizer()
    times = [z3.Int(f"times {i}") for i in range(len(distinct))]
    gain: dict[object, list[z3.ArithRef]] = {}
    for number, (effect, often) in enumerate(zip(distinct, times, strict=True)):
        optimizer.add(often >= 0)
        _flow(gain, effect.actor, often)
        for at, side in enumerate(effect.others):
            picks = []
            for which, shift in enumerate(sorted(side, key=repr)):
                picks.append(z3.Int(f"pick {number} {at} {which}"))
                _flow(gain, shift, picks[-1])
            optimizer.add(*(p >= 0 for p in picks), z3.Sum(picks) == often)
        for which, shift in enumerate(sorted(effect.swept, key=repr)):
            swept = z3.Int(f"swept {number} {which}")
            optimizer.add(swept >= 0, z3.Implies(often == 0, swept == 0))
            _flow(gain, shift, swept)
        for name, rise in effect.rises:
            if name in variables and rise is not None:
                gain.setdefault(name, []).append(rise * often)
    optimizer.add(*(z3.Sum(parts) >= 0 for parts in gain.values()), z3.Sum(times) >= 1)
    optimizer.minimize(z3.Sum(times))
    if optimizer.check() != z3.sat:
        return {}
    model = optimizer.model()
    found = {e: model.eval(t).as_long() for e, t in zip(distinct, times, strict=True)}
    return {effect: often for effect, often in found.items() if often}


def _flow(gain: dict[object, list[z3.ArithRef]], shift: Shift, often: z3.ArithRef) -> None:
    before, after = shift
    if before != after:
        gain.setdefault(before, []).append(-often)
        gain.setdefault(after, []).append(often)
