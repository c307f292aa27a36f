"""Compiling one thread: its calls one after the other, then what is live where."""

from __future__ import annotations

import ast

from haiku_tuntap.model.language.compiler.frames import Inlined
from haiku_tuntap.model.language.compiler.liveness import mark_live
from haiku_tuntap.model.language.compiler.statements import Statements
from haiku_tuntap.model.language.compiler.types import constant
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.language.graph import ANY, LocationKind, ThreadGraph, ValueType
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.routines import Procedure
from haiku_tuntap.model.language.system import System


class ThreadCompiler(Statements):
    """Compiles the program of one thread to its graph."""

    def compile(self) -> ThreadGraph:
        for index, call in enumerate(self.spec.calls):
            routine = self.system.substitution.resolve(call.procedure)
            assert isinstance(routine, Procedure)
            self.call_index = index
            self.entry_name = None if self.spec.service else routine.call or routine.name
            kind = LocationKind.RESUMED if self.spec.service else LocationKind.CALL
            location = self.new_location(kind, f"begin {routine.name}", ())
            self.flow.arrive(location)
            self.flow.start(location)
            args = [constant(a) for a in call.args]
            node = ast.Call(ast.Name(routine.name), [], [])
            self.inline(node, routine, None, list(args), {}, None, None)
        self.call_index, self.entry_name = None, None
        self.flow.arrive(self.new_location(LocationKind.DONE, "done", ()))
        mark_live(self.locations)
        for var in self.locations[0].live:
            raise LanguageError(
                None,
                f"{var.name} in {var.routine} may be read before it is assigned",
                "assign it on every path",
            )
        texts = frozenset(text.normal_form for text in self.texts)
        return ThreadGraph(self.spec.name, self.spec.service, self.locations, texts)

    def result_type(self, frame: Inlined) -> ValueType:
        """The type that a primitive says it returns."""
        returns = frame.text.tree.returns
        return ANY if returns is None else self.annotation(returns, frame)


def compile_threads(
    system: System, instances: Instances, *, reduced: bool = False
) -> list[ThreadGraph]:
    """The step graphs of all threads of a system.

    Raises LanguageError for a text that is outside the language.
    """
    graphs: list[ThreadGraph] = []
    while len(graphs) < len(system.threads):
        known = len(instances.pooled_classes)
        compiler = ThreadCompiler(system, instances, len(graphs), reduced=reduced)
        graphs.append(compiler.compile())
        if len(instances.pooled_classes) != known:
            graphs.clear()  # a class turned out to be freed: its uses must be checked, too
    return graphs
