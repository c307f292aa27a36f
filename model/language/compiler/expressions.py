"""Expressions: what a thread may compute between two scheduling points, and what it may touch."""

from __future__ import annotations

import ast
from typing import Any

from haiku_tuntap.model.language.compiler.frames import Inlined
from haiku_tuntap.model.language.compiler.operators import BINARY, COMPARE, apply
from haiku_tuntap.model.language.compiler.thread_base import ThreadBase
from haiku_tuntap.model.language.compiler.types import (
    constant,
    may_be_none,
    type_of_annotation,
)
from haiku_tuntap.model.language.graph import (
    BOOL,
    CheckAlive,
    Const,
    Expr,
    Load,
    Local,
    Part,
    ValueType,
    walk,
)
from haiku_tuntap.model.language.records import Field, FieldKind, fields_of, is_record_class

_NUMBERS_AND_NONE = frozenset({"none", "int", "bool", "status"})


def awaits(node: ast.AST) -> bool:
    """Whether there is an await in it."""
    return any(isinstance(n, ast.Await) for n in ast.walk(node))


def never_changes(expr: Expr) -> bool:
    """Whether an expression means the same record as long as its locals are not assigned."""
    return all(
        fields_of(e.cls)[e.name].kind is FieldKind.FINAL for e in walk(expr) if isinstance(e, Load)
    )


