"""Facts of invariants as formulas of Z3: about all states at once."""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field

from haiku_tuntap.model.language.graph import LocationKind, Var
from haiku_tuntap.model.language.instances import Instance
from haiku_tuntap.model.language.invariants import Place
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.routines import Bound
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.population import CannotCountError, is_shadow
from haiku_tuntap.properties.prove.counted.positions import LocalPosition, Named, Roads
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Fn, Own, Shared, Term

States = frozenset[LocalState]

CAN_STEP = (LocationKind.PRIMITIVE, LocationKind.RESUMED)
"""Where a thread is that can take a step other than to begin a call; each can, always."""


@define(eq=False)
class Counted:
    """The counted form of a system, with a variable for each place that somebody asks about.

    `places` are sets of local states, in order; how many threads are in one is `counts`.
    """

    space: Space
    places: dict[States, int] = Factory(dict)
    texts: list[str] = Factory(list)
    positions: list[LocalPosition] = field(init=False)

    def __attrs_post_init__(self) -> None:
        roads = Roads(self.space)
        self.positions = [LocalPosition(self.space, roads, s) for s in self.space.states]

    def __getattr__(self, name: str) -> Any:
        system = self.space.population.layout.system
        monitors = {type(m).__name__.lower(): m for m in system.monitors}
        roots = {**system.roots, **monitors}
        if name.startswith("_") or name not in roots:
            raise AttributeError(f"the system has no {name}; it has {', '.join(roots)}")
        return Named(self, roots[name])

    def name_of(self, record: Any) -> str:
        """The name of a record in labels."""
        return self.space.population.layout.instances.of(record).name

    def read(self, record: Any, name: str) -> Any:
        """An attribute of a record: a part, an operation, or the value of a field."""
        declared = fields_of(type(record)).get(name)
        if declared is None:
            found = getattr(record, name)
            return Bound(found.routine, Named(self, record)) if isinstance(found, Bound) else found
        value = getattr(record, name)
        if declared.kind is FieldKind.PART:
            return Named(self, value)
        return self._field(record, name)

    def _field(self, record: Any, name: str) -> Any:
        population = self.space.population
        number = population.canonical[population.layout.instances.number(record)].number
        kind = population.type_of(number, name)
        constant = population.constant(number, name)
        if constant is not None:
            if kind.names_records and kind.name != "seq" and constant:
                return Named(self, population.instance(constant).object)
            return constant
        return z3.Int(f"{population.instance(number).name}.{name}")

    # --- counting -----------------------------------------------------------------------------

    def count(self, place: Place) -> z3.ArithRef:
        states = frozenset(p.state for p in self.positions if place.holds(p))
        return self.counting(states, place.text)

    def counting(self, states: States, text: str) -> z3.ArithRef:
        """The variable that says how many threads are in one of these local states."""
        if states not in self.places:
            self.places[states] = len(self.places)
            self.texts.append(text)
        return z3.Int(f"#{self.places[states]}")

    def kept(self, thread: str, local: str) -> z3.ArithRef:
        return z3.Int(f"{thread}'s {local}")

    def implies(self, condition: Any, fact: Any) -> Any:
        return z3.Implies(condition, fact)

    def every(self, *facts: Any) -> Any:
        return z3.And(*facts)

    def some(self, *facts: Any) -> Any:
        return z3.Or(*facts)

    def choose(self, condition: Any, yes: Any, no: Any) -> Any:
        return z3.If(condition, yes, no)

    def used(self, record: Instance) -> z3.BoolRef:
        """A thread will still use a record, or is judged by it, or a shared field refers to it."""
        space, population = self.space, self.space.population
        holders = []
        for state in space.states:
            template = space.templates[state.template]
            used = _holds_code(state.locals, template.locals_at(state.place), record.number)
            if used or self._is_judged_by(state, record):
                holders.append(state)
        found = [self.counting(frozenset(holders), f"uses {record.name}") > 0]
        for number, name in population.layout.slots:
            kind = population.type_of(number, name)
            if number in population.own or kind.cls is None or kind.name != "ref":
                continue
            if population.canonical[number].number == number and issubclass(record.cls, kind.cls):
                refers = z3.Int(f"{population.instance(number).name}.{name}") == record.number
                whole = population.instance(number).whole
                alive = whole in population.all_recycled()
                found.append(z3.And(refers, self.used(whole)) if alive else refers)
        return z3.Or(found)

    def _is_judged_by(self, state: LocalState, record: Instance) -> bool:
        """Whether a monitor says of a sleeping thread that it waits for something of a record."""
        template, population = self.space.templates[state.template], self.space.population
        if template.location(state).kind is not LocationKind.BLOCKED:
            return False
        for key, at in template.fields.items():
            if is_shadow(key[1].cls) and state.fields[at] == record.number:
                number = population.number_of(key[1], template.index)
                if population.type_of(number, key[2]).names_records:
                    return True
        return False

    def only_one(self, names: frozenset[str]) -> list[tuple[str, z3.BoolRef]]:
        """There is exactly one thread of each of these templates."""
        found = []
        for template in self.space.templates:
            if template.name in names:
                states = frozenset(s for s in self.space.states if s.template == template.index)
                number = self.counting(states, f"is the {template.name}")
                found.append((f"there is one {template.name}", number == 1))
        return found

    def domains(self) -> list[tuple[str, z3.BoolRef]]:
        """A shared reference or status has one of the values that are ever stored."""
        found = []
        population = self.space.population
        for number, name in population.layout.slots:
            if number in population.own or population.canonical[number].number != number:
                continue
            kind = population.type_of(number, name)
            if kind.name not in ("ref", "any", "status", "bool"):
                continue
            if population.refers_to_own(kind) or population.constant(number, name) is not None:
                continue
            place = f"{population.instance(number).name}.{name}"
            domain = {0, 1} if kind.name == "bool" else self.space.domains[place]
            values = [z3.Int(place) == v for v in sorted(domain)]
            found.append((f"{place} is one of its values", z3.Or(values)))
        return found

    def in_turn(self, names: frozenset[str]) -> z3.ArithRef:
        """How many threads of these templates, which make their calls in turn, are inside one."""
        states = frozenset(
            p.state
            for p in self.positions
            if p.location.pending and self.space.templates[p.state.template].name in names
        )
        return self.counting(states, "is in turn")

    # --- what follows from how states are counted ---------------------------------------------

    def busy(self) -> z3.ArithRef:
        """How many threads can take a step that is not the beginning of a call."""
        states = frozenset(p.state for p in self.positions if p.location.kind in CAN_STEP)
        return self.counting(states, "can take a step")

    def bookkeeping(self) -> list[tuple[str, z3.BoolRef]]:
        """As many threads have a role as the shared place says, each with a text.

        What a local of another thread refers to is there only while that thread is, and only one
        thread at a time has such a reference: else the counted form would mix up whose it is.
        """
        found = []
        for role, states in self.space.by_role.items():
            counted = self.counting(frozenset(states), f"is {role.place}")
            variable = z3.Int(role.variable)
            found.append((f"{role.place} counts those who are meant", variable == counted))
            if not role.many:
                found.append((f"{role.place} means one", counted <= 1))
            referring = self.space.referring(role)
            if referring is not None:
                users = self.counting(frozenset(referring), f"uses {role.place}")
                found.append((f"one thread at a time uses {role.place}", users <= 1))
                paired = z3.Implies(variable > 0, users > 0) if role.many else variable == users
                found.append((f"{role.place} is somebody's", paired))
        return found


