"""A driver: which texts stand in for which.

    MINE = TUNNEL.derive("mine", "tunnel, but close wakes late readers, too")

    @MINE.replaces(tunnel_close)
    @procedure()
    async def close(cookie: TunnelCookie) -> Status:
        ...

A driver may replace any procedure or primitive that it reaches, the kernel's included, and any
record class by a subclass that has more fields. What it does not replace it has from the driver it
derives from. A replacement must not call what it replaces: that would be itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language import Primitive, Procedure, Substitution
from haiku_tuntap.model.language.invariants import Conjunct, Fact, Facts
from haiku_tuntap.model.language.records import is_record_class

T = TypeVar("T")


@frozen
class KnownDefect:
    """A defect that a driver is known to have.

    `refutes` are the pairs of a scenario's name and a property's id that it refutes. `repair` is
    a driver with that defect repaired and nothing else; without one it is a decision not to
    repair it in the driver, and `prose` says why. `shared` are the pairs that the defect refutes
    just as well, but another declared one, too: it takes the repairs of both to make them hold.
    `owner` is whose defect it is: the driver's, or that of what stands around it.
    """

    id: str
    title: str
    prose: str
    source: str
    refutes: frozenset[tuple[str, str]]
    repair: Driver | None = None
    shared: frozenset[tuple[str, str]] = frozenset()
    owner: str = "driver"

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """All pairs that the defect may refute."""
        return self.refutes | self.shared


@define(eq=False)
class Driver:
    """A driver, or a change to one. See the module's essay."""

    name: str
    summary: str
    base: Driver | None = None
    known: tuple[KnownDefect, ...] = ()
    replacements: dict[Any, Any] = field(default=Factory(dict), repr=False)
    own_invariants: dict[str, Conjunct | None] = field(default=Factory(dict), repr=False)

    def derive(self, name: str, summary: str) -> Driver:
        """A new driver that is this one but for what it will replace."""
        return Driver(name=name, summary=summary, base=self)

    def replaces(self, original: Any) -> Callable[[T], T]:
        """Declare that the decorated procedure or record class stands in for `original`."""

        def declare(replacement: T) -> T:
            self._check(original, replacement)
            self.replacements[original] = replacement
            return replacement

        return declare

    @property
    def substitution(self) -> Substitution:
        """Everything that this driver and those below it replace."""
        inherited = self.base.substitution.replacements if self.base else {}
        return Substitution({**inherited, **self.replacements})

    def invariant(
        self, *theorems: str, why: str, for_progress: bool = False
    ) -> Callable[[Callable[[Facts], Fact]], Callable[[Facts], Fact]]:
        """Declare a conjunct of the driver's invariant, for those theorems.

        One of the same name that the driver would inherit is replaced. `why` is a sentence that
        says why it is true; `for_progress` that what needs it is the proof that threads come to
        rest.
        """

        def declare(holds: Callable[[Facts], Fact]) -> Callable[[Facts], Fact]:
            name = holds.__name__.replace("_", "-")
            self.own_invariants[name] = Conjunct(name, theorems, why, holds, for_progress)
            return holds

        return declare

    def without_invariant(self, name: str) -> None:
        """Do without a conjunct that the driver would inherit."""
        if name not in self.invariants:
            raise LookupError(
                f"{self.name} inherits no conjunct named {name}; there are "
                + ", ".join(self.invariants)
            )
        self.own_invariants[name] = None

    @property
    def invariants(self) -> dict[str, Conjunct]:
        """The conjuncts of this driver and of those below it, by name."""
        inherited: dict[str, Conjunct | None] = dict(self.base.invariants) if self.base else {}
        merged = {**inherited, **self.own_invariants}
        return {name: conjunct for name, conjunct in merged.items() if conjunct is not None}

    def _check(self, original: Any, replacement: Any) -> None:
        if is_record_class(original):
            if not (is_record_class(replacement) and issubclass(replacement, original)):
                raise TypeError(
                    f"{self.name}: {original.__name__} is a record class, so it can only be "
                    f"replaced by a record class derived from it; {_name(replacement)} is not one"
                )
            return
        for kind in (Procedure, Primitive):
            if isinstance(original, kind):
                if not isinstance(replacement, kind):
                    raise TypeError(
                        f"{self.name}: {original.name} is a {kind.__name__.lower()}, but "
                        f"{_name(replacement)}, which should replace it, is not; put "
                        f"@{kind.__name__.lower()}(...) below @replaces"
                    )
                return
        raise TypeError(
            f"{self.name}: {_name(original)} cannot be replaced; only procedures, primitives and "
            "record classes can"
        )


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", repr(value)))
