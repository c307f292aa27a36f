"""Statements: control flow, assignments, lockers."""

from __future__ import annotations

import ast

from haiku_tuntap.model.language.compiler.calls import Calls
from haiku_tuntap.model.language.compiler.expressions import awaits, never_changes
from haiku_tuntap.model.language.compiler.flow import Label
from haiku_tuntap.model.language.compiler.frames import Inlined, Loop
from haiku_tuntap.model.language.compiler.operators import BINARY, apply
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    Assign,
    Branch,
    Const,
    Expr,
    ForEach,
    Join,
    Local,
    LocationKind,
    Result,
    Store,
    Var,
    Violation,
)
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.routines import BLOCK, RETRY


class Statements(Calls):
    """Compiles the statements of one thread's program."""

    def block(self, body: list[ast.stmt], frame: Inlined) -> None:
        for statement in body:
            if not self.flow.reachable:
                return
            frame.at(statement)
            self._statement(statement, frame)

    def _statement(self, node: ast.stmt, frame: Inlined) -> None:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=ast.Await() as awaited):
                self.await_into(awaited, None, frame)
            case ast.Expr(value=ast.Call() as call):
                self.call(call, frame)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value, frame)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                frame.variable(name).type = self.annotation(node.annotation, frame)
                self._assign(node.target, value, frame)
            case ast.AugAssign():
                self._augmented(node, frame)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(test, body, orelse, frame)
            case ast.While(test=test, body=body, orelse=[]):
                self._while(test, body, frame)
            case ast.For(target=ast.Name(id=name), iter=iterable, body=body, orelse=[]):
                self._for(node, name, iterable, body, frame)
            case ast.AsyncWith(items=[item], body=body):
                self._locker(item, body, frame)
            case ast.Break() | ast.Continue():
                self._leave_loop(node, frame)
            case ast.Return(value=value):
                self._return(value, frame)
            case ast.Assert(test=test):
                self._assert(test, frame)
            case _:
                raise frame.error(
                    node,
                    f"`{ast.unparse(node).splitlines()[0]}` is outside the language",
                    "use assignments, if, while, for over a tuple or a constant range, break, "
                    "continue, return, async with, and awaited calls",
                )

    # --- assignments --------------------------------------------------------------------------

    def _assign(self, target: ast.expr, value: ast.expr, frame: Inlined) -> None:
        match target:
            case ast.Name(id=name):
                self._assign_name(name, value, frame)
            case ast.Tuple(elts=elements) if all(isinstance(e, ast.Name) for e in elements):
                names = [e.id for e in elements if isinstance(e, ast.Name)]
                if not isinstance(value, ast.Await):
                    raise frame.error(target, "only an awaited call is unpacked", "assign singly")
                self.await_into(value, [frame.variable(n) for n in names], frame)
            case ast.Attribute():
                self._store(target, self.expression(value, frame), frame)
            case _:
                raise frame.error(target, "this target is outside the language", "use a local")

    def _assign_name(self, name: str, value: ast.expr, frame: Inlined) -> None:
        if isinstance(value, ast.Await):
            self.await_into(value, [frame.variable(name)], frame)
            return
        made = self.expression(value, frame)
        once = frame.text.assignments[name] == 1
        if once and isinstance(made, Const) and name not in frame.variables:
            frame.names[name] = made  # a name for something known: no variable is needed
        else:
            self.assign(frame.variable(name), made, frame)

    def _store(self, target: ast.Attribute, value: Expr, frame: Inlined) -> None:
        ref = self.expression(target.value, frame)
        cls = ref.type.cls
        field = fields_of(cls).get(target.attr) if cls is not None else None
        if cls is None or field is None:
            raise frame.error(
                target, f"`{ast.unparse(target)}` is no field of a record", "declare it"
            )
        if field.kind in (FieldKind.FINAL, FieldKind.PART):
            raise frame.error(target, f"{field.name} never changes", "declare how it is protected")
        self.check_access(ref, field, target, frame)
        self.check_alive(ref, f"{cls.__name__}.{field.name}", frame)
        protected = field.kind is FieldKind.GUARDED and not frame.indivisible
        self.flow.emit(Store(ref, cls, field.name, value, protected, where=frame.where))

    def _augmented(self, node: ast.AugAssign, frame: Inlined) -> None:
        if type(node.op) not in BINARY:
            raise frame.error(node, "this operator is outside the language", "use += or -=")
        if isinstance(node.target, ast.Attribute) and awaits(node.value):
            raise frame.error(
                node,
                "a field is read before an await in the same statement",
                "await into a local first",
            )
        amount = self.expression(node.value, frame)
        old = self.expression(_as_load(node.target), frame)
        new = apply(BINARY[type(node.op)], [old, amount])
        if isinstance(node.target, ast.Name):
            self.assign(frame.variable(node.target.id), new, frame)
        elif isinstance(node.target, ast.Attribute):
            self._store(node.target, new, frame)

    def set_targets(self, expr: Expr, targets: list[Var] | None, frame: Inlined) -> None:
        if targets is None:
            return
        if len(targets) != 1:
            raise frame.error(
                frame.text.tree, f"{frame.text.name} returns one value", "return as many as wanted"
            )
        self.assign(targets[0], expr, frame)

    # --- control flow -------------------------------------------------------------------------

    def condition(self, test: ast.expr, yes: Label, no: Label, frame: Inlined) -> None:
        """Go to `yes` or `no`; awaits in and/or are performed only where needed."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.condition(operand, no, yes, frame)
            case ast.BoolOp(op=op, values=values):
                for value in values[:-1]:
                    further = Label()
                    if isinstance(op, ast.And):
                        self.condition(value, further, no, frame)
                    else:
                        self.condition(value, yes, further, frame)
                    self.flow.place(further, frame.where)
                self.condition(values[-1], yes, no, frame)
            case _:
                if not self.flow.reachable:
                    return
                made = self.expression(test, frame)
                if isinstance(made, Const):
                    self.flow.jump(yes if made.value else no, frame.where)
                else:
                    self.flow.branch(Branch(made, where=frame.where), yes, no, frame.where)

    def _if(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], frame: Inlined
    ) -> None:
        yes, no, done = Label(), Label(), Label()
        self.condition(test, yes, no, frame)
        for label, statements in ((yes, body), (no, orelse)):
            self.flow.place(label, frame.where)
            self.block(statements, frame)
            self.flow.jump(done, frame.where)
        self.flow.place(done, frame.where)

    def _while(self, test: ast.expr, body: list[ast.stmt], frame: Inlined) -> None:
        again, yes, done = Label(), Label(), Label()
        self.flow.place(again, frame.where)
        line = frame.line
        self.condition(test, yes, done, frame)
        self._loop_body(yes, body, Loop(done, again, len(frame.lockers)), frame)
        frame.line = line
        self.flow.jump(again, frame.where)
        self.flow.place(done, frame.where)

    def _loop_body(self, start: Label, body: list[ast.stmt], loop: Loop, frame: Inlined) -> None:
        frame.loops.append(loop)
        self.flow.place(start, frame.where)
        self.block(body, frame)
        frame.loops.pop()

    def _for(
        self,
        node: ast.For,
        name: str,
        iterable: ast.expr,
        body: list[ast.stmt],
        frame: Inlined,
    ) -> None:
        match iterable:
            case ast.Call(func=ast.Name(id="range"), args=[bound]):
                count = self.expression(bound, frame)
                if not isinstance(count, Const):
                    raise frame.error(
                        node, "the bound of this range is not a constant", "use a while loop"
                    )
                self._unrolled(name, [constant(i) for i in range(count.value)], body, frame)
                return
        sequence = self.expression(iterable, frame)
        if isinstance(sequence, Const):
            self._unrolled(name, [constant(e) for e in sequence.value], body, frame)
        elif frame.indivisible:
            self._for_each(name, sequence, body, frame)
        else:
            self._iterate(name, sequence, body, frame)

    def _unrolled(
        self, name: str, elements: list[Const], body: list[ast.stmt], frame: Inlined
    ) -> None:
        done = Label()
        for element in elements:
            further = Label()
            if frame.text.assignments[name] == 1:
                frame.names[name] = element
            else:
                self.assign(frame.variable(name), element, frame)
            frame.loops.append(Loop(done, further, len(frame.lockers)))
            self.block(body, frame)
            frame.loops.pop()
            self.flow.place(further, frame.where)
        self.flow.place(done, frame.where)

    def _for_each(self, name: str, sequence: Expr, body: list[ast.stmt], frame: Inlined) -> None:
        """A loop inside an indivisible body."""
        var = frame.variable(name)
        var.type = apply("first", [sequence]).type
        loop = ForEach(var, sequence, where=frame.where)
        self.flow.emit(loop)
        entry = Join()
        loop.body = entry
        self.flow.ends = [(entry, "next")]
        self.block(body, frame)
        self.flow.emit(Join())
        self.flow.ends = [(loop, "next")]

    def _iterate(self, name: str, sequence: Expr, body: list[ast.stmt], frame: Inlined) -> None:
        """A loop with scheduling points: over a snapshot of the sequence, as in Python."""
        rest = self.assign_new(f"rest of {name}", sequence, frame)
        again, yes, done = Label(), Label(), Label()
        self.flow.place(again, frame.where)
        more = apply("bool", [Local(rest)])
        self.flow.branch(Branch(more, where=frame.where), yes, done, frame.where)
        self.flow.place(yes, frame.where)
        self.assign(frame.variable(name), apply("first", [Local(rest)]), frame)
        self.flow.emit(Assign(rest, apply("rest", [Local(rest)]), where=frame.where))
        self._loop_body(Label(), body, Loop(done, again, len(frame.lockers)), frame)
        self.flow.jump(again, frame.where)
        self.flow.place(done, frame.where)

    def _leave_loop(self, node: ast.stmt, frame: Inlined) -> None:
        loop = frame.loops[-1]
        self._unlock_down_to(loop.lockers, node, frame)
        goes = loop.on_break if isinstance(node, ast.Break) else loop.on_continue
        self.flow.jump(goes, frame.where)

    def _return(self, value: ast.expr | None, frame: Inlined) -> None:
        if frame.indivisible and isinstance(value, ast.Name):
            meant = frame.text.names.get(value.id)
            if meant is BLOCK:
                self._sleep(frame)
                return
            if meant is RETRY:
                self.flow.retry()
                return
        match value:
            case None:
                self.return_none(frame)
            case ast.Await():
                self.await_into(value, frame.targets, frame)
            case ast.Tuple(elts=elements) if frame.targets and len(frame.targets) > 1:
                values = self._operands(elements, frame)
                if len(values) != len(frame.targets):
                    raise frame.error(
                        value,
                        f"{frame.text.name} returns {len(values)} values, and "
                        f"{len(frame.targets)} are wanted",
                        "return as many as wanted",
                    )
                for var, made in zip(frame.targets, values, strict=True):
                    self.assign(var, made, frame)
            case _:
                made = self.expression(value, frame)
                if frame.targets is not None:
                    self.set_targets(made, frame.targets, frame)
        self._unlock_down_to(0, frame.text.tree, frame)
        self.flow.jump(frame.exit, frame.where)

    def return_none(self, frame: Inlined) -> None:
        """What a routine gives that ends without saying so."""
        if self.flow.reachable and frame.targets is not None:
            self.set_targets(constant(None), frame.targets, frame)

    def _sleep(self, frame: Inlined) -> None:
        """The thread blocks; when woken it goes on behind the primitive with the result."""
        assert frame.parent is not None
        label = self.locations[-1].label if self.locations else ""
        stack = frame.parent.stack()
        blocked = self.new_location(LocationKind.BLOCKED, label, stack)
        resumed = self.new_location(LocationKind.RESUMED, label, stack)
        self.flow.arrive(blocked)
        self.flow.start(resumed)
        if frame.targets is not None:
            self.assign(frame.targets[0], Result(self.result_type(frame)), frame)
        self.flow.jump(frame.exit, frame.where)

    def _assert(self, test: ast.expr, frame: Inlined) -> None:
        """`assert x is not None` is for the type checker; any other one is checked."""
        match test:
            case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                return
        yes, no = Label(), Label()
        self.condition(test, yes, no, frame)
        self.flow.place(no, frame.where)
        if self.flow.reachable:
            text = f"assert {ast.unparse(test)}"
            self.flow.emit(Violation("assertion", text, fatal=True, where=frame.where))
        self.flow.ends = []
        self.flow.place(yes, frame.where)

    # --- lockers ------------------------------------------------------------------------------

    def _locker(self, item: ast.withitem, body: list[ast.stmt], frame: Inlined) -> None:
        """`async with lock as locker`: MutexLocker, with its early unlock."""
        lock = self.expression(item.context_expr, frame)
        if not never_changes(lock):
            lock = self.materialize(lock, "lock", frame)
        if lock.type.cls is None or not hasattr(lock.type.cls, "unlock"):
            raise frame.error(item.context_expr, "this is no lock", "name a Mutex")
        if isinstance(item.optional_vars, ast.Name):
            frame.locker_names[item.optional_vars.id] = lock
        self.change_lock(item.context_expr, lock, "lock", frame)
        frame.lockers.append(lock)
        self.block(body, frame)
        frame.lockers.pop()
        if self.flow.reachable and lock in self.flow.held:
            frame.at(item.context_expr)  # where the locker is declared, not the block's last line
            self.change_lock(item.context_expr, lock, "unlock", frame)

    def _unlock_down_to(self, count: int, node: ast.AST, frame: Inlined) -> None:
        """Release the lockers that a jump leaves, innermost first."""
        for lock in reversed(frame.lockers[count:]):
            if self.flow.reachable and lock in self.flow.held:
                self.change_lock(node, lock, "unlock", frame)


def _as_load(target: ast.expr) -> ast.expr:
    """The target of `+=`, read."""
    made: ast.expr
    if isinstance(target, ast.Name):
        made = ast.Name(target.id, ast.Load())
    elif isinstance(target, ast.Attribute):
        made = ast.Attribute(target.value, target.attr, ast.Load())
    else:
        made = target
    return ast.copy_location(made, target)
