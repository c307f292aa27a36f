"""Every driver model against the reference.

Hypothesis chooses an `Example`: a small system of threads, and a schedule. The driver model runs
it step by step until nobody can step, and the history of calls that it leaves, calls that never
ended included, must be one that the reference allows; and since everybody sleeps at the end, some
explanation of it must leave no call that is owed an end. What is not so is a `Disagreement`, told
as a story: the system, the steps with their calls and results, the clause, expected against got.

*What is chosen.* Up to three threads that use the device, of two applications; up to two threads
of the stack that send; one that takes the interface down and up, since two at once are the
stack's affair and confuse its own books (stack/interfaces.cpp:761-771); one that sends signals to
the first thread. Nothing fails for want of memory but opens, where a plan says so, and no copy
faults: the leak that a fault leaves (read-leak) shows in no history. No theme but
CLOSING_SELECTED, which is drawn only if asked for, has selects and closes: that a close does not
end a select is the VFS's doing (select-close), and no driver can help it.

*Which defect it is.* A disagreement that vanishes when a decision of the profile is taken as Haiku
takes it is the defect which that decision names. The others are races, which show in what kind of
call suffers and by which clause. What cannot be named is `UNNAMED`, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.profiles import HAIKU, REQUIRED, Profile, decisions
from haiku_tuntap.model.reference import (
    Close,
    Deliver,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Open,
    Operation,
    Poll,
    Read,
    Reference,
    Result,
    Select,
    SetBlocking,
    Signal,
    State,
    Transmit,
    Write,
    completable,
    ignored,
)
from haiku_tuntap.model.status import B_NO_MEMORY
from haiku_tuntap.properties.stateful.adapter import Run
from haiku_tuntap.properties.stateful.linearizability import (
    Linearizable,
    NotLinearizable,
    linearize,
)
from haiku_tuntap.properties.stateful.plans import APPLICATIONS, OPENING, Act, Plan, ThreadPlan
from haiku_tuntap.properties.stateful.schedules import (
    Schedule,
    few_preemptions,
    schedules,
    some,
)

UNNAMED = "unnamed"
DECISIONS = {
    "nonblock-ignored": "nonblocking_honoured",
    "stale-queue": "queue_survives_reopen",
    "select-close": "close_wakes_select",
}
# Of a call that returned though it had to wait, or took effect and did not return.
CLAUSE_OF_CALL: dict[type[Operation], str] = {
    Open: "OPEN-1",
    Close: "CLOSE-2",
    Read: "READ-3",
    Write: "WRITE-1",
    Poll: "SELECT-3",
    Select: "SELECT-3",
    SetBlocking: "CONTROL-1",
    InterfaceUp: "UP-1",
    InterfaceDown: "UP-1",
    Transmit: "SEND-1",
    Deliver: "DELIVER-1",
    Signal: "SIGNAL-1",
}


@frozen
class Example:
    """A system and its schedule."""

    plan: Plan
    schedule: Schedule

    def __str__(self) -> str:
        return f"{self.plan}\n  {self.schedule}"


@frozen
class Disagreement:
    """What the reference does not allow, in which call, by which clause; None if unknown."""

    run: Run
    profile: Profile
    clause: str | None
    thread: str | None
    operation: Operation | None
    expected: str
    got: str

    def __str__(self) -> str:
        call = f"{self.thread}, {self.operation}: " if self.operation else ""
        return "\n".join(
            [
                f"{self.run.driver.name} does what profile {self.profile.name} does not allow",
                f"  {self.run.plan}",
                f"  {self.run.schedule}",
                "what happened:",
                *(f"  {turn}" for turn in self.run.turns),
                f"{call}clause {self.clause or 'none'} is violated",
                f"  expected: {self.expected}",
                f"  got:      {self.got}",
            ]
        )


class ShortOfMemory(Reference):
    """The reference where an open may also fail for want of memory, which changes nothing."""

    def step(
        self, state: State, thread: str, operation: Operation
    ) -> Iterator[tuple[Result, State]]:
        """What the reference allows, and, of an open, B_NO_MEMORY (OPEN-6)."""
        yield from super().step(state, thread, operation)
        call = state.call(thread)
        if isinstance(operation, Open) and call is not None and not call.ended:
            yield Result(B_NO_MEMORY), state.with_call(evolve(call, ended=True))


def judge(run: Run, profile: Profile = REQUIRED) -> Disagreement | None:
    """Compare a run with the reference."""
    if run.problem is not None:
        expected = "the kernel's rules kept, and rest"
        return Disagreement(run, profile, None, None, None, expected, run.problem)
    plan = run.plan
    specification = ShortOfMemory if plan.failing_opens else Reference
    reference = specification(
        plan.kind, profile, plan.capacity, plan.interface, (1,) * plan.opened, plan.nonblocking
    )
    answer = linearize(reference, run.history, at_rest=True)
    if isinstance(answer, Linearizable):
        return None
    if not isinstance(answer, NotLinearizable):
        return Disagreement(run, profile, None, None, None, "a verdict", str(answer))
    if answer.blamed is None:
        return sleeping(run, profile, answer.state)
    blamed = answer.blamed
    # All outcomes have the results that were expected; the clause is that of the first.
    outcomes = completable(answer.state, blamed.thread, profile)
    clause = outcomes[0].clause if outcomes else CLAUSE_OF_CALL[type(blamed.operation)]
    expected = " or ".join(map(str, answer.expected)) or "nothing yet: it has to wait"
    got = str(blamed.result)
    return Disagreement(run, profile, clause, blamed.thread, blamed.operation, expected, got)


def sleeping(run: Run, profile: Profile, state: State) -> Disagreement:
    """The disagreement of a state in which a call sleeps that is owed an end."""
    owed = list(ignored(state, profile))
    call, outcome = next(((c, o) for c, o in owed if o is not None), owed[0])
    clause = outcome.clause if outcome else CLAUSE_OF_CALL[type(call.operation)]
    expected = str(outcome.result) if outcome else "its return, since it has taken effect"
    got = "it sleeps, and nobody will wake it"
    return Disagreement(run, profile, clause, call.thread, call.operation, expected, got)


# --- naming -----------------------------------------------------------------------------------


def defect(found: Disagreement) -> str:
    """The known defect that shows in a disagreement with the profile REQUIRED; else UNNAMED."""
    names = [
        chosen for size in range(len(DECISIONS) + 1) for chosen in combinations(DECISIONS, size)
    ]
    left = {chosen: judge(found.run, as_haiku(*chosen)) for chosen in names}
    enough = [chosen for chosen, disagreed in left.items() if disagreed is None]
    if enough:
        return enough[0][0]
    races = [race(disagreed) for disagreed in left.values() if disagreed is not None]
    return next((name for name in races if name != UNNAMED), UNNAMED)


def as_haiku(*defects: str) -> Profile:
    """The profile REQUIRED, but with these decisions as Haiku takes them."""
    changes: dict[str, Any] = {
        DECISIONS[name]: decisions(HAIKU)[DECISIONS[name]] for name in defects
    }
    return evolve(REQUIRED, **changes)


def race(found: Disagreement) -> str:
    """The race that shows in a disagreement."""
    sleeps = found.got.startswith("it sleeps")
    if isinstance(found.operation, Open) and found.run.plan.failing_opens:
        return "open-leak"
    match found.operation, found.clause:
        case Read(), "WAKE-2" if sleeps:
            return "close-race"
        case Read(), "FILE-1":
            return "restart"
        case InterfaceDown() | Deliver(), "UP-1" | "WAKE-7" if sleeps:
            return "down-race"
        case Poll() | Select(), "SELECT-3" if not sleeps:
            return "late-notify"
    return UNNAMED


def disagreement(
    driver: Driver, example: Example, profile: Profile = REQUIRED
) -> Disagreement | None:
    """Run an example and compare it with the reference."""
    return judge(Run(example.plan, example.schedule, driver), profile)


def check(driver: Driver, example: Example, profile: Profile = REQUIRED) -> None:
    """The same for a test: fail with the story."""
    found = disagreement(driver, example, profile)
    assert found is None, str(found)


# --- choosing ---------------------------------------------------------------------------------

Theme = tuple[tuple[Act, ...], ...]
# What the users of one system do: few kinds of calls, so that they meet; or of everything a bit.
# A theme has pieces, each some calls in a row, of which a thread makes one to three.
REOPEN = (Act.CLOSE, Act.OPEN)
CLOSING: Theme = ((Act.READ,), (Act.CLOSE,))
REOPENING: Theme = ((Act.READ,), REOPEN)
POLLING: Theme = ((Act.POLL,), (Act.READ,))
WRITING: Theme = ((Act.WRITE,),)
OPENING_AGAIN: Theme = ((Act.OPEN,), (Act.OPEN, Act.CLOSE))
CHANGING_MODE: Theme = ((Act.READ,), (Act.SET_NONBLOCKING,), (Act.SET_BLOCKING,))
SELECTING: Theme = ((Act.READ,), (Act.SELECT,))
CLOSING_SELECTED: Theme = ((Act.SELECT,), (Act.CLOSE,), (Act.READ,))
THEMES: tuple[Theme, ...] = (
    CLOSING,
    CLOSING,
    REOPENING,
    POLLING,
    ((Act.POLL,), (Act.POLL_BOTH,), (Act.CLOSE,), (Act.OPEN, Act.POLL)),
    CHANGING_MODE,
    ((Act.READ,), (Act.POLL,), (Act.WRITE,), REOPEN, (Act.OPEN_NONBLOCKING, Act.READ)),
    SELECTING,
    (*SELECTING, (Act.WRITE,), (Act.SELECT_BOTH,)),
)


@st.composite
def plans(draw: st.DrawFn, themes: tuple[Theme, ...] = THEMES) -> Plan:
    """Small systems, each with one of these themes."""
    theme = draw(st.sampled_from(themes))
    pieces = some(st.sampled_from(theme), 1, 1, 2, 3)
    acts = pieces.map(lambda drawn: tuple(chain.from_iterable(drawn)))
    opens = any(act in OPENING for piece in theme for act in piece)
    applications = [0, 0, *range(APPLICATIONS)] if opens else [0]
    user = st.tuples(st.sampled_from(applications), acts)
    threads = [
        ThreadPlan(f"user {n}", *drawn)
        for n, drawn in enumerate(draw(some(user, 0, 1, 2, 2, 2, 3)), 1)
    ]
    killed = bool(threads) and draw(st.integers(0, 3)) == 3
    for number in range(1, draw(st.sampled_from([0, 0, 1, 1, 2])) + 1):
        sends = (Act.SEND,) * draw(st.integers(1, 2))
        threads.append(ThreadPlan(f"sender {number}", 0, sends))
    changes = draw(st.integers(-3, 3))
    if changes > 0:
        threads.append(ThreadPlan("ifconfig", 0, (Act.DOWN, Act.UP, Act.DOWN)[:changes]))
    if killed:
        threads.append(ThreadPlan("killer", 0, (Act.SIGNAL,)))
    opened = draw(st.integers(0, 5)) < 5
    return Plan(
        kind=draw(st.sampled_from(Kind)),
        capacity=draw(st.sampled_from([2, 1])),
        interface=changes != 0,
        opened=opened,
        nonblocking=opened and draw(st.integers(0, 7)) == 7,
        threads=tuple(threads),
    )


def examples(
    *themes: Theme, schedule: st.SearchStrategy[Schedule] | None = None
) -> st.SearchStrategy[Example]:
    """Systems with these themes, or any, and schedules of this kind, or any."""
    schedule = schedules() if schedule is None else schedule
    return st.builds(Example, plans(themes or THEMES), schedule)


def failing_examples(*themes: Theme) -> st.SearchStrategy[Example]:
    """Systems with these themes in which nothing is open and the first open gets no memory."""

    def fails(example: Example) -> Example:
        return evolve(
            example,
            plan=evolve(example.plan, opened=False, nonblocking=False, failing_opens=1),
        )

    return examples(*themes, schedule=few_preemptions()).map(fails)
