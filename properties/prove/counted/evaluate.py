"""Evaluating the expressions of a step."""

from __future__ import annotations

from typing import Any

from haiku_tuntap.model.language.graph import (
    LIFE,
    Const,
    Expr,
    Life,
    Load,
    Local,
    Op,
    Part,
    Result,
    Var,
)
from haiku_tuntap.properties.prove.counted.decide import ImpossibleError
from haiku_tuntap.properties.prove.counted.moves import TEMPLATE, WOKEN, Anyone, Holder
from haiku_tuntap.properties.prove.counted.population import (
    OTHER,
    CannotCountError,
    OwnRecord,
    Role,
    is_shadow,
)
from haiku_tuntap.properties.prove.counted.sequences import Sequences
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, fn
from haiku_tuntap.properties.prove.counted.values import (
    EACH,
    NONE,
    Code,
    Held,
    OwnQueue,
    Record,
    Several,
    Value,
    Values,
)


class Evaluation(Sequences):
    """Evaluates expressions on one path; what a reference means may be a decision."""

    def evaluate(self, expr: Expr) -> Any:
        """A number as a term; a reference or a sequence as one of the classes above."""
        match expr:
            case Const(value=value):
                return self._constant(value)
            case Local(var=var):
                return self._local(var)
            case Result():
                return Own(0, WOKEN)
            case Load(ref=ref, cls=cls, name=name):
                if name == LIFE:
                    return int(Life.UNUSED)  # what is allocated is made, or used, again
                return self._load(self.record(ref, cls), name)
            case Part(ref=ref, cls=cls, name=name):
                return self._part(self.record(ref, cls), name)
            case Op(name=name, args=args):
                return self._operation(name, args)
        raise AssertionError(expr)

    def _operation(self, name: str, args: tuple[Expr, ...]) -> Any:
        if name == "choose":
            return self.evaluate(args[1 if self.test(self.number(self.evaluate(args[0]))) else 2])
        values = [self.evaluate(a) for a in args]
        if name in ("is", "isnot"):
            same = self.same(values[0], values[1])
            return same if name == "is" else fn("not", same)
        if any(isinstance(v, (Several, Values, OwnQueue)) for v in values):
            return self._sequence_operation(name, values)
        return fn(name, *(self.number(v) for v in values))

    def _constant(self, value: Any) -> Any:
        if value is None:
            return NONE
        if isinstance(value, tuple):
            return self._constant_sequence(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, str):
            return value
        population = self.population
        number = population.layout.instances.number(value)
        if number in population.own:
            template, own = population.own[number]
            if template != self.template and is_shadow(own.cls):
                raise CannotCountError(f"{own} is remembered of every thread and changed by one")
            return Record(self._someone(template), 0, own)
        if type(value) in population.immutable:
            return Value(type(value))
        return Record(None, population.canonical[number].number)

    def _someone(self, template: int) -> int:
        """The participant that a constant means: the thread itself, or any of another template."""
        if template == self.template:
            return 0
        for who, binding in enumerate(self.participants):
            if binding == Anyone(template):
                return who
            if isinstance(binding, Holder) and self.population.has(template, binding.role.record):
                is_one = fn("eq", Own(who, TEMPLATE), template)
                if self.test(is_one) and self.decisions.choose(2) == 0:
                    return who
        return self.participant(Anyone(template))

    def _constant_sequence(self, value: tuple[Any, ...]) -> Any:
        elements = [self._constant(v) for v in value]
        if all(isinstance(e, Record) and e.who is not None for e in elements):
            return Several(None, (), tuple(elements))
        if all(isinstance(e, Value) for e in elements):
            return Values(type(value[0]), len(elements))
        raise CannotCountError(f"{self.location.label} uses a sequence of shared records")

    def _local(self, var: Var) -> Any:
        if var in self.variables:
            return self.variables[var]
        if self._has_role(var):
            role = self._place_of(var)
            return Several(role) if role.many else self._held_local(var, role)
        if var in self.population.unbounded:
            return Shared(self._name_of(var))
        kind = var.type
        if self.population.holds_immutable(kind):
            assert kind.cls is not None
            if kind.name == "seq":
                raise CannotCountError(f"the local {var.name} holds several packets")
            return Code(Own(0, ("local", var)), kind)
        if kind.names_records:
            return Code(Own(0, ("local", var)), kind)
        return Own(0, ("local", var))

    def _held_local(self, var: Var, role: Role) -> Any:
        """A reference to another thread's record, or the thread's own, or none."""
        code = Own(0, ("local", var))
        if self.test(fn("eq", code, OTHER)):
            return self._holder(role, but=0)
        return Code(code, var.type)

    def _holder(self, role: Role, but: int | None = None) -> Record:
        """The one who has a role: a participant, maybe, and not `but`."""
        for who in range(len(self.participants)):
            if who != but and self.test_role(who, role):
                return Record(who, 0, role.record)
        return Record(self.participant(Holder(role)), 0, role.record)

    def record(self, ref: Expr, cls: type) -> Record | Value:
        """The record that a reference means, which is not none."""
        value = self.evaluate(ref)
        if isinstance(value, Value):
            return value
        if isinstance(value, Code):
            if self.population.holds_immutable(value.kind):
                return Value(cls)
            return self._decide_record(value, ref, cls)
        return self.known(value)

    def known(self, value: Any) -> Record:
        """A reference that is known, or that its role makes known."""
        if isinstance(value, Held):
            return self._holder(value.role)
        if isinstance(value, Code):
            return self._decide_own(value, value.kind.cls)
        assert isinstance(value, Record), value
        return value

    def _decide_record(self, value: Code, ref: Expr, cls: type) -> Record:
        shared = [
            i for i in self.population.targets(ref, cls) if i.number not in self.population.own
        ]
        for instance in shared[:-1] if not self._own_codes(cls) else shared:
            if self.test(fn("eq", value.term, instance.number)):
                return Record(None, instance.number)
        if not self._own_codes(cls):
            if not shared:
                raise ImpossibleError
            if len(shared) > 1 or not isinstance(value.term, int):
                self.test(fn("eq", value.term, shared[-1].number))
            return Record(None, shared[-1].number)
        return self._decide_own(value, cls)

    def _own_codes(self, cls: type | None) -> list[OwnRecord]:
        return [r for r in self.population.codes if cls is None or self._class_of(r) is cls]

    def _class_of(self, record: OwnRecord) -> type:
        for number, (_, own) in self.population.own.items():
            if own == record:
                return self.population.instance(number).cls
        raise AssertionError(record)

    def _decide_own(self, value: Code, cls: type | None) -> Record:
        """One of the own records of the participant whose value it is."""
        assert isinstance(value.term, Own), value
        template = self._template_of(value.term.who)
        for own in self._own_codes(cls):
            if template is not None and not self.population.has(template, own):
                continue
            if self.test(fn("eq", value.term, self.population.codes[own])):
                return Record(value.term.who, 0, own)
        raise ImpossibleError

    def _load(self, record: Record | Value, name: str) -> Any:
        if isinstance(record, Value):
            raise CannotCountError(f"{record.cls.__name__}.{name} differs from packet to packet")
        population = self.population
        if record.who is not None:
            assert record.own is not None
            return self._load_own(record.who, record.own, name)
        kind = population.type_of(record.number, name)
        place = f"{population.instance(record.number).name}.{name}"
        if population.refers_to_own(kind):
            role = self._role(place, kind)
            if role in self.places:
                return self.places[role]
            return Several(role) if role.many else Held(role)
        term: Term
        if place in self.shared:
            term = self.shared[place]
        else:
            constant = population.constant(record.number, name)
            term = Shared(place) if constant is None else constant
        if kind.name == "seq":
            return Values(kind.cls, term)
        if population.holds_immutable(kind):
            return Code(term, kind)
        return Code(term, kind) if kind.names_records else term

    def _load_own(self, who: int, own: OwnRecord, name: str) -> Any:
        key = ("field", own, name)
        template = self._template_of(who)
        number = self._some_number(own, template)
        kind = self.population.type_of(number, name)
        term: Term = self.edits.get((who, key), Own(who, key))
        constant = self.population.constant(number, name) if template is not None else None
        if constant is not None and (who, key) not in self.edits:
            term = constant
        if kind.name == "seq":
            return OwnQueue(who, term)
        return Code(term, kind) if kind.names_records else term

    def _template_of(self, who: int) -> int | None:
        binding = self.participants[who] if who != EACH else None
        return binding.template if isinstance(binding, Anyone) else None

    def _some_number(self, own: OwnRecord, template: int | None) -> int:
        for number, (block, key) in self.population.own.items():
            if key == own and template in (None, block):
                return number
        raise CannotCountError(f"{own} is used, and not every thread has one")

    def _part(self, record: Record | Value, name: str) -> Record:
        assert isinstance(record, Record)
        if record.who is not None:
            assert record.own is not None
            return Record(record.who, 0, self.population.part(record.own, name))
        instance = self.population.instance(record.number)
        part = self.population.layout.instances.of(getattr(instance.object, name))
        return Record(None, part.number)