def _holds_code(values: tuple[int, ...], order: dict[Var, int], code: int) -> bool:
    return any(var.type.names_records and values[at] == code for var, at in order.items())


_OPERATORS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "neg": lambda a: -a,
    "inv": lambda a: -a - 1,
    "min": lambda a, b: z3.If(a <= b, a, b),
    "max": lambda a, b: z3.If(a >= b, a, b),
}


def formula(term: Term) -> Any:
    """A term over shared variables for Z3; CannotCountError if it is outside linear arithmetic."""
    if isinstance(term, int):
        return term
    if isinstance(term, Shared):
        return z3.Int(term.name)
    assert not isinstance(term, Own), term
    if term.name in _OPERATORS:
        return _OPERATORS[term.name](*(number(a) for a in term.args))
    if term.name in ("not", "both", "either"):
        truths = [truth(a) for a in term.args]
        return {
            "not": lambda: z3.Not(*truths),
            "both": lambda: z3.And(*truths),
            "either": lambda: z3.Or(*truths),
        }[term.name]()
    if term.name == "bool":
        return truth(term.args[0])
    if term.name in ("and", "or", "xor"):
        return _bits(term)
    raise CannotCountError(f"{term.name} is outside of the arithmetic that is proved with")


def number(term: Term) -> z3.ArithRef:
    """A term as a number."""
    found = formula(term)
    if isinstance(found, (int, bool)):
        return z3.IntVal(int(found))
    return z3.If(found, 1, 0) if z3.is_bool(found) else found


def truth(term: Term) -> z3.BoolRef:
    """A term as a truth."""
    found = formula(term)
    if isinstance(found, (int, bool)):
        return z3.BoolVal(bool(found))
    return found if z3.is_bool(found) else found != 0


def _bits(term: Fn) -> z3.ArithRef:
    """The bits of a variable against those of a number, positive or negative: exact for both."""
    left, right = term.args
    if isinstance(left, int):
        left, right = right, left
    if not isinstance(right, int):
        raise CannotCountError(
            f"{term.name} is needed of two numbers that are both unknown; one must be a constant"
        )
    value, mask = number(left), right if right >= 0 else ~right
    # Z3 rounds towards minus infinity when it divides, as shifting to the right does.
    bits = [i for i in range(mask.bit_length()) if mask >> i & 1]
    common = z3.Sum([(value / 2**i) % 2 * 2**i for i in bits])
    found = {
        "and": common if right >= 0 else value - common,
        "or": value + mask - common if right >= 0 else common - mask - 1,
        "xor": value + mask - 2 * common if right >= 0 else 2 * common - value - mask - 1,
    }
    return found[term.name]
