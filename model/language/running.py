"""Running: the text of a system driven directly by a scheduler.

The same procedures that the compiler turns into step graphs are coroutines, and can simply be
run. A scheduler picks a thread; that thread takes one *step*: it performs the operation at which
it stands, without interruption, and goes on to the next one.

    running = Running(scenario.build(driver))     # a fresh system: its records will be changed
    running.choices(0)                            # ("",): thread 0 can step, in one way
    running.step(0)
    running.frames(0)                             # where it stands now, outermost routine first

A thread stands where it stands in the step graph (see graph.py): about to begin a call, about to
perform a primitive, asleep, woken and about to go on, or done. `happens`, an `allocate` that may
fail and `free` are operations like primitives; the first two have several outcomes, in the order
in which the graph lists them. The primitives' full bodies run, never those for the reduced search.

What only the compiler does: it refuses texts outside the language, and it checks every access to
a record of a pool. Here a second `free` is reported, but to touch a record that was freed, or was
never allocated, goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Coroutine
from random import Random
from types import CodeType
from typing import Any

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.compiler.texts import text_of
from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.model.language.graph import LIFE, Frame, Life, LocationKind
from haiku_tuntap.model.language.instances import Instances
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.model.language.routines import (
    ALLOCATE,
    BLOCK,
    FREE,
    HAPPENS,
    RETRY,
    Chance,
    Event,
    Machine,
    Procedure,
    Request,
    machine,
    observers,
)
from haiku_tuntap.model.language.system import System, ThreadSpec
from haiku_tuntap.model.language.threads import Thread


@frozen
class Reported:
    """A violation that a step reported; a fatal one ends the run."""

    code: str
    text: str
    fatal: bool = False


class _Fatal(Exception):
    """Unwinds the step that reported a fatal violation."""


@define(eq=False)
class _RunningThread:
    """One thread: where it stands, and its coroutine while it is inside a call."""

    index: int
    spec: ThreadSpec
    calls_begun: int = 0
    kind: LocationKind = field(init=False)
    coroutine: Coroutine[Any, Any, Any] | None = None
    request: Request | None = None
    result: Any = None

    def __attrs_post_init__(self) -> None:
        self.wait_for_call()

    def wait_for_call(self) -> None:
        """Stand before the next call, or be done."""
        self.coroutine = None
        if self.calls_begun == len(self.spec.calls):
            self.kind = LocationKind.DONE
        elif self.spec.service:
            self.kind = LocationKind.RESUMED
        else:
            self.kind = LocationKind.CALL


@define(eq=False)
class Running(Machine):
    """A system that runs, one step at a time. See the module's essay.

    `violations` and `marks` are what the steps have reported so far; `schedule` is the steps
    taken, as (thread, choice); `over` says that a fatal violation has ended the run.
    """

    system: System
    instances: Instances = field(init=False)
    violations: list[Reported] = Factory(list)
    marks: set[str] = Factory(set)
    schedule: list[tuple[int, int]] = Factory(list)
    over: bool = False
    _threads: list[_RunningThread] = field(init=False)
    _stepping: _RunningThread = field(init=False)
    _life: dict[int, Life] = field(init=False, factory=dict)
    _fields: list[tuple[int, Any, str]] = field(init=False, factory=list)
    _procedures: dict[CodeType, Procedure[..., Any]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.instances = Instances(self.system)
        self._threads = [_RunningThread(i, spec) for i, spec in enumerate(self.system.threads)]
        for instance in self.instances.all:
            if instance.parent is None:
                self._life[instance.number] = Life.UNUSED if instance.from_pool else Life.ALIVE
            for name, declared in fields_of(instance.cls).items():
                if declared.kind is not FieldKind.PART:
                    self._fields.append((instance.number, instance.object, name))

    # --- scheduling ---------------------------------------------------------------------------

    def choices(self, thread: int) -> tuple[str, ...]:
        """The ways in which a thread can step; none if it sleeps or is done."""
        running = self._threads[thread]
        if self.over or running.kind in (LocationKind.BLOCKED, LocationKind.DONE):
            return ()
        if running.kind is LocationKind.PRIMITIVE and running.request is not None:
            return self._outcomes(running.request)
        return ("",)

    def step(self, thread: int, choice: int = 0) -> None:
        """Let a thread perform what it stands at, and run on to its next operation."""
        names = self.choices(thread)
        if choice not in range(len(names)):
            name = self._threads[thread].spec.name
            raise ValueError(f"{name} has no choice {choice} here; it has {len(names)}")
        self._stepping = self._threads[thread]
        self.schedule.append((thread, choice))
        token = machine.set(self)
        try:
            self._perform_and_go_on(self._stepping, names[choice])
        except _Fatal:
            self.over = True
        finally:
            machine.reset(token)

    def _perform_and_go_on(self, thread: _RunningThread, choice: str) -> None:
        value = None
        if thread.coroutine is None:
            call = thread.spec.calls[thread.calls_begun]
            thread.calls_begun += 1
            assert isinstance(call.procedure, Procedure)
            thread.coroutine = call.procedure(*call.args)
        elif thread.kind is LocationKind.RESUMED:
            value = thread.result
            thread.result = None
        else:
            assert thread.request is not None
            value = self._perform(thread.request, choice)
            if value is BLOCK:
                thread.kind = LocationKind.BLOCKED
                return
        try:
            thread.request = thread.coroutine.send(value)
            thread.kind = LocationKind.PRIMITIVE
        except StopIteration:
            thread.wait_for_call()
        except AssertionError as error:
            self._fatal("assertion", str(error))

    # --- operations ---------------------------------------------------------------------------

    def _outcomes(self, request: Request) -> tuple[str, ...]:
        if request.routine is HAPPENS:
            name = request.args[0].name
            return (f"no {name}", name)
        if request.routine is ALLOCATE:
            chance = request.args[1]
            if chance is not None and self.may_happen(chance):
                return (chance.name, f"no {chance.name}")
        return ("",)

    def _perform(self, request: Request, choice: str) -> Any:
        if request.routine is HAPPENS:
            return choice == request.args[0].name
        if request.routine is ALLOCATE:
            cls, chance, fields = request.args
            if chance is not None and choice == chance.name:
                return None
            return self._allocate(self.resolve(cls), fields)
        if request.routine is FREE:
            return self._free(request.args[0])
        result = request.routine.function(*request.args, **request.kwargs)
        if result is RETRY:
            raise RuntimeError(f"{request.routine.name}: only a reduced body may return RETRY")
        return result

    def _allocate(self, cls: type, fields: dict[str, Any]) -> Any:
        pool = self.instances.pools.get((self._stepping.index, cls), [])
        for instance in pool:
            if self._life[instance.number] is Life.UNUSED:
                self._life[instance.number] = Life.ALIVE
                for name, value in fields.items():
                    setattr(instance.object, name, value)
                return instance.object
        return self._fatal(
            "pool-exhausted",
            f"the pool of {self._stepping.spec.name} holds {len(pool)} {cls.__name__}; the "
            "scenario needs a larger one",
        )

    def _free(self, record: object) -> None:
        number = self.instances.number(record)
        if self._life.get(number) is not Life.ALIVE:
            name = type(record).__name__
            self._fatal("memory", f"free of {name} of a record that is not allocated")
        self._life[number] = Life.FREED

    def _fatal(self, code: str, text: str) -> Any:
        self.violations.append(Reported(code, text, fatal=True))
        raise _Fatal

    # --- what routines ask of the machine -----------------------------------------------------

    def resolve(self, routine: Any) -> Any:
        found = self.system.substitution.resolve(routine)
        if isinstance(found, Procedure):
            self._procedures[found.function.__code__] = found
        return found

    def current_thread(self) -> Thread:
        return self._stepping.spec.thread

    def wake(self, thread: Thread, result: Any) -> None:
        woken = next(t for t in self._threads if t.spec.thread is thread)
        if woken.kind is not LocationKind.BLOCKED:
            raise RuntimeError(f"{woken.spec.name} is woken, but does not sleep")
        woken.kind = LocationKind.RESUMED
        woken.result = result

    def emit(self, event: Event[Any], args: tuple[Any, ...]) -> None:
        for monitor in self.system.monitors:
            for observed, function in observers(monitor):
                if observed is event:
                    function(monitor, *args)

    def violated(self, code: str, text: str) -> None:
        self.violations.append(Reported(code, text))

    def reached(self, mark: str) -> None:
        self.marks.add(mark)

    def may_happen(self, chance: Chance) -> bool:
        return chance in self.system.chances

    # --- looking at the state -----------------------------------------------------------------

    def kind(self, thread: int) -> LocationKind:
        """Why the thread stands where it stands."""
        return self._threads[thread].kind

    def result(self, thread: int) -> Any:
        """What the thread was woken with; None when it was not."""
        return self._threads[thread].result

    def pending(self, thread: int) -> str | None:
        """The name of the primitive that the thread performs next, or sleeps in."""
        running = self._threads[thread]
        inside = running.coroutine is not None and running.request is not None
        return running.request.routine.name if inside and running.request else None

    def frames(self, thread: int) -> tuple[Frame, ...]:
        """The thread's call stack, outermost first; empty between calls.

        While a locker unlocks because its block ends, Python stands at the line of `async with`,
        and the step graph at the line from which the block was left.
        """
        made = []
        for procedure, frame in self._procedure_frames(thread):
            text = text_of(procedure.function)
            where = Where(text.file, frame.f_lineno)
            cpp_line = text.cpp_lines.get(frame.f_lineno)
            made.append(Frame(text.name, where, procedure.source, cpp_line))
        return tuple(made)

    def local_variables(self, thread: int) -> list[tuple[str, dict[str, Any]]]:
        """The local variables of each routine in `frames`, by the routine's name."""
        return [
            (procedure.name, dict(frame.f_locals))
            for procedure, frame in self._procedure_frames(thread)
        ]

    def _procedure_frames(self, thread: int) -> list[tuple[Procedure[..., Any], Any]]:
        """The frames of procedures in a chain of awaits; those of the language are left out."""
        found = []
        awaited: Any = self._threads[thread].coroutine
        while awaited is not None and hasattr(awaited, "cr_frame"):
            frame = awaited.cr_frame
            if frame is not None and frame.f_code in self._procedures:
                found.append((self._procedures[frame.f_code], frame))
            awaited = awaited.cr_await
        return found

    def fields(self) -> dict[tuple[int, str], Any]:
        """All fields of all records, by (number of the record, name), with references numbered."""
        made: dict[tuple[int, str], Any] = {(n, LIFE): int(x) for n, x in self._life.items()}
        for number, record, name in self._fields:
            made[(number, name)] = self.encode(getattr(record, name))
        return made

    def encode(self, value: Any) -> Any:
        """A value as a state of the compiled model stores it."""
        if isinstance(value, str):
            return value  # a thread's name
        if isinstance(value, tuple):
            return tuple(self.encode(v) for v in value)
        if isinstance(value, int):
            return int(value)
        return self.instances.number(value)


def random_run(system: System, rng: Random, max_steps: int) -> Running:
    """Run a fresh system until nobody can step, or for `max_steps`; each step drawn evenly."""
    running = Running(system)
    threads = range(len(system.threads))
    while len(running.schedule) < max_steps:
        enabled = [(t, c) for t in threads for c in range(len(running.choices(t)))]
        if not enabled:
            break
        running.step(*rng.choice(enabled))
    return running
