"""Fields that several threads touch without a lock.

An `Atomic` is changed by atomic_add, atomic_or and their like, which are indivisible. An
`Unguarded` is a plain variable: reading and writing it are two steps, and whatever happens in
between is lost by `+=`. Every access to either is a scheduling point.
"""

from __future__ import annotations

from haiku_tuntap.model.language import internal, primitive, record


@record
class Atomic:
    """An int32 that is only accessed by the atomic functions (headers/os/support/SupportDefs.h)."""

    value: int = internal(default=0)

    @primitive()
    def load(self) -> int:
        """atomic_get."""
        return self.value

    @primitive()
    def store(self, value: int) -> None:
        """atomic_set."""
        self.value = value

    @primitive()
    def add(self, amount: int) -> int:
        """atomic_add: gives the value before."""
        previous = self.value
        self.value = previous + amount
        return previous

    @primitive()
    def or_(self, bits: int) -> int:
        """atomic_or: gives the value before."""
        previous = self.value
        self.value = previous | bits
        return previous

    @primitive()
    def and_(self, bits: int) -> int:
        """atomic_and: gives the value before."""
        previous = self.value
        self.value = previous & bits
        return previous


@record
class Unguarded:
    """A plain variable that no lock protects."""

    value: int = internal(default=0)

    @primitive()
    def load(self) -> int:
        """Read it."""
        return self.value

    @primitive()
    def store(self, value: int) -> None:
        """Write it."""
        self.value = value
