"""Procedures and primitives: the two kinds of code in the language.

A *procedure* is an `async def`. Whenever it awaits, other threads may run; between two awaits
nobody else does. It reads like the C++ which it mirrors, and carries its place there:

    @procedure(source="network/stack/utility.cpp:208-213")
    async def fifo_enqueue_buffer(fifo: NetFifo, buffer: NetBuffer) -> Status:
        async with fifo.lock:
            return await base_fifo_enqueue_buffer(fifo, buffer)

A *primitive* is a plain `def`: its whole body is one indivisible step, and awaiting it is a
scheduling point. Mutexes, semaphores and atomics are written as primitives:

    @primitive(source="kernel/sem.cpp:711")
    def acquire(self, *, interruptible: bool = False) -> Status:
        ...
        self.waiters = (*self.waiters, current_thread())
        return BLOCK                    # the thread sleeps until somebody calls wake(thread, …)

Neither is a bare function, because a driver that derives from another may replace any of them;
a call asks the running machine (or the compiler) which text to take. Names in a module that end
in a call are thus late-bound, like virtual methods.

An *observer* is the body of a property's monitor. It runs inside the step that emits an `Event`,
touches only its own record, and cannot change what the system does.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Never, ParamSpec, TypeVar, overload

from attrs import frozen

if TYPE_CHECKING:
    from haiku_tuntap.model.language.threads import Thread

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class _Sentinel:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


# What a primitive returns instead of a result. BLOCK: the calling thread sleeps until `wake`.
# RETRY: the primitive cannot run now and has changed nothing (only in reductions).
# (Never, so that a primitive of any result type may return them.)
BLOCK: Never = _Sentinel("BLOCK")  # type: ignore[assignment]
RETRY: Never = _Sentinel("RETRY")  # type: ignore[assignment]


class Machine:
    """What executes routines; the running scheduler implements it."""

    def resolve(self, routine: Any) -> Any:
        """The text to run for `routine`, after the driver's replacements."""
        raise NotImplementedError

    def current_thread(self) -> Thread:
        raise NotImplementedError

    def wake(self, thread: Thread, result: Any) -> None:
        raise NotImplementedError

    def emit(self, event: Event[Any], args: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def violated(self, code: str, text: str) -> None:
        raise NotImplementedError

    def reached(self, mark: str) -> None:
        raise NotImplementedError

    def may_happen(self, chance: Chance) -> bool:
        """Whether the scenario lets `chance` happen."""
        raise NotImplementedError


machine: ContextVar[Machine] = ContextVar("machine")


@frozen
class Request:
    """What a coroutine yields to the scheduler: one indivisible operation to perform."""

    routine: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __await__(self) -> Generator[Request, Any, Any]:
        return (yield self)


class Routine(Generic[P, R]):
    """A procedure or a primitive, with its place in Haiku's source."""

    def __init__(self, function: Callable[..., Any], source: str | None) -> None:
        self.function = function
        self.source = source
        self.name: str = function.__name__
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.function.__qualname__}>"


class Procedure(Routine[P, R]):
    """An `async def` whose awaits are scheduling points. See the module's essay."""

    def __init__(self, function: Callable[..., Any], source: str | None, call: str | None) -> None:
        super().__init__(function, source)
        self.call = call

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        text = machine.get().resolve(self)
        made: Coroutine[Any, Any, R] = text.function(*args, **kwargs)
        return made

    @overload
    def __get__(self, instance: None, owner: type) -> Procedure[P, R]: ...
    @overload
    def __get__(
        self: Procedure[Concatenate[S, Q], R], instance: S, owner: type
    ) -> Callable[Q, Coroutine[Any, Any, R]]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else Bound(self, instance)


