"""Executing a step of the graph without knowing the state: all paths, each as a move.

The step is run again and again, each time with another sequence of decisions, until all are
through. A test that depends on something unknown is a decision, and so is which thread a
reference means.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    LIFE,
    Assign,
    Branch,
    CheckAlive,
    Const,
    Expr,
    ForEach,
    Goto,
    Instr,
    Life,
    Load,
    Local,
    Location,
    Op,
    Part,
    Reach,
    Result,
    Retry,
    Store,
    ValueType,
    Var,
    Violation,
    Wake,
)
from haiku_tuntap.properties.prove.counted.moves import (
    TEMPLATE,
    WOKEN,
    Anyone,
    Binding,
    Edit,
    Everyone,
    Holder,
    Key,
    Move,
    Report,
)
from haiku_tuntap.properties.prove.counted.population import (
    OTHER,
    THREAD,
    CannotCountError,
    OwnRecord,
    Population,
    Role,
    is_shadow,
)
from haiku_tuntap.properties.prove.counted.terms import Fn, Own, Shared, Term, fn

WAKES_NOBODY = Report("assertion", "a thread is woken that does not sleep")
EACH = -1  # stands for every element of a sequence, in the body of a loop over it


@frozen
class Record:
    """A reference that is known: a shared record by number, or `who`'s own."""

    who: int | None
    number: int
    own: OwnRecord | None = None


@frozen
class Code:
    """A reference of which only the code is known."""

    term: Term
    kind: ValueType


@frozen
class Held:
    """What a shared place refers to: nobody, or whoever has the role."""

    role: Role


@frozen
class Value:
    """An immutable record: nothing but its value."""

    cls: type


@frozen
class Several:
    """A sequence of references to threads or their records: who has `role`, less and more some."""

    role: Role | None
    without: tuple[Record, ...] = ()
    plus: tuple[Record, ...] = ()


@frozen
class Values:
    """A sequence of immutable records: how many there are."""

    cls: type | None
    length: Term


NONE = Code(0, ValueType("none"))


@define(eq=False)
class Decisions:
    """A sequence of decisions, and the next one to try."""

    made: list[tuple[int, int]] = Factory(list)
    at: int = 0

    def choose(self, count: int) -> int:
        if self.at == len(self.made):
            self.made.append((0, count))
        self.at += 1
        return self.made[self.at - 1][0]

    def advance(self) -> bool:
        """Go to the next sequence; False after the last."""
        while self.made:
            chosen, count = self.made.pop()
            if chosen + 1 < count:
                self.made.append((chosen + 1, count))
                self.at = 0
                return True
        return False


def moves_of(population: Population, template: int, location: Location) -> Iterator[Move]:
    """All moves of a template's threads that stand at a location."""
    for step in location.steps:
        decisions = Decisions()
        while True:
            path = Path(population, template, location, decisions)
            with suppress(ImpossibleError):
                yield path.run(step.choice, step.entry)
            if not decisions.advance():
                break


