"""What all parts of the compiler of one thread share: the graph so far, and new locations."""

from __future__ import annotations

import ast

from haiku_tuntap.model.language.compiler.flow import Flow
from haiku_tuntap.model.language.compiler.frames import Inlined
from haiku_tuntap.model.language.compiler.texts import Text
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.language.graph import (
    Assign,
    Const,
    Expr,
    Frame,
    Local,
    Location,
    LocationKind,
    Part,
    Var,
    walk,
)
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.system import System, ThreadSpec


class ThreadBase:
    """The state of compiling one thread's program.

    `reduced` asks for the bodies which primitives declare for the reduced search.
    """

    def __init__(self, system: System, instances: Instances, index: int, *, reduced: bool) -> None:
        self.system = system
        self.instances = instances
        self.index = index
        self.reduced = reduced
        self.flow = Flow()
        self.locations: list[Location] = []
        self.texts: set[Text] = set()
        self.call_index: int | None = None
        self.entry_name: str | None = None
        self.same_as: dict[Var, Expr] = {}  # what a parameter was given, where that never changes

    @property
    def spec(self) -> ThreadSpec:
        return self.system.threads[self.index]

    def new_location(
        self, kind: LocationKind, label: str, stack: tuple[Frame, ...], *, left_mover: bool = False
    ) -> Location:
        made = Location(
            number=len(self.locations),
            kind=kind,
            label=label,
            stack=stack,
            call=self.call_index,
            entry_name=self.entry_name,
            left_mover=left_mover,
        )
        self.locations.append(made)
        return made

    def assign(self, var: Var, expr: Expr, frame: Inlined) -> None:
        """Emit an assignment; the variable takes the type of the first value that has one."""
        if any(
            isinstance(e, Local) and e.var is var for lock in self.flow.held for e in walk(lock)
        ):
            raise LanguageError(
                frame.where,
                f"{var.name} is assigned while a lock is held that was taken through it",
                "use another local",
            )
        if var.type.name in ("any", "none") or (var.type.name == "seq" and var.type.cls is None):
            var.type = expr.type
        self.flow.emit(Assign(var, expr, where=frame.where))

    def assign_new(self, name: str, expr: Expr, frame: Inlined) -> Var:
        """A fresh variable with the value of `expr`."""
        var = Var(name, frame.text.name)
        self.assign(var, expr, frame)
        return var

    def describe(self, node: ast.AST, receiver: Expr | None, name: str) -> str:
        """What a location says it is about to do: `acquire(send_queue.notify)`."""
        if receiver is None:
            return ast.unparse(node)
        return f"{name}({self.name_of(receiver, node)})"

    def name_of(self, expr: Expr, node: ast.AST) -> str:
        """A record's name for people."""
        if isinstance(expr, Const) and id(expr.value) in self.instances.by_object:
            return self.instances.of(expr.value).name
        if isinstance(expr, Part):
            return f"{self.name_of(expr.ref, node)}.{expr.name}"
        if isinstance(expr, Local):
            return expr.var.name
        return ast.unparse(node)