class Primitive(Routine[P, R]):
    """A `def` that is one indivisible step. See the module's essay."""

    def __init__(self, function: Callable[..., Any], source: str | None) -> None:
        super().__init__(function, source)
        self.reduced: Callable[..., Any] | None = None
        self.left_mover = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        return Request(machine.get().resolve(self), args, kwargs)

    @overload
    def __get__(self, instance: None, owner: type) -> Primitive[P, R]: ...
    @overload
    def __get__(
        self: Primitive[Concatenate[S, Q], R], instance: S, owner: type
    ) -> Callable[Q, Awaitable[R]]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else Bound(self, instance)

    def reduced_to(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Declare the body that the reduced search may use; say there why it is equivalent."""
        self.reduced = function
        return function


@frozen
class Bound:
    """A routine that was looked up on a record: `fifo.lock.acquire`."""

    routine: Any
    receiver: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.routine(self.receiver, *args, **kwargs)


def procedure(
    *, source: str | None = None, call: str | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Procedure[P, R]]:
    """Declare a procedure.

    `source` is its place in Haiku (`file:first-last`). `call` makes it an entry from outside,
    under that name ("read", "close", …): a thread inside it has a pending call.
    """
    return lambda function: Procedure(function, source, call)


def primitive(
    *, source: str | None = None, left_mover: bool = False
) -> Callable[[Callable[P, R]], Primitive[P, R]]:
    """Declare a primitive; a left mover commutes to the left of other threads' steps."""

    def declare(function: Callable[P, R]) -> Primitive[P, R]:
        made: Primitive[P, R] = Primitive(function, source)
        made.left_mover = left_mover
        return made

    return declare


@frozen(eq=False)
class Event(Generic[P]):
    """Something that happened in a step, which observers may want to hear of.

    Emitted by calling it; says in `doc` when, and with which arguments.
    """

    name: str
    doc: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        machine.get().emit(self, args)


def observes(event: Event[P]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a method of a monitor the observer of `event`; it gets the event's arguments."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        function.observed_event = event  # type: ignore[attr-defined]  # our own mark
        return function

    return declare


def observers(monitor: object) -> Iterator[tuple[Event[Any], Callable[..., None]]]:
    """The events that `monitor` observes, with the functions that do."""
    cls: type = type(monitor)
    yield from _observers(cls)


@functools.cache
def _observers(cls: type) -> list[tuple[Event[Any], Callable[..., None]]]:
    functions = [getattr(cls, name) for name in dir(cls)]
    return [(f.observed_event, f) for f in functions if hasattr(f, "observed_event")]


def static(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a method whose arguments and result are the same in all states: computed once."""
    function.is_static = True  # type: ignore[attr-defined]  # our own mark
    return function


@frozen(eq=False)
class Chance:
    """Something that may go wrong, if the scenario lets it: `if await happens(chance)`."""

    name: str
    doc: str


HAPPENS: Primitive[[Chance], bool] = Primitive(lambda chance: None, None)
ALLOCATE: Primitive[..., Any] = Primitive(lambda cls, may_fail, fields: None, None)
FREE: Primitive[[Any], None] = Primitive(lambda record: None, None)


async def happens(chance: Chance) -> bool:
    """Whether `chance` happens: both are tried if the scenario lets it, else never."""
    if not machine.get().may_happen(chance):
        return False
    answer: bool = await Request(HAPPENS, (chance,), {})
    return answer


async def allocate(cls: type[T], may_fail: Chance | None = None, **fields: Any) -> T | None:
    """Take a record from the calling thread's pool and set its fields; None if `may_fail` happens.

    A record that was freed is never handed out again, so that a stale reference is always caught.
    """
    made: T | None = await Request(ALLOCATE, (cls, may_fail, fields), {})
    return made


async def free(record: object) -> None:
    """Give a record back. To free it twice, or to touch it afterwards, is a violation."""
    await Request(FREE, (record,), {})


def current_thread() -> Thread:
    """The thread whose step this is."""
    return machine.get().current_thread()


def wake(thread: Thread, result: Any) -> None:
    """Let a thread that returned BLOCK go on; its await gives `result`."""
    machine.get().wake(thread, result)


def without(sequence: tuple[T, ...], element: T) -> tuple[T, ...]:
    """The sequence without (every occurrence of) `element`."""
    return tuple(e for e in sequence if e is not element)


def violated(code: str, text: str) -> None:
    """Report that a property was violated in this step; the search notes it and goes on."""
    machine.get().violated(code, text)


def reached(mark: str) -> None:
    """Report that an interesting situation was reached: a witness that a check is not vacuous."""
    machine.get().reached(mark)