@define(eq=False)
class Path:
    """One path through a step."""

    population: Population
    template: int
    location: Location
    decisions: Decisions
    participants: list[Binding] = Factory(list)
    tests: dict[Term, bool] = Factory(dict)
    variables: dict[Var, Any] = Factory(dict)
    shared: dict[str, Term] = Factory(dict)
    places: dict[Role, Any] = Factory(dict)  # what was stored into a place that has a role
    edits: dict[tuple[int, Key], Term] = Factory(dict)
    woken: dict[int, Term] = Factory(dict)
    everyone: list[Everyone] = Factory(list)
    firsts: dict[Several, Record] = Factory(dict)
    reports: list[Report] = Factory(list)
    each: list[Edit] | None = None
    each_wakes: Term | None = field(default=None)
    broken: bool = False

    def __attrs_post_init__(self) -> None:
        self.participants.append(Anyone(self.template))

    def run(self, choice: str, entry: Instr) -> Move:
        """Go down the path to its end."""
        instr: Instr | None = entry
        target: Location | None = None
        retry = False
        while instr is not None:
            following = instr.next
            if isinstance(instr, Goto):
                target = instr.location
                self._leave(target)
                break
            if isinstance(instr, Retry):
                retry = True
                break
            if isinstance(instr, Violation):
                self.reports.append(Report(instr.code, instr.text))
                if instr.fatal:
                    break
            elif isinstance(instr, Branch):
                truth = self.test(self.number(self.evaluate(instr.test)))
                following = instr.next if truth else instr.otherwise
            else:
                self._perform(instr)
            if self.broken:
                break
            instr = following
        return self._move(choice, target, retry)

    def _move(self, choice: str, target: Location | None, retry: bool) -> Move:
        self._settle_places()
        count = len(self.participants)
        edits: list[list[Edit]] = [[] for _ in range(count)]
        for (who, key), value in self.edits.items():
            edits[who].append(Edit(key, value))
        return Move(
            template=self.template,
            source=self.location,
            choice=choice,
            target=target,
            retry=retry,
            participants=tuple(self.participants),
            tests=tuple(self.tests.items()),
            shared=tuple(self.shared.items()),
            edits=tuple(tuple(e) for e in edits),
            wakes=tuple(self.woken.get(i) for i in range(count)),
            everyone=tuple(self.everyone),
            reports=tuple(self.reports),
        )

    # --- deciding -----------------------------------------------------------------------------

    def test(self, term: Term) -> bool:
        """Whether it holds: known, decided before, or decided now."""
        if isinstance(term, int):
            return bool(term)
        if isinstance(term, Fn) and term.name == "not":
            return not self.test(term.args[0])
        if isinstance(term, Fn) and term.name == "bool":
            return self.test(term.args[0])
        if isinstance(term, Fn) and term.name in ("both", "either"):
            decisive = term.name == "either"
            for arg in term.args:
                if self.test(arg) is decisive:
                    return decisive
            return not decisive
        if term not in self.tests:
            self.tests[term] = self.decisions.choose(2) == 0
        return self.tests[term]

    def participant(self, binding: Binding) -> int:
        if self.everyone:
            raise CannotCountError(
                f"{self.location.label} changes all threads in a list, and then one that may be "
                "among them"
            )
        self.participants.append(binding)
        return len(self.participants) - 1

    # --- instructions -------------------------------------------------------------------------

    def _perform(self, instr: Instr) -> None:
        match instr:
            case Assign(var=var, expr=expr):
                self.variables[var] = self.evaluate(expr)
            case Store(ref=ref, cls=cls, name=name, expr=expr):
                if name == LIFE:
                    self._allocate(expr)
                else:
                    self._store(self.record(ref, cls), name, self.evaluate(expr))
            case Wake(thread=thread, result=result):
                self._wake(self.evaluate(thread), self.number(self.evaluate(result)))
            case ForEach(var=var, sequence=sequence, body=body):
                self._for_each(var, self.evaluate(sequence), body)
            case CheckAlive() | Reach():
                pass  # that memory is used only while allocated is not claimed here
        return

    def _allocate(self, life: Expr) -> None:
        """A record that is used again is as new."""
        if life != constant(int(Life.ALIVE)):
            return
        for place, value in self.population.as_new(self.location.label):
            self.shared[place] = value

    def _store(self, record: Record | Value, name: str, value: Any) -> None:
        if isinstance(record, Value):
            return  # made with these fields, which never change
        if record.who is not None:
            assert record.own is not None
            self._edit(record.who, ("field", record.own, name), self.stored(value, record.who))
            return
        kind = self.population.type_of(record.number, name)
        place = f"{self.population.instance(record.number).name}.{name}"
        if self.population.refers_to_own(kind):
            self.places[self._role(place, kind)] = value
        elif isinstance(value, Values):
            self.shared[place] = value.length
        else:
            self.shared[place] = self.stored(value, None)

    def _edit(self, who: int, key: Key, value: Term) -> None:
        if who == EACH:
            assert self.each is not None
            self.each.append(Edit(key, value))
        else:
            self.edits[(who, key)] = value

    def _wake(self, thread: Any, result: Term) -> None:
        record = self.known(thread)
        assert record.who is not None
        if record.who == EACH:
            self.each_wakes = result
        elif record.who == 0:
            self.reports.append(WAKES_NOBODY)
            self.broken = True
        else:
            self.woken[record.who] = result

    def _for_each(self, var: Var, sequence: Any, body: Instr | None) -> None:
        if sequence == Several(None):
            return  # nobody is ever in it
        if not isinstance(sequence, Several) or sequence.role is None or sequence.plus:
            raise CannotCountError(f"{self.location.label} has a loop over a sequence of its own")
        inside = self._inside(sequence)
        self.each, self.each_wakes = [], None
        self._body(var, Record(EACH, 0, sequence.role.record), body)
        edits, self.each = tuple(self.each), None
        self.everyone.append(Everyone(sequence.role, edits, self.each_wakes))
        for who in inside:
            self._body(var, Record(who, 0, sequence.role.record), body)

    def _body(self, var: Var, record: Record, body: Instr | None) -> None:
        """Do what a loop does for an element."""
        self.variables[var] = record
        instr = body
        while instr is not None:
            if isinstance(instr, Branch):
                raise CannotCountError(f"{self.location.label} decides one by one whom it changes")
            self._perform(instr)
            instr = instr.next

    # --- the end of a step --------------------------------------------------------------------

    def _leave(self, target: Location) -> None:
        """Keep what is alive at the next location."""
        before = {v: self._place_of(v) for v in self.location.live if self._has_role(v)}
        after = {v: self._place_of(v) for v in target.live if self._has_role(v)}
        for var in sorted(target.live, key=lambda v: (v.routine, v.name)):
            if var in after:
                value = self.variables.get(var, _UNCHANGED)
                if value is not _UNCHANGED:
                    self.places[after[var]] = value
                    if not after[var].many:
                        code = self.stored(value, 0)
                        self.edits[(0, ("local", var))] = code
            elif var in self.population.unbounded and var in self.variables:
                self.shared[self._name_of(var)] = self.number(self.variables[var])
            elif var in self.variables:
                self.edits[(0, ("local", var))] = self.stored(self.variables[var], 0)
        for role in before.values():
            if role not in after.values():
                self.places[role] = Several(None) if role.many else NONE

    def _name_of(self, var: Var) -> str:
        return f"{self.population.layout.graphs[self.template].name}'s {var.name}"

    def _has_role(self, var: Var) -> bool:
        return self.population.refers_to_own(var.type)

    def _place_of(self, var: Var) -> Role:
        place = self._name_of(var)
        record = self.population.own_record(var.type)
        return Role(place, record, var.type.name == "seq", self.template, var.name)

    def _role(self, place: str, kind: ValueType) -> Role:
        return Role(place, self.population.own_record(kind), kind.name == "seq")

    def _settle_places(self) -> None:
        """Turn what places refer to now into roles of threads."""
        for role, value in self.places.items():
            if isinstance(value, Several):
                self._settle_many(role, value)
            elif isinstance(value, Held):
                if value.role != role:
                    raise CannotCountError(f"{role.place} is copied from {value.role.place}")
            else:
                self._settle_one(role, value)

    def _settle_many(self, role: Role, value: Several) -> None:
        """A place that refers to several: those who are left out lose the role, others get it."""
        key = ("role", role)
        if value.role != role:
            self.everyone.append(Everyone(role, (Edit(key, 0),)))
            if value.role is not None:
                self.everyone.append(Everyone(value.role, (Edit(key, 1),)))
        for who in range(len(self.participants)):
            self._settle_member(who, role, value)
        self.shared[role.variable] = self.length(value)

    def _settle_member(self, who: int, role: Role, value: Several) -> None:
        """Whether a participant is in the sequence now."""
        if any(r.who == who for r in value.plus):
            self.edits[(who, ("role", role))] = 1
        elif any(r.who == who for r in value.without):
            self.edits[(who, ("role", role))] = 0
        elif value.role != role:
            inside = value.role is not None and self.test_role(who, value.role)
            self.edits[(who, ("role", role))] = int(inside)

    def _settle_one(self, role: Role, value: Any) -> None:
        """A place that refers to at most one: who had the role loses it."""
        key = ("role", role)
        member = value if isinstance(value, Record) and value.who is not None else None
        holders = [w for w in range(len(self.participants)) if self.test_role(w, role)]
        for who in holders:
            self.edits[(who, key)] = 0
        if (role.template is not None or not holders) and not self._nobody_has(role):
            self.everyone.append(Everyone(role, (Edit(key, 0),)))
        if member is not None:
            self._set_role(member, key, 1)
        self.shared[role.variable] = int(member is not None)

    def _set_role(self, record: Record, key: Key, value: int) -> None:
        assert record.who is not None
        self.edits[(record.who, key)] = value

    def test_role(self, who: int, role: Role) -> bool:
        """Whether a participant has a role."""
        binding = self.participants[who]
        if isinstance(binding, Holder) and binding.role == role:
            return True
        if self._nobody_has(role):
            return False
        return self.test(Own(who, ("role", role)))

    def _nobody_has(self, role: Role) -> bool:
        variable = Shared(role.variable)
        return self.tests.get(fn("eq", variable, 0)) is True or (
            self.tests.get(fn("gt", variable, 0)) is False
        )

    # --- expressions --------------------------------------------------------------------------

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
            return _OwnQueue(who, term)
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

    # --- operators ----------------------------------------------------------------------------

    def _operation(self, name: str, args: tuple[Expr, ...]) -> Any:
        if name == "choose":
            return self.evaluate(args[1 if self.test(self.number(self.evaluate(args[0]))) else 2])
        values = [self.evaluate(a) for a in args]
        if name in ("is", "isnot"):
            same = self.same(values[0], values[1])
            return same if name == "is" else fn("not", same)
        if any(isinstance(v, (Several, Values, _OwnQueue)) for v in values):
            return self._sequence_operation(name, values)
        return fn(name, *(self.number(v) for v in values))

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
        if isinstance(value, _OwnQueue):
            return value.length
        if isinstance(value, Several):
            # The queue of a thread's own semaphore, in which only it sleeps.
            if value.role is None and all(r.who == who for r in value.plus):
                return len(value.plus)
            raise CannotCountError(f"{self.location.label} stores a sequence of threads")
        if isinstance(value, Values):
            return value.length
        return self.number(value) if _is_term(value) else self.code(value, who)

    def number(self, value: Any) -> Term:
        """A value as a truth or a number."""
        if isinstance(value, (Several, Values, _OwnQueue)):
            return fn("gt", self.length(value), 0)
        if _is_term(value):
            term: Term = value
            return term
        return fn("ne", self.code(value, 0), 0)

    def length(self, sequence: Any) -> Term:
        """How many elements a sequence has."""
        if isinstance(sequence, (Values, _OwnQueue)):
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
        if isinstance(sequence, _OwnQueue):
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
        if isinstance(sequence, _OwnQueue):
            return _OwnQueue(sequence.who, fn("sub", sequence.length, 1))
        if element in sequence.plus:
            plus = tuple(r for r in sequence.plus if r != element)
            return Several(sequence.role, sequence.without, plus)
        return Several(sequence.role, (*sequence.without, element), sequence.plus)

    def _without(self, sequence: Any, element: Any) -> Any:
        if isinstance(sequence, _OwnQueue):
            return _OwnQueue(sequence.who, 0)
        record = self.known(element)
        if self.test(self._contains(sequence, record)):
            return self._remove(sequence, record)
        return sequence

    def _contains(self, sequence: Any, element: Any) -> Term:
        if isinstance(sequence, _OwnQueue):
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
        if isinstance(left, _OwnQueue):
            return _OwnQueue(left.who, fn("add", left.length, self.length(right)))
        if isinstance(right, Several) and right.role is None:
            return Several(left.role, left.without, (*left.plus, *right.plus))
        raise CannotCountError(f"{self.location.label} joins two sequences of threads")


@frozen
class _OwnQueue:
    """The queue of a semaphore of a thread's own: only that thread ever sleeps there."""

    who: int
    length: Term


class ImpossibleError(Exception):
    """This path cannot be: a reference means nothing that there is."""


_UNCHANGED: Any = object()


def _is_term(value: Any) -> bool:
    return isinstance(value, (int, Shared, Own, Fn))
