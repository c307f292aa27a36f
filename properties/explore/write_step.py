"""Writing the instructions of a step as a Python function."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from haiku_tuntap.model.language.compiler.liveness import expressions_of, variables_read
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
    Reach,
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
from haiku_tuntap.properties.explore.joins import Joins
from haiku_tuntap.properties.explore.layout import Layout
from haiku_tuntap.properties.explore.write_expression import ExpressionWriter, Path


@frozen
class Report:
    """A violation that a step may report; `fatal` ones end the path."""

    code: str
    text: str
    where: Where | None
    fatal: bool


class StepWriter(ExpressionWriter):
    """Writes the functions of a system, one per step; see generate.py for what they look like."""

    def __init__(
        self, layout: Layout, eager: Sequence[set[int]] | None, *, packed: bool = False
    ) -> None:
        super().__init__(layout, packed=packed)
        self.eager = eager
        self.lines: list[str] = []
        self.reports: dict[Report, int] = {}
        self.joins = Joins()
        self.number = 0
        self.leaves: frozenset[Var] = frozenset()

    def function(self, number: int, graph: ThreadGraph, location: Location, step: Step) -> None:
        """Write one function."""
        self.number = number
        self.leaves = location.live
        self.lines.append(f"def step_{number}(s):  # {graph.name}: {location.label} {step.choice}")
        self._emit(step.entry, Path(1, resumed=location.kind is LocationKind.RESUMED), None)

    def line(self, path: Path, text: str) -> None:
        """Write a line at the depth of `path`."""
        self.lines.append("  " * path.depth + text)

    def _emit(self, instr: Instr | None, path: Path, stop: Instr | None) -> Path | None:
        """Write the code from `instr` up to `stop`; None if no path gets there."""
        while instr is not stop and instr is not None:
            self._load_locals(expressions_of(instr), path)
            following = instr.next
            match instr:
                case Goto(location=location):
                    self._goto(location, path)
                    return None
                case Retry():
                    self.line(path, "return None")
                    return None
                case Branch():
                    join = self._branch(instr, path, stop)
                    if join is _ENDS:
                        return None
                    following = join
                case Assign(var=var, expr=expr):
                    self.line(path, f"{self.var(var)} = {self.python(expr, path)}")
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
                        self.line(path, "return None")
                        return None
                case Reach(mark=mark):
                    self.line(path, f"reach({mark!r})")
            instr = following
        return path

    # --- branches -----------------------------------------------------------------------------

    def _branch(self, instr: Branch, path: Path, stop: Instr | None) -> Instr | None:
        """Write both sides; gives where to go on, or _ENDS if no path does."""
        test = instr.test
        if isinstance(test, Const):
            return instr.next if test.value else instr.otherwise
        join = self.joins.of(instr)
        if join is not None:
            self._prepare_join(instr, join, path)
        else:
            join = stop
        self.line(path, f"if {self.python(test, path)}:")
        sides = [self._side(instr.next, path, join)]
        self.line(path, "else:")
        sides.append(self._side(instr.otherwise, path, join))
        ending = [s for s in sides if s is not None]
        if not ending:
            return _ENDS
        path.merge(ending)
        return join

    def _side(self, instr: Instr | None, path: Path, join: Instr | None) -> Path | None:
        before = len(self.lines)
        inner = path.deeper()
        end = self._emit(instr, inner, join)
        if len(self.lines) == before:
            self.line(inner, "pass")
        return end

    def _prepare_join(self, branch: Branch, join: Instr, path: Path) -> None:
        """Define before the branch what only one side defines and what follows may read."""
        region = self.joins.region(branch, join)
        if any(isinstance(i, (Store, Wake, ForEach)) for i in region):
            self._begin_copy(path)
        assigned = {i.var for i in region if isinstance(i, Assign)}
        read: set[Var] = set()
        for instr in self.joins.reachable(join):
            read |= variables_read(instr)
            if isinstance(instr, Goto):
                read |= instr.location.live
            if isinstance(instr, ForEach) and instr.body is not None:
                read |= {v for i in instructions(instr.body) for v in variables_read(i)}
        needed = sorted(assigned & read, key=lambda v: (v.routine, v.name))
        self._load_locals(tuple(Local(v) for v in needed), path)

    # --- single instructions ------------------------------------------------------------------

    def _load_locals(self, expressions: tuple[Expr, ...], path: Path) -> None:
        for expr in expressions:
            for part in walk(expr):
                if isinstance(part, Local) and part.var not in path.defined:
                    path.defined |= {part.var}
                    slot = self.layout.blocks[self.thread].locals.get(part.var)
                    value = "0" if slot is None else f"s[{slot}]"
                    if slot is not None and self.is_packed(part.var.type):
                        value = f"Q[{value} | s[{self.high[slot]}] << 8]"
                    self.line(path, f"{self.var(part.var)} = {value}")

    def _begin_copy(self, path: Path) -> None:
        if not path.copied:
            self.line(path, "n = bytearray(s)" if self.packed else "n = [*s]")
            path.copied = True

    def _store(self, instr: Store, path: Path) -> None:
        target = self.slot_of(instr.ref, instr.cls, instr.name, path)
        if target is not None:
            self._begin_copy(path)
            kind = self.field_type(instr.ref, instr.cls, instr.name)
            high = None
            if self.is_packed(kind):
                high = self.slot_of(instr.ref, instr.cls, instr.name, path, self.high)
            self._put(path, target, high, self.python(instr.expr, path))
        if instr.name == LIFE:
            path.alive = frozenset()

    def _put(self, path: Path, low: str, high: str | None, value: str | None) -> None:
        """Set a slot; a packed sequence, which has a high byte, too, by its number. None is 0."""
        if high is None:
            self.line(path, f"n[{low}] = {value or 0}")
        elif value is None:
            self.line(path, f"n[{low}] = n[{high}] = 0")
        else:
            self.line(path, f"k = q({value})")
            self.line(path, f"n[{low}] = k & 255")
            self.line(path, f"n[{high}] = k >> 8")

    def _wake(self, instr: Wake, path: Path) -> None:
        self._begin_copy(path)
        path.woke = True
        blocks = self.layout.blocks
        threads = [spec.thread for spec in self.layout.system.threads]
        asleep = [_sleeping_places(graph) for graph in self.layout.graphs]
        thread = instr.thread
        if isinstance(thread, Const):
            index = next(i for i, t in enumerate(threads) if t is thread.value)
            first, woken = str(blocks[index].first), str(blocks[index].result)
            places = repr(asleep[index])
        else:
            numbers = [self.layout.instances.number(t) for t in threads]
            tables = (
                [b.first for b in blocks],
                [b.result for b in blocks],
                asleep,
            )
            reference = self.python(thread, path)
            first, woken, places = (
                f"{self.table(dict(zip(numbers, column, strict=True)))}[{reference}]"
                for column in tables
            )
        self.line(path, f"if n[{first}] not in {places}:")
        inner = path.deeper()
        text = "a thread is woken that does not sleep"
        self._note(Report("assertion", text, instr.where, fatal=True), inner)
        self.line(inner, "return None")
        self.line(path, f"n[{woken}] = {self.python(instr.result, path)}")
        self.line(path, f"n[{first}] += 1")

    def _for_each(self, instr: ForEach, path: Path) -> None:
        self._begin_copy(path)
        assert instr.body is not None
        body = list(instructions(instr.body))
        outside = {v for i in body for v in variables_read(i)} - {instr.var}
        ordered = sorted(outside, key=lambda v: (v.routine, v.name))
        self._load_locals(tuple(Local(v) for v in ordered), path)
        self.line(path, f"for {self.var(instr.var)} in {self.python(instr.sequence, path)}:")
        inner = path.deeper()
        inner.defined |= {instr.var}
        inner.alive = frozenset()
        before = len(self.lines)
        self._emit(instr.body, inner, None)
        if len(self.lines) == before:
            self.line(inner, "pass")
        path.assigned |= {i.var for i in body if isinstance(i, Assign)} & path.defined
        path.woke |= any(isinstance(i, Wake) for i in body)
        path.alive = frozenset()

    def _check_alive(self, instr: CheckAlive, path: Path) -> None:
        ref = instr.ref
        if ref in path.alive:
            return
        path.alive |= {ref}
        life = Load(ref, instr.cls, LIFE, ValueType("life"))
        always = self.slot_of(ref, instr.cls, LIFE, path) is None
        if always:
            if isinstance(ref, Const) and ref.value is not None:
                return
            test = f"not {self.python(ref, path)}"
        else:
            alive = f"{self.python(life, path)} != {int(Life.ALIVE)}"
            missing = "" if isinstance(ref, Const) else f"not {self.python(ref, path)} or "
            test = f"{missing}{alive}"
        self.line(path, f"if {test}:")
        inner = path.deeper()
        text = f"{instr.access} of a record that is not allocated"
        self._note(Report("memory", text, instr.where, fatal=True), inner)
        self.line(inner, "return None")

    def _note(self, report: Report, path: Path) -> None:
        index = self.reports.setdefault(report, len(self.reports))
        self.line(path, f"note(({index}, {self.number}))")

    def _goto(self, location: Location, path: Path) -> None:
        if self.eager is not None and location.number in self.eager[self.thread]:
            self._emit(location.steps[0].entry, path, None)
            return
        self._begin_copy(path)
        block = self.layout.blocks[self.thread]
        self.line(path, f"n[{block.first}] = {location.number}")
        kept = set()
        for var in sorted(location.live, key=lambda v: (v.routine, v.name)):
            slot = block.locals[var]
            kept.add(slot)
            if var in path.assigned:
                high = str(self.high[slot]) if self.is_packed(var.type) else None
                self._put(path, str(slot), high, self.var(var))
        stale = {block.locals[v] for v in self.leaves}
        if path.resumed and block.result != block.first:
            stale.add(block.result)
        for slot in sorted(stale - kept):
            packed = self.is_packed(self.layout.types[slot])
            self._put(path, str(slot), str(self.high[slot]) if packed else None, None)
        done = "bytes(n)" if self.packed else "tuple(n)"
        settles = path.woke and self.eager is not None
        self.line(path, f"return settle({done})" if settles else f"return {done}")


def _sleeping_places(graph: ThreadGraph) -> tuple[int, ...]:
    """The numbers of the locations at which a thread sleeps."""
    return tuple(
        location.number for location in graph.locations if location.kind is LocationKind.BLOCKED
    )


_ENDS = Instr()  # no path goes on
