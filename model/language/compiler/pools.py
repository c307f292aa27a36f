"""Records that are allocated and freed, and things that may go wrong."""

from __future__ import annotations

import ast

from haiku_tuntap.model.language.compiler.expressions import Expressions
from haiku_tuntap.model.language.compiler.flow import Label
from haiku_tuntap.model.language.compiler.frames import Inlined
from haiku_tuntap.model.language.compiler.operators import apply
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.graph import (
    INT,
    LIFE,
    Branch,
    Const,
    Expr,
    Life,
    Load,
    LocationKind,
    Reach,
    Store,
    Var,
    Violation,
)
from haiku_tuntap.model.language.routines import Chance


class Pools(Expressions):
    """Compiles allocation, freeing and chances in one thread's program."""

    def arguments(self, node: ast.Call, frame: Inlined) -> tuple[list[Expr], dict[str, Expr]]:
        """The arguments, evaluated left to right."""
        names = [k.arg for k in node.keywords]
        if None in names or any(isinstance(a, ast.Starred) for a in node.args):
            raise frame.error(node, "* and ** in a call are outside the language", "list them")
        values = self._operands([*node.args, *(k.value for k in node.keywords)], frame)
        positional = values[: len(node.args)]
        return positional, dict(zip((n for n in names if n), values[len(node.args) :], strict=True))

    def happens(self, node: ast.Call, targets: list[Var] | None, frame: Inlined) -> None:
        """`await happens(chance)`: a choice if the scenario lets it happen, else False."""
        args, _ = self.arguments(node, frame)
        chance = args[0].value if isinstance(args[0], Const) else None
        if not isinstance(chance, Chance):
            raise frame.error(node, "happens() takes a Chance", "declare it: Chance(name, doc)")
        if chance not in self.system.chances:
            self.set_targets(constant(False), targets, frame)
            return
        self._choose(chance, f"{chance.name}?", targets, constant(True), constant(False), frame)

    def _choose(
        self,
        chance: Chance,
        label: str,
        targets: list[Var] | None,
        if_it_does: Expr,
        if_not: Expr,
        frame: Inlined,
    ) -> None:
        location = self.new_location(LocationKind.PRIMITIVE, label, frame.stack())
        self.flow.arrive(location)
        done = Label()
        for expr, choice in ((if_not, f"no {chance.name}"), (if_it_does, chance.name)):
            self.flow.start(location, choice)
            self.set_targets(expr, targets, frame)
            self.flow.jump(done, frame.where)
        self.flow.place(done, frame.where)

    def allocate(self, node: ast.Call, targets: list[Var] | None, frame: Inlined) -> None:
        """`await allocate(cls, …)`: the first record of the thread's pool that was never used."""
        args, fields = self.arguments(node, frame)
        if not isinstance(args[0], Const) or not isinstance(args[0].value, type):
            raise frame.error(node, "allocate() takes a record class", "name the class")
        cls = self.system.substitution.resolve(args[0].value)
        chance = fields.pop("may_fail", args[1] if len(args) > 1 else constant(None))
        fields = {k: self.materialize(v, k, frame) for k, v in fields.items()}
        location = self.new_location(
            LocationKind.PRIMITIVE, f"allocate({cls.__name__})", frame.stack()
        )
        self.flow.arrive(location)
        done = Label()
        if isinstance(chance, Const) and chance.value in self.system.chances:
            self.flow.start(location, chance.value.name)
            self.set_targets(constant(None), targets, frame)
            self.flow.jump(done, frame.where)
            self.flow.start(location, f"no {chance.value.name}")
        else:
            self.flow.start(location)
        pool = self.instances.pools.get((self.index, cls), [])
        for instance in pool:
            here, further = Label(), Label()
            record = constant(instance.object)
            life = Load(record, cls, LIFE, INT)
            self.flow.branch(
                Branch(apply("eq", [life, constant(int(Life.UNUSED))]), where=frame.where),
                here,
                further,
                frame.where,
            )
            self.flow.place(here, frame.where)
            self.flow.emit(Store(record, cls, LIFE, constant(int(Life.ALIVE)), where=frame.where))
            for name, value in fields.items():
                self.flow.emit(Store(record, cls, name, value, where=frame.where))
            self.set_targets(record, targets, frame)
            self.flow.jump(done, frame.where)
            self.flow.place(further, frame.where)
        self.flow.emit(
            Violation(
                "pool-exhausted",
                f"the pool of {self.spec.name} holds {len(pool)} {cls.__name__}; the scenario "
                "needs a larger one",
                fatal=True,
                where=frame.where,
            )
        )
        self.flow.ends = []
        self.flow.place(done, frame.where)

    def free(self, node: ast.Call, frame: Inlined) -> None:
        """`await free(record)`: it must be allocated, and is not any more."""
        args, _ = self.arguments(node, frame)
        record = self.materialize(args[0], "freed", frame)
        cls = record.type.cls
        if cls is None:
            raise frame.error(node, "free() takes a record", "annotate the local with its class")
        self.instances.pooled_classes.add(cls)
        location = self.new_location(
            LocationKind.PRIMITIVE, f"free({self.name_of(record, node)})", frame.stack()
        )
        self.flow.arrive(location)
        self.flow.start(location)
        self.check_alive(record, f"free of {cls.__name__}", frame)
        self.flow.emit(Store(record, cls, LIFE, constant(int(Life.FREED)), where=frame.where))
        self.flow.emit(Reach("a record was freed", where=frame.where))

    # Implemented by the class that knows statements.
    def set_targets(self, expr: Expr, targets: list[Var] | None, frame: Inlined) -> None:
        raise NotImplementedError