class Expressions(ThreadBase):
    """Compiles expressions of one thread's program."""

    def expression(self, node: ast.expr, frame: Inlined) -> Expr:
        """Compile an expression; awaits inside it are performed first."""
        match node:
            case ast.Constant(value=value) if isinstance(value, (bool, int)) or value is None:
                return constant(value)
            case ast.Constant():
                raise frame.error(node, "a constant of this type is no value", "use a number")
            case ast.Name(id=name):
                return self._name(node, name, frame)
            case ast.Attribute():
                return self._attribute(node, frame)
            case ast.Await():
                return self.await_value(node, frame)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return apply(BINARY[type(op)], self._operands([left, right], frame))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return apply("not", [self.expression(operand, frame)])
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return apply("inv", [self.expression(operand, frame)])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return apply("neg", [self.expression(operand, frame)])
            case ast.Compare():
                return self._compare(node, frame)
            case ast.BoolOp(op=op, values=values):
                return self._bool_op("both" if isinstance(op, ast.And) else "either", values, frame)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                if awaits(body) or awaits(orelse):
                    raise frame.error(
                        node, "an await in one arm is performed only sometimes", "use an if"
                    )
                chosen = self.expression(test, frame)
                if isinstance(chosen, Const):
                    return self.expression(body if chosen.value else orelse, frame)
                return apply("choose", [chosen, *self._operands([body, orelse], frame)])
            case ast.Tuple(elts=elements):
                return self._tuple(elements, frame)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(node, value, index, frame)
            case ast.Call():
                return self.call(node, frame)
        raise frame.error(
            node,
            f"the expression `{ast.unparse(node)}` is outside the language",
            "use locals, fields, numbers, + - & | ~, comparisons, and/or/not, tuples, len, "
            "without, min, max",
        )

    def _operands(self, nodes: list[ast.expr], frame: Inlined) -> list[Expr]:
        """Operands left to right; one read before a later await must not depend on others."""
        made: list[Expr] = []
        for node in nodes:
            if awaits(node) and any(isinstance(e, Load) for m in made for e in walk(m)):
                raise frame.error(
                    node,
                    "a field is read before an await in the same expression",
                    "read it into a local on a line of its own, before or after the await",
                )
            made.append(self.expression(node, frame))
        return made

    def _name(self, node: ast.expr, name: str, frame: Inlined) -> Expr:
        if name in frame.names:
            return frame.names[name]
        if name in frame.text.assignments:
            return Local(frame.variable(name))
        try:
            return constant(frame.meaning(name))
        except KeyError:
            raise frame.error(node, f"the name {name} means nothing here", "define it") from None

    def _attribute(self, node: ast.Attribute, frame: Inlined) -> Expr:
        base = self.expression(node.value, frame)
        cls = base.type.cls if base.type.name == "ref" else None
        if cls is None and isinstance(base, Const) and base.value is not None:
            return constant(getattr(base.value, node.attr))
        if cls is None or not is_record_class(cls):
            raise frame.error(
                node,
                f"the type of `{ast.unparse(node.value)}` is not known to be a record",
                "annotate the local or the parameter with its record class",
            )
        field = fields_of(cls).get(node.attr)
        if field is None:
            raise frame.error(
                node, f"{cls.__name__} has no field {node.attr}", "declare it in the record"
            )
        return self.field(base, cls, field, node, frame)

    def field(self, ref: Expr, cls: type, field: Field, node: ast.AST, frame: Inlined) -> Expr:
        """Read a field, after checking that this thread may."""
        made_type = type_of_annotation(field.annotation, self.system.substitution)
        if field.kind is FieldKind.PART:
            if isinstance(ref, Const):
                return constant(getattr(ref.value, field.name))
            return Part(ref, cls, field.name, made_type)
        self.check_access(ref, field, node, frame)
        self.check_alive(ref, f"{cls.__name__}.{field.name}", frame)
        if field.kind is FieldKind.FINAL:
            known = self._known_final(ref, field, made_type)
            if known is not None:
                return known
        protected = field.kind is FieldKind.GUARDED and not frame.indivisible
        return Load(ref, cls, field.name, made_type, protected)

    def _known_final(self, ref: Expr, field: Field, declared: ValueType) -> Expr | None:
        """A final field's value where only one is possible."""
        if isinstance(ref, Const) and not self.instances.of(ref.value).from_pool:
            return constant(getattr(ref.value, field.name))
        if declared.name == "ref" and declared.cls and not may_be_none(field.annotation):
            candidates = self.instances.of_class(declared.cls)
            if len(candidates) == 1 and not candidates[0].from_pool:
                return constant(candidates[0].object)
        return None

    def check_access(self, ref: Expr, field: Field, node: ast.AST, frame: Inlined) -> None:
        """Refuse an access that could be a hidden race."""
        if frame.indivisible or field.kind in (FieldKind.FINAL, FieldKind.PART):
            return
        if field.kind is FieldKind.INTERNAL:
            raise frame.error(
                node,
                f"`{field.name}` is internal to a primitive",
                "await one of the record's primitives instead",
            )
        guard: Expr = ref
        for name in (field.guard or "").split("."):
            cls = guard.type.cls
            if cls is None or name not in fields_of(cls):
                raise frame.error(node, f"the guard {field.guard} is not there", "name a part")
            guard = self.field(guard, cls, fields_of(cls)[name], node, frame)
        if self._path(guard) not in {self._path(lock) for lock in self.flow.held}:
            raise frame.error(
                node,
                f"`{field.name}` is guarded by `{field.guard}`, which this thread does not "
                "surely hold here",
                f"put the access inside `async with ….{field.guard}:`, on the same local through "
                "which the lock was taken; or make the field an Atomic or Unguarded",
            )

    def _path(self, expr: Expr) -> tuple[Any, ...]:
        """Which record an expression means: what it begins with, and fields that never change."""
        match expr:
            case Local(var=var) if var in self.same_as:
                return self._path(self.same_as[var])
            case Part(ref=ref, name=name) | Load(ref=ref, name=name):
                return (*self._path(ref), name)
        return (expr,)

    def check_alive(self, ref: Expr, access: str, frame: Inlined) -> None:
        """Make an access to a freed (or missing) pooled record a violation."""
        whole = ref
        while isinstance(whole, Part):
            whole = whole.ref
        if isinstance(whole, Const):
            instance = self.instances.of(whole.value).whole
            if self.instances.is_pooled(instance.cls):
                self.flow.emit(
                    CheckAlive(constant(instance.object), instance.cls, access, where=frame.where)
                )
        elif whole.type.cls is not None and self.instances.is_pooled(whole.type.cls):
            self.flow.emit(CheckAlive(whole, whole.type.cls, access, where=frame.where))

    def _compare(self, node: ast.Compare, frame: Inlined) -> Expr:
        operands = self._operands([node.left, *node.comparators], frame)
        made: list[Expr] = []
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in COMPARE:
                raise frame.error(node, "this comparison is outside the language", "use == or <")
            if isinstance(op, (ast.In, ast.NotIn)):
                made.append(apply("contains", [right, left]))
                if isinstance(op, ast.NotIn):
                    made[-1] = apply("not", [made[-1]])
            else:
                if {"none"} < {left.type.name, right.type.name} & _NUMBERS_AND_NONE:
                    raise frame.error(
                        node,
                        "a number is compared with None, which a state writes as 0",
                        "use a Status, or a number of its own, for what None should mean",
                    )
                made.append(apply(COMPARE[type(op)], [left, right]))
        return made[0] if len(made) == 1 else apply("both", made)

    def _bool_op(self, name: str, values: list[ast.expr], frame: Inlined) -> Expr:
        if any(awaits(v) for v in values[1:]):
            raise frame.error(
                values[0],
                "an await to the right of and/or is performed only sometimes",
                "use nested ifs",
            )
        operands = self._operands(values, frame)
        for value, operand in zip(values, operands, strict=True):
            if operand.type != BOOL:
                raise frame.error(
                    value,
                    f"`{ast.unparse(value)}` is not a bool, and and/or would give it as the value",
                    "compare it, or write bool(…)",
                )
        return apply(name, operands)

    def _tuple(self, elements: list[ast.expr], frame: Inlined) -> Expr:
        made: Expr = Const((), ValueType("seq"))
        plain = [e.value if isinstance(e, ast.Starred) else e for e in elements]
        for element, value in zip(elements, self._operands(plain, frame), strict=True):
            starred = isinstance(element, ast.Starred)
            made = apply("join", [made, value if starred else apply("single", [value])])
        return made

    def _subscript(self, node: ast.expr, value: ast.expr, index: ast.expr, frame: Inlined) -> Expr:
        match index:
            case ast.Constant(value=0):
                return apply("first", [self.expression(value, frame)])
            case ast.Slice(lower=ast.Constant(value=1), upper=None, step=None):
                return apply("rest", [self.expression(value, frame)])
        raise frame.error(node, "this subscript is outside the language", "use [0] or [1:]")

    def materialize(self, expr: Expr, name: str, frame: Inlined) -> Expr:
        """The value of `expr` now, whatever happens to the fields it was read from."""
        if not any(isinstance(e, Load) for e in walk(expr)):
            return expr
        return Local(self.assign_new(name, expr, frame))

    def annotation(self, node: ast.expr, frame: Inlined) -> ValueType:
        """The type that an annotation in a body declares."""
        if node not in frame.text.annotations:
            try:
                value = eval(  # an annotation of a model that is loaded, and so run
                    compile(ast.Expression(node), frame.text.file, "eval"), frame.text.names
                )
            except Exception as error:
                raise frame.error(
                    node, f"the annotation cannot be read: {error}", "name a class"
                ) from None
            frame.text.annotations[node] = value
        return type_of_annotation(frame.text.annotations[node], self.system.substitution)

    # Implemented by the classes that know calls.
    def call(self, node: ast.Call, frame: Inlined) -> Expr:
        raise NotImplementedError

    def await_value(self, node: ast.Await, frame: Inlined) -> Expr:
        raise NotImplementedError
