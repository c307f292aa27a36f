"""Calls: procedures are inlined, primitives become locations, the rest is computed on the spot."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen

from haiku_tuntap.model.language import routines
from haiku_tuntap.model.language.compiler.expressions import awaits, never_changes
from haiku_tuntap.model.language.compiler.frames import Inlined
from haiku_tuntap.model.language.compiler.operators import apply
from haiku_tuntap.model.language.compiler.pools import Pools
from haiku_tuntap.model.language.compiler.texts import text_of
from haiku_tuntap.model.language.compiler.types import constant, type_of_annotation
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.language.graph import (
    Const,
    Expr,
    Load,
    Local,
    LocationKind,
    Reach,
    ValueType,
    Var,
    Violation,
    Wake,
    walk,
)
from haiku_tuntap.model.language.records import fields_of
from haiku_tuntap.model.language.routines import (
    Event,
    Primitive,
    Procedure,
    Routine,
    observers,
)


@frozen
class Callee:
    """What a call names, and the record on which it was looked up."""

    value: Any
    receiver: Expr | None


class Calls(Pools):
    """Compiles the calls in one thread's program."""

    # --- finding out what is called -----------------------------------------------------------

    def callee(self, node: ast.Call, frame: Inlined) -> Callee:
        """What `node` calls."""
        function = node.func
        if isinstance(function, ast.Attribute):
            base = self.expression(function.value, frame)
            cls = base.type.cls if base.type.name == "ref" else None
            if cls is not None and function.attr not in fields_of(cls):
                found = inspect.getattr_static(cls, function.attr, None)
                if found is not None:
                    return Callee(found, base)
        value = self.expression(function, frame)
        if not isinstance(value, Const):
            raise frame.error(node, "what is called is not known", "call a routine by its name")
        return Callee(value.value, None)

    # --- calls without await ------------------------------------------------------------------

    def call(self, node: ast.Call, frame: Inlined) -> Expr:
        """A call that is not awaited: an operator, an event, a report, or a static function."""
        callee = self.callee(node, frame)
        value = callee.value
        if isinstance(value, Routine) or value in (
            routines.allocate,
            routines.free,
            routines.happens,
        ):
            raise frame.error(
                node, f"`{ast.unparse(node)}` is not awaited", "write await before it"
            )
        if value in (routines.violated, routines.reached):
            return self._report(node, value, frame)
        args, kwargs = self.arguments(node, frame)
        for operator, count in _OPERATORS.items():
            if value is operator:
                if len(args) != count or kwargs:
                    raise frame.error(
                        node, f"{operator.__name__} takes {count} here", "give it as many"
                    )
                return apply(operator.__name__, args)
        if value is routines.current_thread:
            return constant(self.spec.thread)
        if isinstance(value, Event):
            return self._emit_event(value, args, frame)
        if value is routines.wake:
            self.flow.emit(Wake(args[0], args[1], where=frame.where))
            return constant(None)
        return self._static(node, callee, args, kwargs, frame)

    def _report(self, node: ast.Call, function: Any, frame: Inlined) -> Expr:
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        if len(texts) != len(node.args):
            raise frame.error(node, "a report's texts must be literal", "write string constants")
        if function is routines.violated:
            self.flow.emit(Violation(str(texts[0]), str(texts[1]), where=frame.where))
        else:
            self.flow.emit(Reach(str(texts[0]), where=frame.where))
        return constant(None)

    def _static(
        self,
        node: ast.Call,
        callee: Callee,
        args: list[Expr],
        kwargs: dict[str, Expr],
        frame: Inlined,
    ) -> Expr:
        function: Callable[..., Any] = callee.value
        given = [callee.receiver, *args] if callee.receiver is not None else args
        known = [a.value for a in [*given, *kwargs.values()] if isinstance(a, Const)]
        if not getattr(function, "is_static", False) or len(known) != len(given) + len(kwargs):
            raise frame.error(
                node,
                f"`{ast.unparse(node.func)}` is a plain Python function",
                "make it a procedure or a primitive and await it",
            )
        names = {k: v.value for k, v in kwargs.items() if isinstance(v, Const)}
        return constant(function(*known[: len(given)], **names))

    def _emit_event(self, event: Event[Any], args: list[Expr], frame: Inlined) -> Expr:
        kept = [self.materialize(a, "argument", frame) for a in args]
        for monitor in self.system.monitors:
            for observed, function in observers(monitor):
                if observed is event:
                    self._inline_observer(function, [constant(monitor), *kept], frame)
        return constant(None)

    def _inline_observer(
        self, function: Callable[..., None], args: list[Expr], frame: Inlined
    ) -> None:
        inner = Inlined(text_of(function), None, frame, None, indivisible=True)
        self._bind(inner, args, {}, function)
        self.block(inner.text.tree.body, inner)
        self.flow.place(inner.exit, inner.where)

    # --- awaited calls ------------------------------------------------------------------------

    def await_value(self, node: ast.Await, frame: Inlined) -> Expr:
        """An await whose value is wanted."""
        var = Var("value", frame.text.name)
        self.await_into(node, [var], frame)
        return Local(var)

    def await_into(self, node: ast.Await, targets: list[Var] | None, frame: Inlined) -> None:
        """Perform an awaited call and put what it returns into `targets`."""
        frame.at(node)
        if not isinstance(node.value, ast.Call):
            raise frame.error(node, "only calls are awaited", "await a procedure or a primitive")
        if self._locker_call(node.value, frame):
            return
        callee = self.callee(node.value, frame)
        value = callee.value
        if value is routines.happens:
            self.happens(node.value, targets, frame)
        elif value is routines.allocate:
            self.allocate(node.value, targets, frame)
        elif value is routines.free:
            self.free(node.value, frame)
        elif isinstance(value, Routine):
            receiver = callee.receiver
            if receiver is not None:
                self._refuse_bare_lock(node.value, receiver, value, frame)
                if awaits(node.value):  # in an argument: the receiver is read before it
                    receiver = self.materialize(receiver, "receiver", frame)
            args, kwargs = self.arguments(node.value, frame)
            self.inline(node.value, value, receiver, args, kwargs, targets, frame)
        else:
            raise frame.error(
                node,
                f"`{ast.unparse(node.value.func)}` is neither a procedure nor a primitive",
                "declare it with @procedure or @primitive",
            )

    def _refuse_bare_lock(
        self, node: ast.Call, receiver: Expr, routine: Routine[..., Any], frame: Inlined
    ) -> None:
        """Refuse to lock or unlock without a locker: nobody would know any more what is held."""
        cls = receiver.type.cls
        if cls is None or not hasattr(cls, "__aenter__"):
            return
        if routine in (inspect.getattr_static(cls, n, None) for n in ("lock", "unlock")):
            raise frame.error(
                node,
                f"`{ast.unparse(node)}` is not done by a locker",
                "write `async with ….lock as locker:`, and locker.unlock() or locker.lock() in it",
            )

    def _locker_call(self, node: ast.Call, frame: Inlined) -> bool:
        """`locker.unlock()` and `locker.lock()` of an enclosing `async with`."""
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr="unlock" | "lock" as action):
                if name not in frame.locker_names:
                    return False
                lock = frame.locker_names[name]
                if (lock in self.flow.held) is (action == "lock"):
                    state = "already held" if action == "lock" else "not held"
                    raise frame.error(node, f"the lock is {state} here", f"drop this {action}")
                self.change_lock(node, lock, action, frame)
                return True
        return False

    def change_lock(self, node: ast.AST, lock: Expr, action: str, frame: Inlined) -> None:
        """Lock or unlock `lock`."""
        cls = lock.type.cls
        assert cls is not None
        routine = inspect.getattr_static(cls, action)
        call = node if isinstance(node, ast.Call) else ast.Call(ast.Name(action), [], [])
        self.inline(call, routine, lock, [], {}, None, frame)
        self.flow.held = self.flow.held | {lock} if action == "lock" else self.flow.held - {lock}

    def inline(
        self,
        node: ast.Call,
        original: Routine[..., Any],
        receiver: Expr | None,
        args: list[Expr],
        kwargs: dict[str, Expr],
        targets: list[Var] | None,
        frame: Inlined | None,
    ) -> None:
        """Inline a routine, after the driver's replacements."""
        routine = self.system.substitution.resolve(original)
        given = [receiver, *args] if receiver is not None else args
        if isinstance(routine, Procedure):
            self._inline_procedure(node, routine, given, kwargs, targets, frame)
        elif isinstance(routine, Primitive) and frame is not None:
            self._inline_primitive(node, routine, receiver, given, kwargs, targets, frame)

    def _inline_procedure(
        self,
        node: ast.Call,
        routine: Procedure[..., Any],
        args: list[Expr],
        kwargs: dict[str, Expr],
        targets: list[Var] | None,
        frame: Inlined | None,
    ) -> None:
        text = text_of(routine.function)
        outer = frame
        while outer is not None:
            if outer.text is text:
                raise outer.error(node, f"{routine.name} calls itself", "write a loop")
            outer = outer.parent
        self.texts.add(text)
        inner = Inlined(text, routine.source, frame, targets, indivisible=False)
        named = {k: self._kept(inner, k, v) for k, v in kwargs.items()}
        self._bind(inner, args, named, routine.function)
        self.block(text.tree.body, inner)
        self.return_none(inner)
        self.flow.place(inner.exit, inner.where)

    def _inline_primitive(
        self,
        node: ast.Call,
        routine: Primitive[..., Any],
        receiver: Expr | None,
        args: list[Expr],
        kwargs: dict[str, Expr],
        targets: list[Var] | None,
        frame: Inlined,
    ) -> None:
        function = routine.function
        if self.reduced and routine.reduced is not None:
            function = routine.reduced
        args = [self.materialize(a, "argument", frame) for a in args]
        kwargs = {k: self.materialize(v, k, frame) for k, v in kwargs.items()}
        location = self.new_location(
            LocationKind.PRIMITIVE,
            self.describe(node, receiver, routine.name),
            frame.stack(),
            left_mover=routine.left_mover,
        )
        self.flow.arrive(location)
        self.flow.start(location)
        self.texts.add(text_of(function))
        inner = Inlined(text_of(function), routine.source, frame, targets, indivisible=True)
        self._bind(inner, args, kwargs, function)
        self.block(inner.text.tree.body, inner)
        self.return_none(inner)
        self.flow.place(inner.exit, frame.where)

    def _bind(
        self,
        inner: Inlined,
        args: list[Expr],
        kwargs: dict[str, Expr],
        function: Callable[..., Any],
    ) -> None:
        """Give a routine's parameters their values."""
        signature = _signature(function)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            at = inner.parent or inner
            raise LanguageError(
                at.where, f"{inner.text.name}: {error}", "pass what it takes"
            ) from None
        hints = _hints(function)
        for name, parameter in signature.parameters.items():
            if name in bound.arguments:
                value = bound.arguments[name]
            else:
                value = constant(parameter.default)
            declared = type_of_annotation(hints.get(name, Any), self.system.substitution)
            kept = self._kept(inner, name, value)
            if isinstance(kept, Local):
                _narrow(kept.var, declared)
            if inner.text.assignments[name] == 0:
                inner.names[name] = kept
                if isinstance(kept, Local) and kept != value and never_changes(value):
                    self.same_as[kept.var] = value
            else:
                inner.variable(name).type = declared
                self.assign(inner.variable(name), kept, inner)

    def _kept(self, inner: Inlined, name: str, value: Expr) -> Expr:
        """An argument as a constant, a part of one, or a variable of its own.

        `x = await f(x)` sets x before f has left its lockers, so that f needs its own.
        """
        targets = inner.targets or ()
        if any(
            isinstance(e, Load) or (isinstance(e, Local) and e.var in targets) for e in walk(value)
        ):
            return Local(self.assign_new(name, value, inner))
        return value

    # Implemented by the class that knows statements.
    def block(self, body: list[ast.stmt], frame: Inlined) -> None:
        raise NotImplementedError

    def return_none(self, frame: Inlined) -> None:
        raise NotImplementedError

    def result_type(self, frame: Inlined) -> ValueType:
        raise NotImplementedError


# Functions of Python which are operators of the language, with how many operands they have.
_OPERATORS: dict[Callable[..., Any], int] = {len: 1, bool: 1, min: 2, max: 2, routines.without: 2}


def _narrow(var: Var, declared: ValueType) -> None:
    """Give a variable the more exact type under which it is passed on."""
    known, wanted = var.type.cls, declared.cls
    if declared.name == "ref" and (known is None or (wanted and issubclass(wanted, known))):
        var.type = declared


_signature = functools.cache(inspect.signature)


@functools.cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(inspect.get_annotations(function, eval_str=True))
    except NameError:
        return {}
