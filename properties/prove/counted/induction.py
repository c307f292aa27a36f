"""Proof by induction: what holds at first, and after every transition, holds always."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.classes import Classes, Shift, Transition
from haiku_tuntap.properties.prove.counted.facts import Counted, number, truth
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.formulas import every, total

TIMEOUT = 20_000  # milliseconds for one query, which takes a few


@frozen
class Claim:
    """A formula with a name, over the variables of a counted system."""

    name: str
    formula: z3.BoolRef
    variables: frozenset[str]


def claim(name: str, formula_: Any) -> Claim:
    """A claim, which knows its variables."""
    made = z3.BoolVal(formula_) if isinstance(formula_, bool) else formula_
    return Claim(name, made, frozenset(_variables(made)))


def _variables(expression: z3.ExprRef) -> Iterator[str]:
    met, pending = set(), [expression]
    while pending:
        e = pending.pop()
        if e.get_id() in met:
            continue
        met.add(e.get_id())
        if z3.is_const(e) and e.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            yield e.decl().name()
        pending.extend(e.children())


@define(eq=False)
class Change:
    """A transition as Z3 sees it: when it can be taken, and the new value of what it changes."""

    transition: Transition
    rules: list[Rule]
    guard: list[z3.BoolRef]
    after: dict[str, z3.ArithRef]


@define(eq=False)
class Machine:
    """The variables and transitions of a counted system."""

    counted: Counted
    classes: Classes
    in_turn: frozenset[str] = frozenset()
    sizes: list[z3.ArithRef] = Factory(list)
    inside: list[frozenset[int]] = Factory(list)

    def __attrs_post_init__(self) -> None:
        count = len(self.classes.members)
        self.sizes = [z3.Int(f"class {i}") for i in range(count)]
        self.inside = [self.classes.inside(i) for i in range(count)]

    @cached_property
    def changes(self) -> list[Change]:
        """What the transitions change; those without any effect are left out."""
        made = (self._change(t, rules) for t, rules in self.classes.transitions.items())
        return [change for change in made if change.after or change.transition.reports]

    def background(self) -> list[z3.BoolRef]:
        """What is true by the way of counting."""
        facts = [size >= 0 for size in self.sizes]
        for index in range(len(self.counted.places)):
            members = [s for i, s in enumerate(self.sizes) if index in self.inside[i]]
            facts.append(z3.Int(f"#{index}") == total(members))
        return facts

    def initial(self, one: frozenset[str]) -> list[z3.BoolRef]:
        """The initial states: everybody stands where its program starts."""
        space = self.counted.space
        facts = []
        starts = {self.classes.of[t.initial] for t in space.templates}
        facts += [size == 0 for i, size in enumerate(self.sizes) if i not in starts]
        if one:
            facts += [fact for _, fact in self.counted.only_one(one)]
        facts += [z3.Int(r.variable) == 0 for r in space.by_role if r.template is not None]
        population = space.population
        parameters = {
            (population.layout.instances.number(r), n)
            for r, n in population.layout.system.parameters
        }
        for cell in population.layout.slots:
            if cell[0] in population.own or cell in parameters:
                continue
            variable = z3.Int(f"{population.instance(cell[0]).name}.{cell[1]}")
            facts.append(variable == population.initial(*cell))
        return facts

    def _change(self, transition: Transition, rules: list[Rule]) -> Change:
        """The transition as linear arithmetic: each participant's shift is chosen by a variable."""
        guard = [truth(t) if yes else z3.Not(truth(t)) for t, yes in transition.guard]
        leaving: dict[int, list[z3.ArithRef]] = {}
        chosen: list[tuple[Shift, z3.ArithRef]] = []
        for who, shifts in enumerate(transition.sides):
            picks = [z3.Int(f"participant {who} shift {i}") for i in range(len(shifts))]
            guard += [pick >= 0 for pick in picks]
            guard.append(total(picks) == 1)
            for (before, after), pick in zip(shifts, picks, strict=True):
                leaving.setdefault(before, []).append(pick)
                chosen.append(((before, after), pick))
        guard += [self.sizes[c] >= total(picks) for c, picks in leaving.items()]
        if self._begins_a_turn(rules[0]):
            guard.append(self.counted.in_turn(self.in_turn) == 0)
        after_: dict[str, z3.ArithRef] = {}
        for name, term in transition.shared:
            after_[name] = number(term)
        if not transition.ends:
            for before, after in transition.swept:
                rest = self.sizes[before] - total(leaving.get(before, []))
                chosen.append(((before, after), rest))
            after_.update(self._counts_after(chosen))
        return Change(transition, rules, guard, after_)

    def _begins_a_turn(self, rule: Rule) -> bool:
        """Whether a thread begins a call that waits until others have made theirs."""
        template = self.counted.space.templates[rule.move.template]
        return template.name in self.in_turn and rule.move.source.kind is LocationKind.CALL

    def _counts_after(
        self, chosen: list[tuple[Shift, z3.ArithRef]]
    ) -> Iterator[tuple[str, z3.ArithRef]]:
        delta: dict[int, list[z3.ArithRef]] = {}
        for (before, after), count in chosen:
            for index in self.inside[after] - self.inside[before]:
                delta.setdefault(index, []).append(count)
            for index in self.inside[before] - self.inside[after]:
                delta.setdefault(index, []).append(-count)
        for index, parts in delta.items():
            yield f"#{index}", total([z3.Int(f"#{index}"), *parts])


