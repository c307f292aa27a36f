"""References and sequences: comparing, storing, and taking one element out of several."""

from __future__ import annotations

from typing import Any

from haiku_tuntap.properties.prove.counted.decide import Deciding
from haiku_tuntap.properties.prove.counted.moves import Holder
from haiku_tuntap.properties.prove.counted.population import OTHER, THREAD, CannotCountError
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, fn
from haiku_tuntap.properties.prove.counted.values import (
    NONE,
    Code,
    Held,
    OwnQueue,
    Record,
    Several,
    Value,
    Values,
    is_term,
)


class Sequences(Deciding):
    """Operators on references and sequences."""

    def same(self, left: Any, right: Any) -> Term:
        """Whether two references mean the same record."""
        if isinstance(right, Held) and not isinstance(left, Held):
            left, right = right, left
        if isinstance(left, Held):
            if right == NONE:
                return fn("eq", Shared(left.role.variable), 0)
            if isinstance(right, Record) and right.who is not None:
                return Own(right.who, ("role", left.role))
            raise CannotCountError(f"{self.location.label} compares two references to threads")
        if isinstance(left, (Value, Record)) and right == NONE:
            return 0
        if isinstance(left, Record) and isinstance(right, Record):
            return int(left == right)
        return fn("eq", self.code(left, 0), self.code(right, 0))

    def code(self, value: Any, who: int | None) -> Term:
        """A reference as it is stored in a value of `who`."""
        if isinstance(value, Code):
            return value.term
        if isinstance(value, Value):
            return 1
        if isinstance(value, Record):
            if value.who is None:
                return value.number
            assert value.own is not None
            return self.population.codes[value.own] if value.who == who else OTHER
        raise CannotCountError(f"{self.location.label} stores a reference to a thread")

    def stored(self, value: Any, who: int | None) -> Term:
        """A value as it is stored in a local or field."""
        if isinstance(value, OwnQueue):
            return value.length
        if isinstance(value, Several):
            # The queue of a thread's own semaphore, in which only it sleeps.
            if value.role is None and all(r.who == who for r in value.plus):
                return len(value.plus)
            raise CannotCountError(f"{self.location.label} stores a sequence of threads")
        if isinstance(value, Values):
            return value.length
        return self.number(value) if is_term(value) else self.code(value, who)

    def number(self, value: Any) -> Term:
        """A value as a truth or a number."""
        if isinstance(value, (Several, Values, OwnQueue)):
            return fn("gt", self.length(value), 0)
        if is_term(value):
            term: Term = value
            return term
        return fn("ne", self.code(value, 0), 0)

    def length(self, sequence: Any) -> Term:
        """How many elements a sequence has."""
        if isinstance(sequence, (Values, OwnQueue)):
            return sequence.length
        term: Term = 0 if sequence.role is None else Shared(sequence.role.variable)
        term = fn("sub", term, len(sequence.without))
        return fn("add", term, len(sequence.plus))

    def _sequence_operation(self, name: str, values: list[Any]) -> Any:
        sequence = values[0]
        match name:
            case "len":
                return self.length(sequence)
            case "bool":
                return fn("gt", self.length(sequence), 0)
            case "not":
                return fn("eq", self.length(sequence), 0)
            case "eq" | "ne" if values[1] in (Several(None), ()):
                return fn(name, self.length(sequence), 0)
            case "first":
                return self._first(sequence)
            case "rest":
                return self._remove(sequence, self._first(sequence))
            case "without":
                return self._without(sequence, values[1])
            case "contains":
                return self._contains(sequence, values[1])
            case "join":
                return self._join(values[0], values[1])
        raise CannotCountError(f"{self.location.label} needs {name} of a sequence")

    def _first(self, sequence: Any) -> Any:
        if isinstance(sequence, Values):
            assert sequence.cls is not None
            return Value(sequence.cls)
        if isinstance(sequence, OwnQueue):
            return Record(sequence.who, 0, THREAD)
        if sequence.role is None:
            return sequence.plus[0]
        if sequence not in self.firsts:
            self.firsts[sequence] = self._pick(sequence)
        return self.firsts[sequence]

    def _pick(self, sequence: Several) -> Record:
        """An element: one of the participants, or somebody else who has the role."""
        assert sequence.role is not None
        for who in self._inside(sequence):
            if self.decisions.choose(2) == 0:
                return Record(who, 0, sequence.role.record)
        return Record(self.participant(Holder(sequence.role)), 0, sequence.role.record)

    def _inside(self, sequence: Several) -> list[int]:
        """The participants that are in a sequence by their role."""
        assert sequence.role is not None
        gone = {r.who for r in sequence.without}
        others = [w for w in range(len(self.participants)) if w not in gone]
        return [w for w in others if self.test_role(w, sequence.role)]

    def _remove(self, sequence: Any, element: Any) -> Any:
        if isinstance(sequence, Values):
            return Values(sequence.cls, fn("sub", sequence.length, 1))
        if isinstance(sequence, OwnQueue):
            return OwnQueue(sequence.who, fn("sub", sequence.length, 1))
        if element in sequence.plus:
            plus = tuple(r for r in sequence.plus if r != element)
            return Several(sequence.role, sequence.without, plus)
        return Several(sequence.role, (*sequence.without, element), sequence.plus)

    def _without(self, sequence: Any, element: Any) -> Any:
        if isinstance(sequence, OwnQueue):
            return OwnQueue(sequence.who, 0)
        record = self.known(element)
        if self.test(self._contains(sequence, record)):
            return self._remove(sequence, record)
        return sequence

    def _contains(self, sequence: Any, element: Any) -> Term:
        if isinstance(sequence, OwnQueue):
            return fn("gt", sequence.length, 0)
        if not isinstance(sequence, Several):
            raise CannotCountError(f"{self.location.label} looks for one packet in a queue")
        record = self.known(element)
        if record in sequence.plus:
            return 1
        if record in sequence.without or sequence.role is None:
            return 0
        assert record.who is not None
        return int(self.test_role(record.who, sequence.role))

    def _join(self, left: Any, right: Any) -> Any:
        if isinstance(left, Values):
            return Values(left.cls or right.cls, fn("add", left.length, self.length(right)))
        if isinstance(left, OwnQueue):
            return OwnQueue(left.who, fn("add", left.length, self.length(right)))
        if isinstance(right, Several) and right.role is None:
            return Several(left.role, left.without, (*left.plus, *right.plus))
        raise CannotCountError(f"{self.location.label} joins two sequences of threads")

    # Implemented by the class that knows expressions.
    def known(self, value: Any) -> Record:
        raise NotImplementedError
