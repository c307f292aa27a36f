"""What was found, compared with what is known.

A shipped driver declares its defects: what it declares and a run finds is KNOWN, what it does not
declare is NEW, and what it declares and a run does not find any more is *missing*: the declaration
is wrong, or the model is.

Any other driver, a user's or a shipped one that declares nothing (an example, a single repair), is
compared with the shipped one from which it derives and which does: a declared defect that
is still there is KNOWN, one that is gone is FIXED, anything else is NEW. Only NEW is its fault.

A defect may show in several places, that is, pairs of a scenario and a property. It is fixed when
it is gone from all that were run.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from haiku_tuntap.model.drivers import Driver, KnownDefect
from haiku_tuntap.properties.loading import is_shipped
from haiku_tuntap.properties.verdict import Comparison, Result, Verdict


@frozen
class Classified:
    """Results with `known` and `comparison` set, and what follows from them.

    `base` is the shipped driver whose declarations were used: the driver itself, one from which it
    derives, or None. `missing` are the results that a shipped driver declares to be
    refuted and that hold.
    """

    driver: Driver
    base: Driver | None
    results: tuple[Result, ...]
    missing: tuple[Result, ...]

    @property
    def exit_code(self) -> int:
        """0 is success, 1 something new (or missing), 3 something undetermined."""
        if self.new or self.missing:
            return 1
        if any(result.verdict is Verdict.UNDETERMINED for result in self.results):
            return 3
        return 0

    @property
    def new(self) -> tuple[Result, ...]:
        """What was refuted and is not declared."""
        return tuple(r for r in self.results if r.comparison is Comparison.NEW)

    @property
    def found(self) -> tuple[KnownDefect, ...]:
        """The declared defects that were found somewhere."""
        ids = {r.known for r in self.results if r.comparison is Comparison.KNOWN}
        return tuple(defect for defect in self._declared if defect.id in ids)

    @property
    def fixed(self) -> tuple[KnownDefect, ...]:
        """The declared defects that are gone from every place that was run."""
        return tuple(
            defect
            for defect in self._declared
            if (places := self._places(defect))
            and all(result.comparison is Comparison.FIXED for result in places)
        )

    @property
    def partly_fixed(self) -> tuple[KnownDefect, ...]:
        """The declared defects that are gone from some places, and not from all."""
        return tuple(
            defect
            for defect in self._declared
            if len({result.comparison for result in self._places(defect)}) > 1
            and any(r.comparison is Comparison.FIXED for r in self._places(defect))
        )

    def defect_of(self, result: Result) -> KnownDefect | None:
        """The declared defect that a result is compared with."""
        return next((d for d in self._declared if d.id == result.known), None)

    @property
    def _declared(self) -> tuple[KnownDefect, ...]:
        return self.base.known if self.base is not None else ()

    def _places(self, defect: KnownDefect) -> list[Result]:
        return [r for r in self.results if (r.scenario, r.property) in defect.refutes]


def classify(driver: Driver, results: Sequence[Result]) -> Classified:
    """Compare the results of a driver with what is known of it, or of what it derives from."""
    base = shipped_base(driver)
    compared = tuple(_compare(result, driver, base) for result in results)
    missing = (
        tuple(r for r in compared if r.verdict is Verdict.HOLDS and _declaring(base, r) is not None)
        if base is driver
        else ()
    )
    return Classified(driver, base, compared, missing)


def shipped_base(driver: Driver) -> Driver | None:
    """The nearest shipped driver that declares its defects: this one, or one it derives from."""
    nearest: Driver | None = driver
    while nearest is not None and not (is_shipped(nearest) and nearest.known):
        nearest = nearest.base
    return nearest


def _compare(result: Result, driver: Driver, base: Driver | None) -> Result:
    defect = _declaring(base, result)
    if result.verdict is Verdict.REFUTED:
        if defect is None:
            return evolve(result, comparison=Comparison.NEW)
        return evolve(result, known=defect.id, comparison=Comparison.KNOWN)
    if result.verdict is Verdict.HOLDS and defect is not None and base is not driver:
        return evolve(result, known=defect.id, comparison=Comparison.FIXED)
    return result


def _declaring(base: Driver | None, result: Result) -> KnownDefect | None:
    """The defect that is declared to show in that place, if there is one."""
    if base is None:
        return None
    place = (result.scenario, result.property)
    alone = (defect for defect in base.known if place in defect.refutes)
    shared = (defect for defect in base.known if place in defect.shared)
    return next(alone, None) or next(shared, None)