@frozen
class Failure:
    """A step that breaks a claim: the transition and the state before it, as Z3 found them."""

    claim: Claim
    change: Change
    model: z3.ModelRef


@frozen(eq=False)
class Obligation:
    """Something that no state of the invariant may have: a formula, and what it says of `claims`.

    For a step it is that one of the claims, which the step affects, does not hold after it.
    """

    formula: z3.BoolRef
    change: Change | None = None
    claims: tuple[tuple[Claim, z3.BoolRef], ...] = ()

    def without(self, name: str) -> z3.BoolRef:
        """The formula if a claim is not made."""
        if not self.claims:
            return self.formula
        assert self.change is not None
        return _breaks(self.change, [later for c, later in self.claims if c.name != name])


def _breaks(change: Change, later: Sequence[z3.BoolRef]) -> z3.BoolRef:
    return every([*change.guard, z3.Not(every(later))])


@define(eq=False)
class Prover:
    """Checks that claims are kept by every transition of a machine."""

    machine: Machine
    claims: Sequence[Claim]
    tell: Callable[[int, int], None] = lambda done, of: None
    queries: int = 0
    failures: list[Failure] = Factory(list)
    undetermined: list[str] = Factory(list)
    used: dict[Obligation, frozenset[str]] = Factory(dict)
    solver: z3.Solver = field(init=False)
    literals: dict[str, z3.BoolRef] = field(init=False)
    names: dict[int, str] = field(init=False)
    _after: dict[Transition, dict[str, z3.BoolRef]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.solver = z3.SolverFor("QF_LIA")
        self.solver.set("timeout", TIMEOUT)
        self.solver.set("ctrl_c", False)  # Python hears it, and says what was found so far
        self.solver.add(*self.machine.background())
        self.literals = {c.name: z3.Bool(f"claim {c.name}") for c in self.claims}
        self.names = {literal.get_id(): name for name, literal in self.literals.items()}
        for c in self.claims:
            self.solver.add(z3.Implies(self.literals[c.name], c.formula))

    def run(self) -> None:
        """Check every transition."""
        for done, change in enumerate(self.machine.changes):
            self.tell(done, len(self.machine.changes))
            self._check(change)

    def initial_failures(self, one: frozenset[str]) -> list[Claim]:
        """The claims that do not hold in every initial state."""
        solver = z3.SolverFor("QF_LIA")
        solver.set("ctrl_c", False)
        solver.add(*self.machine.background(), *self.machine.initial(one))
        failed = []
        for c in self.claims:
            self.queries += 1
            solver.push()
            solver.add(z3.Not(c.formula))
            if solver.check() != z3.unsat:
                failed.append(c)
            solver.pop()
        return failed

    def discharge(self, obligation: Obligation) -> z3.ModelRef | None:
        """A state of the invariant that breaks an obligation; None if there is none."""
        with self._asked(obligation.formula, self.literals.values()) as answer:
            if answer == z3.unsat:
                self.used[obligation] = self._core()
            return self.solver.model() if answer == z3.sat else None

    def find(self, formula_: z3.BoolRef) -> z3.ModelRef | None:
        """A state of which the claims are true, and the formula; None if there is none."""
        with self._asked(formula_, self.literals.values()) as answer:
            return self.solver.model() if answer == z3.sat else None

    def is_possible(self, formula_: z3.BoolRef) -> bool:
        """Whether there is such a state; it need not be known."""
        with self._asked(formula_, self.literals.values()) as answer:
            return bool(answer == z3.sat)

    @contextmanager
    def _asked(
        self, formula_: z3.BoolRef, literals: Iterable[z3.BoolRef]
    ) -> Iterator[z3.CheckSatResult]:
        """What Z3 answers; that it gives up is noted."""
        self.queries += 1
        self.solver.push()
        try:
            self.solver.add(formula_)
            answer = self.solver.check(*literals)
            if answer == z3.unknown:
                self.undetermined.append(f"Z3 gave up: {self.solver.reason_unknown()}")
            yield answer
        finally:
            self.solver.pop()

    def _core(self) -> frozenset[str]:
        """The claims that exclude what was asked for."""
        return frozenset(self.names[c.get_id()] for c in self.solver.unsat_core())

    def after(self, change: Change) -> dict[str, z3.BoolRef]:
        """What the claims that a transition affects say after it, by name."""
        if change.transition not in self._after:
            self._after[change.transition] = self._claims_after(change)
        return self._after[change.transition]

    def _claims_after(self, change: Change) -> dict[str, z3.BoolRef]:
        substitution = [(z3.Int(name), value) for name, value in change.after.items()]
        return {
            c.name: z3.substitute(c.formula, *substitution)
            for c in self.claims
            if c.variables & change.after.keys()
        }

    def model_of_break(
        self, change: Change, later: Sequence[z3.BoolRef], assumed: Iterable[str]
    ) -> z3.ModelRef | None:
        """A state of some claims after which a transition breaks one of `later`."""
        with self._asked(_breaks(change, later), [self.literals[n] for n in assumed]) as answer:
            return self.solver.model() if answer == z3.sat else None

    def _check(self, change: Change) -> None:
        after = self.after(change)
        if not after:
            return
        later = tuple((c, after[c.name]) for c in self.claims if c.name in after)
        obligation = Obligation(_breaks(change, list(after.values())), change, later)
        model = self.discharge(obligation)
        if model is None:
            return
        for c, formula_ in later:
            if not z3.is_true(model.eval(formula_, model_completion=True)):
                self.failures.append(Failure(c, change, model))

    def keeps(self, names: set[str]) -> bool:
        """Whether these claims alone are kept by every transition."""
        for change in self.machine.changes:
            later = [f for n, f in self.after(change).items() if n in names]
            if later and self.model_of_break(change, later, names) is not None:
                return False
        return not self.undetermined

    def excluders(self, formula_: z3.BoolRef, names: Iterable[str]) -> frozenset[str] | None:
        """Those of some claims that exclude something; None if they do not."""
        with self._asked(formula_, [self.literals[name] for name in names]) as answer:
            return self._core() if answer == z3.unsat else None

    def needed_of(self, wanted: set[str], helpers: set[str]) -> set[str]:
        """Helpers that are enough to prove the wanted claims, with those that they need themselves.

        Where a proof does without more of them, none is taken.
        """
        needed: set[str] = set()
        open_ = set(wanted)
        while open_:
            before = set(needed)
            for change in self.machine.changes:
                later = [f for n, f in self.after(change).items() if n in open_]
                if later:
                    broken = _breaks(change, later)
                    if self.excluders(broken, wanted | needed) is None:
                        needed |= (self.excluders(broken, wanted | helpers) or set()) & helpers
            open_ = needed - before
        return needed

    # --- is the invariant more than it has to be? ---------------------------------------------

    def needless(self, names: Iterable[str]) -> list[str]:
        """Those of the claims without which everything is proved just as well."""
        return [name for name in names if not self._is_needed(name)]

    def _is_needed(self, name: str) -> bool:
        others = [literal for n, literal in self.literals.items() if n != name]
        return any(
            not self._is_excluded(obligation.without(name), others)
            for obligation, core in self.used.items()
            if name in core
        )

    def _is_excluded(self, formula_: z3.BoolRef, literals: Iterable[z3.BoolRef]) -> bool:
        with self._asked(formula_, literals) as answer:
            return bool(answer == z3.unsat)
