"""Asking a property's judge about all states at once.

A judge is Python over a view of one quiescent state. Here the view is of any state, and of one
thread in it or none: what the thread has to itself is known, and what all share is an unknown.
Where the judge tests an unknown, both answers are tried, in turn. What it says on each path,
together with the answers that led there, is the condition under which the state, or a thread in
that local state, violates the property. There is any number of other threads, so that a judge which
looks at them is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from attrs import define, field, frozen

from haiku_tuntap.model.language.graph import ValueType
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.explore.view import ThreadView
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.prove.counted.decide import Decisions
from haiku_tuntap.properties.prove.counted.local import MANY, LocalState
from haiku_tuntap.properties.prove.counted.population import CannotCountError, OwnRecord
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Shared, Term, fn

Condition = tuple[tuple[Term, bool], ...]


@frozen
class Complaint:
    """What a judge says, and when."""

    reason: str
    condition: Condition


def complaints(space: Space, prop: Property, state: LocalState | None) -> Iterator[Complaint]:
    """What the judges say of a thread in a local state, or of the shared records alone."""
    decisions = Decisions()
    while True:
        answers = Answers(decisions)
        view = AnyState(prop, space, state, answers)
        for reason in list(_reasons(prop, view)):
            yield Complaint(reason, tuple(answers.given.items()))
        if not decisions.advance():
            return


def _reasons(prop: Property, view: AnyState) -> Iterable[str]:
    seen: Any = view  # it looks like a View
    if view.state is None:
        return prop.judge(seen)
    return prop.judge_of_thread(seen, view.thread) if prop.judge_of_thread else ()


@define(eq=False)
class Answers:
    """The answers given so far to tests of unknowns."""

    decisions: Decisions
    given: dict[Term, bool] = field(factory=dict)

    def test(self, term: Term) -> bool:
        if isinstance(term, int):
            return bool(term)
        if term not in self.given:
            self.given[term] = self.decisions.choose(2) == 0
        return self.given[term]


@define(eq=False)
class Unknown:
    """A number that is not known; whoever tests it gets an answer."""

    term: Term
    answers: Answers

    def _compare(self, name: str, other: object) -> Unknown:
        return Unknown(fn(name, self.term, _term(other)), self.answers)

    def __eq__(self, other: object) -> Any:
        return self._compare("eq", other)

    def __ne__(self, other: object) -> Any:
        return self._compare("ne", other)

    def __lt__(self, other: object) -> Any:
        return self._compare("lt", other)

    def __gt__(self, other: object) -> Any:
        return self._compare("gt", other)

    def __le__(self, other: object) -> Any:
        return self._compare("le", other)

    def __ge__(self, other: object) -> Any:
        return self._compare("ge", other)

    def __add__(self, other: object) -> Any:
        return self._compare("add", other)

    def __radd__(self, other: object) -> Any:
        return self._compare("add", other)

    def __and__(self, other: object) -> Any:
        return self._compare("and", other)

    def __bool__(self) -> bool:
        return self.answers.test(self.term)

    def __format__(self, spec: str) -> str:
        return "some"


@define(eq=False)
class UnknownSequence:
    """A sequence of which only the length is kept. Python's `len` wants a number that is known."""

    name: str
    length: Term
    answers: Answers

    def __bool__(self) -> bool:
        return self.answers.test(fn("gt", self.length, 0))

    def __len__(self) -> NoReturn:
        raise CannotCountError(
            f"a property asks for len of {self.name}, which may be any number; let it compare "
            "view.length(...) with one"
        )

    def __iter__(self) -> NoReturn:
        raise CannotCountError(f"a property looks at what is in {self.name}; only how much is kept")


def _term(value: object) -> Term:
    if isinstance(value, Unknown):
        return value.term
    assert isinstance(value, int)
    return int(value)


@define(eq=False)
class AnyState:
    """What a judge sees in place of a View: one thread, or none, in any state."""

    prop: Property
    space: Space
    state: LocalState | None
    answers: Answers

    @property
    def layout(self) -> Any:
        return self.space.population.layout

    @property
    def threads(self) -> NoReturn:
        raise CannotCountError(
            f"{self.prop.id} looks at all threads together; if what it says is of each by itself, "
            "let judge_of_thread say it"
        )

    @property
    def thread(self) -> ThreadView:
        """The thread that it is about."""
        assert self.state is not None
        template = self.space.templates[self.state.template]
        spec = self.layout.system.threads[self.state.template]
        location = template.location(self.state)
        return ThreadView(self.state.template, spec.name, spec.thread, location)

    def monitor(self, cls: type) -> Any:
        return next(m for m in self.layout.system.monitors if isinstance(m, cls))

    def value(self, record: Any, name: str) -> Any:
        population = self.space.population
        number = population.canonical[self.layout.instances.number(record)].number
        kind = population.type_of(number, name)
        if number in population.own:
            return self._own(*population.own[number], name, kind)
        constant = population.constant(number, name)
        if kind.name == "seq":
            length = Shared(self._place(number, name)) if constant is None else constant
            return UnknownSequence(self._place(number, name), length, self.answers)
        if constant is None and kind.names_records:
            return self._one_of(self._place(number, name), kind)
        if constant is None:
            return Unknown(Shared(self._place(number, name)), self.answers)
        return self._decode(constant, kind, None)

    def length(self, record: Any, name: str) -> Any:
        length = self.value(record, name).length
        return length if isinstance(length, int) else Unknown(length, self.answers)

    def _one_of(self, place: str, kind: ValueType) -> Any:
        """What a shared reference means: one of the values that it has anywhere."""
        *others, last = sorted(self.space.domains[place])
        for code in others:
            if self.answers.test(fn("eq", Shared(place), code)):
                return self._decode(code, kind, None)
        return self._decode(last, kind, None)

    def _place(self, number: int, name: str) -> str:
        return f"{self.space.population.instance(number).name}.{name}"

    def _own(self, template: int, own: OwnRecord, name: str, kind: ValueType) -> Any:
        if self.state is None or self.state.template != template:
            raise CannotCountError(
                f"{self.prop.id} looks at {own}.{name} of a thread that it is not asked about; of "
                "one thread alone judge_of_thread is asked"
            )
        key = ("field", own, name)
        if key in self.space.counters:
            raise CannotCountError(
                f"{self.prop.id} looks at {own}.{name}, of which it is only known whether it is "
                f"{MANY} or more"
            )
        found = self.space.look(self.state, key)
        assert found is not None
        if key in self.space.templates[template].fields and not self.space.is_needed(
            self.state, key
        ):
            return self._forgotten(own, name, kind)
        if kind.name == "seq":
            return UnknownSequence(f"{own}.{name}", found, self.answers)
        return self._decode(found, kind, template)

    def _forgotten(self, own: OwnRecord, name: str, kind: ValueType) -> Unknown:
        """A field that no step will read any more, so that its value is not kept: any value."""
        if kind.names_records:
            raise CannotCountError(
                f"{self.prop.id} looks at {own}.{name} when no step will any more"
            )
        return Unknown(Shared(f"somebody's {own}.{name}"), self.answers)

    def _decode(self, value: int, kind: ValueType, template: int | None) -> Any:
        population = self.space.population
        if kind.name == "status":
            return Status(value)
        if kind.name not in ("ref", "any"):
            return value
        if value == 0:
            return None
        if value > 0:
            return population.instance(value).object
        assert template is not None
        record = next(own for own, code in population.codes.items() if code == value)
        number = population.number_of(record, template)
        return population.instance(number).object
