"""Is a history of concurrent calls one that a specification allows?

A history is a list of events: a thread begins a call; a call ends with a result. It is
*linearizable* if every call can be given one instant between its two events, so that the calls,
taken one after another in the order of their instants, get from the specification the results they
got. A call that never ended may be given an instant after its beginning, or be left out.

The search is Wing and Gong's with Lowe's improvements ("Testing for linearizability", 2017). It
goes through the events in order, and gives calls their instant *just in time*: when an event says
that a call has ended which has had none, it is tried next, and if need be after other calls that
are under way. What the search knows is a *configuration*: how far it is, which calls under way
have had their instant, and the specification's state. None is visited twice.

A specification may let its state depend on which calls are inside (`watches_calls`). Then it
matters whether an instant lies before or after another call's beginning or end, and just in time
would be too late; so calls under way are tried before every event.

Since a pending call may be left out, a history in which everybody sleeps though a packet is there
is linearizable. That is what `at_rest` asks besides: some linearization must end in a state in
which no call is owed an end, and no pending call has had its instant.

The answer is yes with a linearization, no with the longest that was found and what was expected
there, or unknown. It is never a bool: a limit that was hit is neither.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, NoReturn, Protocol, TypeVar

from attrs import field, frozen

S = TypeVar("S", bound=Hashable)
O = TypeVar("O")  # noqa: E741  (S, O, R: state, operation, result)
R = TypeVar("R")
O_contra = TypeVar("O_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

DEFAULT_LIMIT = 200_000


class Specification(Protocol[S, O_contra, R_co]):
    """What a checker needs to know. States are values: hashable, and never changed.

    `step` gives all results that an operation may have in a state, each with the next state, and
    nothing if the operation has to wait there.
    """

    @property
    def watches_calls(self) -> bool:
        """Whether `invoke` or `leave` ever change a state."""

    def initial(self) -> S:
        """The first state."""

    def invoke(self, state: S, thread: str, operation: O_contra) -> S:
        """A call begins."""

    def step(self, state: S, thread: str, operation: O_contra) -> Iterable[tuple[R_co, S]]:
        """The ways in which a call may take effect now."""

    def leave(self, state: S, thread: str, operation: O_contra) -> S:
        """A call has ended."""

    def at_rest(self, state: S) -> bool:
        """Whether the calls that have begun and had no effect may sleep on."""


class Sequential(Generic[S, O, R]):
    """What a specification is by default that knows nothing of calls but their effect."""

    watches_calls = False

    def invoke(self, state: S, thread: str, operation: O) -> S:
        """Nothing changes."""
        return state

    def leave(self, state: S, thread: str, operation: O) -> S:
        """Nothing changes."""
        return state

    def at_rest(self, state: S) -> bool:
        """Everybody may sleep for ever."""
        return True


@frozen
class Begin(Generic[O]):
    """A thread begins a call, which has a number of its own."""

    call: int
    thread: str
    operation: O

    def __str__(self) -> str:
        return f"{self.thread} begins to {self.operation}"


@frozen
class End(Generic[R]):
    """A call returns."""

    call: int
    result: R


@frozen
class Instant(Generic[O, R]):
    """A call takes effect."""

    call: int
    thread: str
    operation: O
    result: R

    def __str__(self) -> str:
        return f"{self.thread}: {self.operation} → {self.result}"


class Answer:
    """What the check says. It has no truth value, because Unknown could have none."""

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not a bool: there are three answers\n"
            "  instead: isinstance(answer, Linearizable)"
        )


@frozen
class Linearizable(Answer, Generic[S, O, R]):
    """Yes: calls in the order of their instants, and the state in which they leave everything."""

    order: tuple[Instant[O, R], ...]
    state: S
    configurations: int

    def __str__(self) -> str:
        return "linearizable:\n" + "\n".join(f"  {instant}" for instant in self.order)


@frozen
class NotLinearizable(Answer, Generic[S, O, R]):
    """No. `order` is the longest linearization of a prefix of the history.

    `blamed` is the call whose end could not be explained, with the result that it had; `expected`
    are those allowed in the states that were tried, none if it had to wait in all of them. Without
    `blamed`, everything could be explained but that nobody goes on.
    """

    order: tuple[Instant[O, R], ...]
    state: S
    blamed: Instant[O, R] | None
    expected: tuple[R, ...]
    configurations: int

    def __str__(self) -> str:
        lines = ["not linearizable; the longest explanation is:"]
        lines += [f"  {instant}" for instant in self.order]
        if self.blamed is None:
            lines.append("then nobody goes on, although a call is owed an end")
        else:
            allowed = " or ".join(map(str, self.expected)) or "nothing: it has to wait"
            lines.append(f"then {self.blamed.thread}: {self.blamed.operation}")
            lines += [f"  expected: {allowed}", f"  got:      {self.blamed.result}"]
        return "\n".join([*lines, f"state: {self.state}"])


@frozen
class Unknown(Answer):
    """Neither: the limit of configurations was hit."""

    limit: int

    def __str__(self) -> str:
        return f"unknown: more than {self.limit:,} configurations"


@frozen
class Configuration(Generic[S, O, R]):
    """A node of the search. Two are equal if everything after them is."""

    position: int
    taken: frozenset[int]
    state: S
    parent: Configuration[S, O, R] | None = field(default=None, eq=False, repr=False)
    instant: Instant[O, R] | None = field(default=None, eq=False)

    def order(self) -> tuple[Instant[O, R], ...]:
        """The instants on the way here."""
        found = []
        node: Configuration[S, O, R] | None = self
        while node is not None:
            if node.instant is not None:
                found.append(node.instant)
            node = node.parent
        return tuple(reversed(found))


def check_history(history: Sequence[Begin[O] | End[R]]) -> None:
    """Refuse what is no history, in plain words."""
    inside: dict[int, str] = {}
    seen: set[int] = set()
    for number, event in enumerate(history, 1):
        problem = None
        if isinstance(event, End):
            if event.call not in inside:
                problem = f"call {event.call} ends without being under way"
            inside.pop(event.call, None)
        else:
            if event.call in seen:
                problem = f"call {event.call} begins twice; give each call its own number"
            elif event.thread in inside.values():
                problem = f"{event.thread} begins a call inside another"
            seen.add(event.call)
            inside[event.call] = event.thread
        if problem is not None:
            raise ValueError(f"event {number} of the history: {problem}")


class Search(Generic[S, O, R]):
    """One search; `run` gives the answer."""

    def __init__(
        self,
        specification: Specification[S, O, R],
        history: Sequence[Begin[O] | End[R]],
        at_rest: bool,
        limit: int,
    ) -> None:
        check_history(history)
        self.specification = specification
        self.history = history
        self.must_rest = at_rest
        self.limit = limit
        self.begins = {event.call: event for event in history if isinstance(event, Begin)}
        self.results = {event.call: event.result for event in history if isinstance(event, End)}
        self.under_way = self.calls_under_way()
        self.deepest: Configuration[S, O, R] | None = None
        self.expected: dict[R, None] = {}

    def calls_under_way(self) -> list[tuple[int, ...]]:
        """Which calls are under way before each event, and at the end."""
        rows: list[tuple[int, ...]] = [()]
        for event in self.history:
            before = rows[-1]
            if isinstance(event, End):
                rows.append(tuple(call for call in before if call != event.call))
            else:
                rows.append((*before, event.call))
        return rows

    def run(
        self,
    ) -> Linearizable[S, O, R] | NotLinearizable[S, O, R] | Unknown:
        """Depth first; what explains the next event comes first."""
        start: Configuration[S, O, R] = Configuration(0, frozenset(), self.specification.initial())
        visited = {start}
        stack = [start]
        while stack:
            node = stack.pop()
            self.remember(node)
            if node.position == len(self.history) and self.accepts(node):
                return Linearizable(node.order(), node.state, len(visited))
            for successor in reversed(list(self.successors(node))):
                if successor not in visited:
                    if len(visited) >= self.limit:
                        return Unknown(self.limit)
                    visited.add(successor)
                    stack.append(successor)
        return self.refusal(len(visited))

    def accepts(self, node: Configuration[S, O, R]) -> bool:
        """Whether a history may end here."""
        if not self.must_rest:
            return True
        return not node.taken and self.specification.at_rest(node.state)

    def successors(self, node: Configuration[S, O, R]) -> Iterator[Configuration[S, O, R]]:
        """Pass the next event; or give a call under way its instant."""
        if node.position == len(self.history):
            return  # At the end a pending call need not take effect, and at rest it must not.
        event = self.history[node.position]
        if isinstance(event, Begin):
            state = self.specification.invoke(node.state, event.thread, event.operation)
            yield Configuration(node.position + 1, node.taken, state, node)
        elif event.call in node.taken:
            begin = self.begins[event.call]
            state = self.specification.leave(node.state, begin.thread, begin.operation)
            yield Configuration(node.position + 1, node.taken - {event.call}, state, node)
        needed = isinstance(event, End) and event.call not in node.taken
        if needed or self.specification.watches_calls:
            waiting = [c for c in self.under_way[node.position] if c not in node.taken]
            # The call that the event is about first, and those that never end last.
            waiting.sort(key=lambda c: (c != event.call, c not in self.results))
            for call in waiting:
                yield from self.instants(node, call)

    def instants(self, node: Configuration[S, O, R], call: int) -> Iterator[Configuration[S, O, R]]:
        """The ways in which a call can take effect with the result that it had, if it had one."""
        begin = self.begins[call]
        for result, state in self.specification.step(node.state, begin.thread, begin.operation):
            if call not in self.results or result == self.results[call]:
                instant = Instant(call, begin.thread, begin.operation, result)
                yield Configuration(node.position, node.taken | {call}, state, node, instant)

    def remember(self, node: Configuration[S, O, R]) -> None:
        """Keep what a refusal has to tell: how far the search came, and what was allowed there."""
        if self.deepest is None or node.position > self.deepest.position:
            self.deepest = node
            self.expected = {}
        if node.position != self.deepest.position or node.position == len(self.history):
            return
        event = self.history[node.position]
        if isinstance(event, End) and event.call not in node.taken:
            begin = self.begins[event.call]
            for result, _ in self.specification.step(node.state, begin.thread, begin.operation):
                self.expected[result] = None

    def refusal(self, configurations: int) -> NotLinearizable[S, O, R]:
        """No: say where, and what would have been allowed."""
        assert self.deepest is not None
        blamed = None
        if self.deepest.position < len(self.history):
            event = self.history[self.deepest.position]
            assert isinstance(event, End), "a beginning can always be passed"
            begin = self.begins[event.call]
            blamed = Instant(event.call, begin.thread, begin.operation, event.result)
        return NotLinearizable(
            self.deepest.order(),
            self.deepest.state,
            blamed,
            tuple(self.expected),
            configurations,
        )


def linearize(
    specification: Specification[S, O, R],
    history: Sequence[Begin[O] | End[R]],
    *,
    at_rest: bool = False,
    limit: int = DEFAULT_LIMIT,
) -> Linearizable[S, O, R] | NotLinearizable[S, O, R] | Unknown:
    """Whether the specification allows this history.

    `at_rest` says that nobody moves after the last event, and asks in addition that the calls
    which are still inside may sleep on. `limit` bounds the configurations that are remembered.
    """
    return Search(specification, history, at_rest, limit).run()
