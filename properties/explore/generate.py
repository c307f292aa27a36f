"""From step graphs to Python: one function per step, from a state to the next.

    def step_17(s):                       # reader 1: lock(send_queue.lock)
        if s[3] != 0:
            return None                   # cannot be taken now
        n = [*s]
        n[3] = 1
        ...
        n[9] = 4                          # where the thread stands now
        return tuple(n)

Constants are folded, locals are Python locals, only what is live is written back. Generated code
is several times faster than closures over the graph would be, and it is what the search runs.
Reports go to `noted` (index of a Report, number of the step); a report that is fatal returns None.
What was reached goes to `marks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import Factory, define, evolve, frozen

from haiku_tuntap.model.language.compiler.liveness import expressions_of
from haiku_tuntap.model.language.compiler.operators import apply
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.errors import Where
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
    LocationKind,
    Op,
    Part,
    Reach,
    Result,
    Retry,
    Step,
    Store,
    ThreadGraph,
    ValueType,
    Var,
    Violation,
    Wake,
    instructions,
    walk,
)
from haiku_tuntap.properties.explore.layout import Layout, State


@frozen
class Report:
    """A violation that a step may report; `fatal` ones end the path."""

    code: str
    text: str
    where: Where | None
    fatal: bool


@frozen
class StepInfo:
    """Which step a generated function performs."""

    thread: int
    location: Location
    choice: int
    function: Callable[[State], State | None]


@define(eq=False)
class Program:
    """The generated functions, and how to find those of a thread at a location."""

    layout: Layout
    steps: list[StepInfo] = Factory(list)
    at: list[list[tuple[int, ...]]] = Factory(list)
    reports: list[Report] = Factory(list)
    noted: list[tuple[int, int]] = Factory(list)
    marks: set[str] = Factory(set)
    source: str = ""


_PYTHON = {
    "add": "({} + {})",
    "sub": "({} - {})",
    "and": "({} & {})",
    "or": "({} | {})",
    "xor": "({} ^ {})",
    "shl": "({} << {})",
    "shr": "({} >> {})",
    "inv": "(~{})",
    "neg": "(-{})",
    "eq": "({} == {})",
    "ne": "({} != {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "gt": "({} > {})",
    "ge": "({} >= {})",
    "is": "({} == {})",
    "isnot": "({} != {})",
    "not": "(not {})",
    "bool": "(not not {})",
    "choose": "({1} if {0} else {2})",
    "len": "len({})",
    "first": "{}[0]",
    "rest": "{}[1:]",
    "join": "({} + {})",
    "single": "({},)",
    "contains": "({1} in {0})",
    "without": "tuple([e for e in {0} if e != {1}])",
    "min": "min({}, {})",
    "max": "max({}, {})",
}


@define(eq=False)
class Path:
    """What is known on one path through a step.

    `copied` says whether the new state has been begun; `assigned` are the locals set on the way;
    `defined` those that have a Python name; `alive` the references already checked.
    """

    depth: int
    copied: bool = False
    woke: bool = False
    resumed: bool = False
    assigned: frozenset[Var] = frozenset()
    defined: frozenset[Var] = frozenset()
    alive: frozenset[Expr] = frozenset()

    def deeper(self) -> Path:
        return evolve(self, depth=self.depth + 1)


class Generator:
    """Writes the functions of a whole system."""

    def __init__(self, layout: Layout, eager: Sequence[set[int]] | None) -> None:
        self.layout = layout
        self.eager = eager
        self.program = Program(layout)
        self.lines: list[str] = []
        self.tables: dict[tuple[int, ...], str] = {}
        self.reports: dict[Report, int] = {}
        self.var_names: dict[Var, str] = {}
        self.thread = 0
        self.origin: Location | None = None

    def generate(self) -> Program:
        """Write and compile everything."""
        infos: list[tuple[int, Location, int]] = []
        for thread, graph in enumerate(self.layout.graphs):
            self.thread = thread
            table: list[tuple[int, ...]] = []
            for location in graph.locations:
                numbers = []
                for choice, step in enumerate(location.steps):
                    numbers.append(len(infos))
                    self._function(len(infos), graph, location, step)
                    infos.append((self.thread, location, choice))
                table.append(tuple(numbers))
            self.program.at.append(table)
        self._settle(infos)
        header = [f"{name} = {values!r}" for values, name in self.tables.items()]
        self.program.source = "\n".join([*header, *self.lines])
        self.program.reports = list(self.reports)
        namespace: dict[str, Any] = {
            "note": self.program.noted.append,
            "reach": self.program.marks.add,
        }
        exec(compile(self.program.source, "<steps>", "exec"), namespace)  # our own
        self.program.steps = [
            StepInfo(thread, location, choice, namespace[f"step_{number}"])
            for number, (thread, location, choice) in enumerate(infos)
        ]
        return self.program

    # --- functions ----------------------------------------------------------------------------

    def _function(self, number: int, graph: ThreadGraph, location: Location, step: Step) -> None:
        self.number = number
        self.origin = location
        self.lines.append(f"def step_{number}(s):  # {graph.name}: {location.label} {step.choice}")
        self._emit(step.entry, Path(depth=1, resumed=location.kind is LocationKind.RESUMED))

    def _settle(self, infos: list[tuple[int, Location, int]]) -> None:
        """Let woken threads take their eager steps, which are part of the step that woke them."""
        if self.eager is None:
            return
        resumed: list[tuple[int, str]] = []
        for thread, block in enumerate(self.layout.blocks):
            numbers = {
                location.number: number
                for number, (owner, location, _) in enumerate(infos)
                if owner == thread
                and location.kind is LocationKind.RESUMED
                and location.number in self.eager[thread]
            }
            if numbers:
                pairs = ", ".join(f"{at}: step_{n}" for at, n in numbers.items())
                resumed.append((block.first, f"{{{pairs}}}"))
        self.lines.append(f"RESUMED = [{', '.join(f'({s}, {t})' for s, t in resumed)}]")
        self.lines += [
            "def settle(s):",
            "  for slot, table in RESUMED:",
            "    if s[slot] in table:",
            "      s = table[s[slot]](s)",
            "  return s",
        ]

    def _line(self, path: Path, text: str) -> None:
        self.lines.append("  " * path.depth + text)

    # --- instructions -------------------------------------------------------------------------

    def _emit(self, instr: Instr | None, path: Path) -> Path:
        """Write the code from `instr` on; returns what is known at an open end."""
        while instr is not None:
            self._load_locals(instr, path)
            match instr:
                case Goto(location=location):
                    self._goto(location, path)
                    return path
                case Retry():
                    self._line(path, "return None")
                    return path
                case Branch():
                    self._branch(instr, path)
                    return path
                case Assign(var=var, expr=expr):
                    self._line(path, f"{self._var(var)} = {self._python(expr, path)}")
                    path.assigned |= {var}
                    path.defined |= {var}
                    path.alive = frozenset(e for e in path.alive if Local(var) not in walk(e))
                case Store():
                    self._store(instr, path)
                case Wake():
                    self._wake(instr, path)
                case ForEach():
                    self._for_each(instr, path)
                case CheckAlive():
                    self._check_alive(instr, path)
                case Violation(code=code, text=text, fatal=fatal):
                    self._note(Report(code, text, instr.where, fatal), path)
                    if fatal:
                        self._line(path, "return None")
                        return path
                case Reach(mark=mark):
                    self._line(path, f"reach({mark!r})")
            instr = instr.next
        return path

    def _branch(self, instr: Branch, path: Path) -> None:
        test = self.fold(instr.test)
        if isinstance(test, Const):
            self._emit(instr.next if test.value else instr.otherwise, path)
            return
        self._line(path, f"if {self._python(test, path)}:")
        self._emit(instr.next, path.deeper())
        # A path that ends in its branch has returned; in a loop's body it falls through.
        self._line(path, "else:")
        self._emit(instr.otherwise, path.deeper())
        if self._open_ended(instr.next) or self._open_ended(instr.otherwise):
            self._line(path.deeper(), "pass")

    def _open_ended(self, instr: Instr | None) -> bool:
        while instr is not None:
            if isinstance(instr, (Goto, Retry)):
                return False
            if isinstance(instr, Branch):
                return self._open_ended(instr.next) or self._open_ended(instr.otherwise)
            instr = instr.next
        return True

    def _begin_copy(self, path: Path) -> None:
        if not path.copied:
            self._line(path, "n = [*s]")
            path.copied = True

    def _store(self, instr: Store, path: Path) -> None:
        value = self._python(instr.expr, path)
        target = self._slot_of(instr.ref, instr.cls, instr.name, path)
        if target is not None:
            self._begin_copy(path)
            value = self._python(instr.expr, path)
            self._line(path, f"n[{target}] = {value}")
        if instr.name == LIFE:
            path.alive = frozenset()

    def _wake(self, instr: Wake, path: Path) -> None:
        self._begin_copy(path)
        path.woke = True
        blocks = self.layout.blocks
        index = {spec.thread: i for i, spec in enumerate(self.layout.system.threads)}
        result = self._python(instr.result, path)
        thread = self.fold(instr.thread)
        if isinstance(thread, Const):
            block = blocks[index[thread.value]]
            first, woken = str(block.first), str(block.result)
        else:
            numbers = [self.layout.instances.number(t) for t in index]
            reference = self._python(thread, path)
            first = f"{self._table({n: b.first for n, b in zip(numbers, blocks, strict=True)})}"
            woken = f"{self._table({n: b.result for n, b in zip(numbers, blocks, strict=True)})}"
            first, woken = f"{first}[{reference}]", f"{woken}[{reference}]"
        self._line(path, f"n[{woken}] = {result}")
        self._line(path, f"n[{first}] += 1")

    def _for_each(self, instr: ForEach, path: Path) -> None:
        self._begin_copy(path)
        sequence = self._python(instr.sequence, path)
        self._line(path, f"for {self._var(instr.var)} in {sequence}:")
        inner = path.deeper()
        inner.defined |= {instr.var}
        inner.assigned |= {instr.var}
        before = len(self.lines)
        self._emit(instr.body, inner)
        if len(self.lines) == before:
            self._line(inner, "pass")
        if instr.body is not None:
            path.woke |= any(isinstance(i, Wake) for i in instructions(instr.body))

    def _check_alive(self, instr: CheckAlive, path: Path) -> None:
        ref = self.fold(instr.ref)
        if ref in path.alive:
            return
        path.alive |= {ref}
        report = Report(
            "memory", f"{instr.access} of a record that is not allocated", instr.where, True
        )
        life = self.fold(Load(ref, instr.cls, LIFE, ValueType("life")))
        if isinstance(life, Const) and life.value == Life.ALIVE:
            if isinstance(ref, Const):
                return
            test = f"not {self._python(ref, path)}"
        else:
            alive = f"{self._python(life, path)} != {int(Life.ALIVE)}"
            missing = "" if isinstance(ref, Const) else f"not {self._python(ref, path)} or "
            test = f"{missing}{alive}"
        self._line(path, f"if {test}:")
        inner = path.deeper()
        self._note(report, inner)
        self._line(inner, "return None")

    def _note(self, report: Report, path: Path) -> None:
        index = self.reports.setdefault(report, len(self.reports))
        self._line(path, f"note(({index}, {self.number}))")

    def _goto(self, location: Location, path: Path) -> None:
        if self.eager is not None and location.number in self.eager[self.thread]:
            self._emit(location.steps[0].entry, path)
            return
        self._begin_copy(path)
        block = self.layout.blocks[self.thread]
        self._line(path, f"n[{block.first}] = {location.number}")
        if path.resumed and block.result != block.first:
            self._line(path, f"n[{block.result}] = 0")
        kept = set()
        for var in sorted(location.live, key=lambda v: (v.routine, v.name)):
            slot = block.locals[var]
            kept.add(slot)
            if var in path.assigned:
                self._line(path, f"n[{slot}] = {self._var(var)}")
        assert self.origin is not None
        stale = {block.locals[v] for v in self.origin.live} - kept
        for slot in sorted(stale):
            self._line(path, f"n[{slot}] = 0")
        wake = path.woke and self.eager is not None
        self._line(path, "return settle(tuple(n))" if wake else "return tuple(n)")

    # --- expressions --------------------------------------------------------------------------

    def fold(self, expr: Expr) -> Expr:
        """The expression with the system's constants put in."""
        match expr:
            case Load(ref=ref, cls=cls, name=name):
                folded = self.fold(ref)
                cells = [(i.number, name) for i in self.layout.targets(folded, cls)]
                if all(c in self.layout.constants for c in cells):
                    values = {self.layout.constants[c] for c in cells}
                    if len(values) == 1:
                        return Const(values.pop(), expr.type)
                return Load(folded, cls, name, expr.type)
            case Op(name=operator, args=args):
                folded_args = [self.fold(a) for a in args]
                if all(isinstance(a, Const) for a in folded_args):
                    encoded = [
                        constant(self.layout.encode(a.value))
                        for a in folded_args
                        if isinstance(a, Const)
                    ]
                    return apply(_ON_NUMBERS.get(operator, operator), encoded)
                return apply(operator, folded_args)
        return expr

    def _load_locals(self, instr: Instr, path: Path) -> None:
        for expr in expressions_of(instr):
            for part in walk(expr):
                if isinstance(part, Local) and part.var not in path.defined:
                    path.defined |= {part.var}
                    slot = self.layout.blocks[self.thread].locals.get(part.var)
                    value = "0" if slot is None else f"s[{slot}]"
                    self._line(path, f"{self._var(part.var)} = {value}")

    def _var(self, var: Var) -> str:
        return self.var_names.setdefault(var, f"v{len(self.var_names)}")

    def _python(self, expr: Expr, path: Path) -> str:
        expr = self.fold(expr)
        match expr:
            case Const(value=value):
                return repr(self.layout.encode(value))
            case Local(var=var):
                return self._var(var)
            case Result():
                return f"{self._state(path)}[{self.layout.blocks[self.thread].result}]"
            case Load(ref=ref, cls=cls, name=name):
                slot = self._slot_of(ref, cls, name, path)
                if slot is None:
                    return self._constant_of(ref, cls, name, path)
                return f"{self._state(path)}[{slot}]"
            case Part(ref=ref, cls=cls, name=name):
                whole = self.layout.targets(ref, cls)
                instances = self.layout.instances
                parts = {i.number: instances.number(getattr(i.object, name)) for i in whole}
                return f"{self._table(parts)}[{self._python(ref, path)}]"
            case Op(name="both", args=args):
                return "(" + " and ".join(self._python(a, path) for a in args) + ")"
            case Op(name="either", args=args):
                return "(" + " or ".join(self._python(a, path) for a in args) + ")"
            case Op(name=name, args=args):
                return _PYTHON[name].format(*(self._python(a, path) for a in args))
        raise AssertionError(expr)

    def _state(self, path: Path) -> str:
        return "n" if path.copied else "s"

    def _slot_of(self, ref: Expr, cls: type, name: str, path: Path) -> str | None:
        """The index of a field's slot as Python; None if the field is a constant."""
        ref = self.fold(ref)
        cells = [(i.number, name) for i in self.layout.targets(ref, cls)]
        slots = {c[0]: self.layout.slots[c] for c in cells if c in self.layout.slots}
        if not slots:
            return None
        if isinstance(ref, Const):
            return str(next(iter(slots.values())))
        return f"{self._table(slots)}[{self._python(ref, path)}]"

    def _constant_of(self, ref: Expr, cls: type, name: str, path: Path) -> str:
        values = {
            i.number: self.layout.constants[(i.number, name)] for i in self.layout.targets(ref, cls)
        }
        return f"{self._table(values)}[{self._python(ref, path)}]"

    def _table(self, values: dict[int, Any]) -> str:
        """The name of a tuple that gives `values` by a record's number."""
        size = max(values, default=0) + 1
        row = tuple(values.get(i, 0) for i in range(size))
        return self.tables.setdefault(row, f"T{len(self.tables)}")


# On numbered references, identity is equality.
_ON_NUMBERS = {"is": "eq", "isnot": "ne"}


def generate(layout: Layout, eager: Sequence[set[int]] | None = None) -> Program:
    """Generate the step functions of a system; `eager` steps are merged into those before."""
    return Generator(layout, eager).generate()
