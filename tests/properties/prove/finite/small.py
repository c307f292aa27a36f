"""Random small systems of threads, locks and semaphores, written in the language.

A system is two or three threads that each call a procedure of a few statements on one record. The
procedures are drawn as text, so that everything from the compiler on is tried.
"""

from __future__ import annotations

import itertools
import linecache
import textwrap
from collections.abc import Iterator

from attrs import frozen
from hypothesis import strategies as st

from haiku_tuntap.model.kernel.atomic import Unguarded
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.language import (
    Procedure,
    System,
    ThreadSpec,
    call,
    guarded_by,
    part,
    procedure,
    record,
)
from haiku_tuntap.model.status import B_INTERRUPTED, B_OK
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Property


@record
class Shared:
    """What the threads share."""

    first: Mutex = part(factory=Mutex)
    second: Mutex = part(factory=Mutex)
    ready: Semaphore = part(factory=Semaphore)
    space: Semaphore = part(factory=Semaphore)
    x: Unguarded = part(factory=Unguarded)
    count: int = guarded_by("first", default=0)


# --- procedures ----------------------------------------------------------------------------------

_SEMAPHORE = st.sampled_from(["ready", "space"])

_SIMPLE = st.one_of(
    _SEMAPHORE.map(lambda name: [f"await shared.{name}.acquire()"]),
    _SEMAPHORE.map(lambda name: [f"await shared.{name}.release()"]),
    st.just(["await shared.ready.release_all(B_INTERRUPTED)"]),
    st.sampled_from([0, 1, 2]).map(lambda value: [f"await shared.x.store({value})"]),
    st.sampled_from([0, 1]).map(lambda value: [f"assert await shared.x.load() == {value}"]),
)


def _indented(head: str, body: list[list[str]]) -> list[str]:
    return [head, *(f"    {line}" for statement in body for line in statement)]


_COUNTING = st.sampled_from(["shared.count += 1", "shared.count = 0"]).map(lambda text: [text])

_UNDER_FIRST = st.lists(st.one_of(_COUNTING, _SIMPLE), min_size=1, max_size=2).map(
    lambda body: _indented("async with shared.first:", body)
)
_UNDER_SECOND = st.lists(st.one_of(_SIMPLE, _UNDER_FIRST), min_size=1, max_size=1).map(
    lambda body: _indented("async with shared.second:", body)
)
_NESTED = st.lists(_SIMPLE, min_size=1, max_size=1).map(
    lambda body: _indented(
        "async with shared.first:", [_indented("async with shared.second:", body)]
    )
)
_IF_X = st.tuples(st.sampled_from([0, 1]), _SIMPLE).map(
    lambda drawn: _indented(f"if await shared.x.load() == {drawn[0]}:", [drawn[1]])
)
_IF_WOKEN = _SIMPLE.map(lambda body: _indented("if await shared.ready.acquire() == B_OK:", [body]))
_WAIT_UNLOCKED = st.just(
    [
        "async with shared.first as locker:",
        "    if shared.count == 0:",
        "        await locker.unlock()",
        "        await shared.ready.acquire()",
        "        await locker.lock()",
    ]
)

_BODY = st.one_of(
    st.lists(_SIMPLE, min_size=1, max_size=2).map(lambda body: [line for [line] in body]),
    _UNDER_FIRST,
    _UNDER_SECOND,
    _NESTED,
    _IF_X,
    _IF_WOKEN,
    _WAIT_UNLOCKED,
)


@frozen
class Small:
    """A small system: what each of its threads does."""

    bodies: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The module with the procedures."""
        return "\n\n".join(self._procedures())

    def _procedures(self) -> Iterator[str]:
        for index, body in enumerate(self.bodies):
            head = f"@procedure()\nasync def thread_{index}(shared: Shared) -> None:\n"
            yield head + textwrap.indent("\n".join(body), "    ") + "\n"

    def build(self) -> System:
        """The system, compiled anew."""
        shared = Shared()
        threads = [ThreadSpec(made.name, (call(made, shared),)) for made in _compiled(self.text)]
        return System("small", {"shared": shared}, tuple(threads))


def systems() -> st.SearchStrategy[Small]:
    """Two threads, or three of which each does one thing."""
    two = st.lists(_BODY, min_size=2, max_size=2)
    three = st.lists(_SIMPLE, min_size=3, max_size=3)
    return st.one_of(two, two, three).map(lambda bodies: Small(tuple(map(tuple, bodies))))


_numbers = itertools.count()


def _compiled(text: str) -> list[Procedure[[Shared], None]]:
    """The procedures of a module; its text can be looked up as that of a file can."""
    file = f"<small system {next(_numbers)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {
        "procedure": procedure,
        "Shared": Shared,
        "B_INTERRUPTED": B_INTERRUPTED,
        "B_OK": B_OK,
        "__name__": __name__,
    }
    before = set(names)
    exec(compile(text, file, "exec"), names)
    return [value for name, value in names.items() if name not in {*before, "__builtins__"}]


# --- properties ----------------------------------------------------------------------------------


def _sleeping(view: View) -> Iterator[str]:
    for thread in view.threads:
        if thread.pending and thread.location.label.startswith("acquire("):
            yield f"{thread.name} sleeps for ever"


def _pending(view: View) -> Iterator[str]:
    for thread in view.threads:
        if thread.pending:
            yield f"{thread.name} never ends"


def _property(name: str, **what: object) -> Property:
    return Property(name, name, name, "the test", **what)  # type: ignore[arg-type]  # fields by name


_SLEEPS = _property("nobody sleeps for ever", judge=_sleeping)

# What a system is checked for: properties of states and of steps, and one that is both.
CHECKED = [
    [
        _SLEEPS,
        _property("everybody ends", judge=_pending),
        _property("assertions hold", codes=frozenset({"assertion"})),
    ],
    [_SLEEPS, _property("all is well", codes=frozenset({"assertion"}), judge=_pending)],
]
