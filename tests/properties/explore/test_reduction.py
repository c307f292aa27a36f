"""The reductions change how many states there are, and nothing that is said about them.

The unreduced search takes every step that the model has and identifies nothing, so it is what the
reduced one is measured against: verdict for verdict, and quiescent state for quiescent state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from random import Random

import pytest
from searches import ALL, LIMIT, searched, successors

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.kernel.system_calls import user_close
from haiku_tuntap.model.language import call
from haiku_tuntap.model.language.graph import Goto, LocationKind, ThreadGraph, instructions
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario, World
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build, search
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.reduction import eager_locations
from haiku_tuntap.properties.explore.schedule import Move, refine, schedule_of, take
from haiku_tuntap.properties.explore.search import Limits, Model
from haiku_tuntap.properties.explore.symmetry import Group, Symmetry
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.faults import FAULTS
from haiku_tuntap.properties.trace import Teller

# All drivers take many minutes, of which these two are one; the others, which differ from
# tunnel in a few procedures, are for the campaign.
SHORT = ("tunnel", "tunnel-repaired")
PAIRS = [
    pytest.param(driver, scenario, marks=() if driver in SHORT else pytest.mark.campaign)
    for driver in DRIVERS
    for scenario in SCENARIOS
]
SYMMETRIC = ["readers-senders", "two-readers-close"]


# --- the same verdicts ---------------------------------------------------------------------------


@pytest.mark.parametrize(("driver", "scenario"), PAIRS)
def test_reduced_and_unreduced_give_the_same_verdicts(driver: str, scenario: str) -> None:
    reduced = searched(driver, scenario, reduced=True)
    unreduced = searched(driver, scenario, reduced=False)
    assert (reduced.outcome.limit, unreduced.outcome.limit) == (None, None)
    assert reduced.outcome.states <= unreduced.outcome.states <= LIMIT
    assert reduced.outcome.violations.keys() == unreduced.outcome.violations.keys()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_makes_a_property_say_something_is_reached_in_both(scenario: str) -> None:
    reduced = searched("tunnel", scenario, reduced=True).outcome.marks
    unreduced = searched("tunnel", scenario, reduced=False).outcome.marks
    witnesses = frozenset[str]().union(*(p.witness for p in ALL))
    assert reduced & witnesses == unreduced & witnesses


def fatal_movers(model: Model, state: State) -> set[int]:
    """The threads that can take a step after which there is no state: it is a fatal violation."""
    found = set()
    for thread in range(len(model.layout.graphs)):
        for choice in range(len(model.location(state, thread).steps)):
            model.program.noted.clear()
            take(model, state, (thread, choice))
            if any(model.program.reports[index].fatal for index, _ in model.program.noted):
                found.add(thread)
    model.program.noted.clear()
    return found


def quiescent(model: Model, states: Iterable[State]) -> Iterator[State]:
    """Those of `states` in which nothing but the beginning of a call can happen."""
    for state in states:
        movers = {thread for thread, _ in successors(model, state)} | fatal_movers(model, state)
        if all(model.location(state, t).kind is LocationKind.CALL for t in movers):
            yield state


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_searches_end_in_equally_many_quiescent_states(scenario: str) -> None:
    """Counted by hand in the unreduced one, with equal threads exchanged."""
    reduced = searched("tunnel", scenario, reduced=True)
    fine = searched("tunnel", scenario, reduced=False)
    ends = list(quiescent(fine.model, fine.states))
    assert len(ends) == fine.outcome.quiescent_states
    canonical = Symmetry(fine.model.layout).canonical
    assert len({canonical(state) for state in ends}) == reduced.outcome.quiescent_states


# --- equal threads -------------------------------------------------------------------------------


def wander(model: Model, seed: int, count: int) -> Iterator[State]:
    """States that random runs meet, with the threads as they came."""
    random = Random(seed)
    state = model.layout.initial
    for _ in range(count):
        yield state
        following = successors(model, state)
        state = random.choice(following)[1] if following else model.layout.initial


def permuted_in_all_ways(group: Group, state: State) -> Iterator[State]:
    for order in permutations(range(len(group.threads))):
        yield group.permuted(state, order)


def test_the_groups_are_the_equal_threads() -> None:
    def groups(scenario: str) -> list[list[str]]:
        model = searched("tunnel", scenario, reduced=True).model
        assert model.symmetry is not None
        names = [spec.name for spec in model.system.threads]
        return [[names[t] for t in group.threads] for group in model.symmetry.groups]

    assert groups("readers-senders") == [["reader 1", "reader 2"], ["sender 1", "sender 2"]]
    assert groups("two-readers-close") == [["reader 1", "reader 2"]]
    assert groups("down-twice") == [["ifconfig 1", "ifconfig 2"]]
    assert groups("full-queue") == []  # one sends two packets, the other one
    assert groups("two-openers") == []  # each has its own table


def test_exchanging_equal_threads_does_not_change_the_representative() -> None:
    """Of one group. With several it may: the first group's order can depend on the second's."""
    model = searched("tunnel", "two-readers-close", reduced=True).model
    assert model.symmetry is not None
    (group,) = model.symmetry.groups
    exchanged = 0
    for state in wander(model, seed=1, count=3000):
        representative = model.symmetry.canonical(state)
        for other in permuted_in_all_ways(group, state):
            exchanged += other != state
            assert model.symmetry.canonical(other) == representative
    assert exchanged > 1000


def test_with_two_groups_hardly_a_state_has_a_second_representative() -> None:
    """Counted against the least of all exchanged states, which is the same for all of them."""
    found = searched("tunnel", "readers-senders", reduced=True)
    assert found.model.symmetry is not None
    readers, senders = found.model.symmetry.groups
    least = {
        min(
            s
            for r in permuted_in_all_ways(readers, state)
            for s in permuted_in_all_ways(senders, r)
        )
        for state in found.states
    }
    assert (found.outcome.states, len(least)) == (2075, 2064)


@pytest.mark.parametrize("scenario", SYMMETRIC)
def test_the_representative_is_the_state_with_equal_threads_exchanged(scenario: str) -> None:
    model = searched("tunnel", scenario, reduced=True).model
    assert model.symmetry is not None
    moved = 0
    for state in wander(model, seed=2, count=1000):
        reachable = {state}
        for group in model.symmetry.groups:
            reachable = {o for s in reachable for o in permuted_in_all_ways(group, s)}
        representative = model.symmetry.canonical(state)
        assert representative in reachable
        moved += representative != state
    assert moved > 100


@pytest.mark.parametrize("scenario", SYMMETRIC)
def test_equal_threads_do_the_same_from_exchanged_places(scenario: str) -> None:
    """What makes it sound: the successors of an exchanged state are the exchanged successors."""
    model = searched("tunnel", scenario, reduced=True).model
    assert model.symmetry is not None
    for state in wander(model, seed=3, count=1000):
        for group in model.symmetry.groups:
            for order in permutations(range(len(group.threads))):
                expected = {group.permuted(s, order) for _, s in successors(model, state)}
                exchanged = group.permuted(state, order)
                assert {s for _, s in successors(model, exchanged)} == expected


# --- merged steps --------------------------------------------------------------------------------


def longest_chain(graph: ThreadGraph, eager: set[int]) -> int:
    """How many eager steps follow one another at most. Fails on a loop of them."""
    lengths: dict[int, int] = {}

    def length(number: int, above: tuple[int, ...]) -> int:
        assert number not in above, f"{graph.name}: a loop of eager steps at {number}"
        if number not in lengths:
            gotos = instructions(graph.locations[number].steps[0].entry)
            after = {g.location.number for g in gotos if isinstance(g, Goto)} & eager
            lengths[number] = 1 + max((length(n, (*above, number)) for n in after), default=0)
        return lengths[number]

    return max((length(number, ()) for number in eager), default=0)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("driver", SHORT)
def test_chains_of_eager_steps_end(driver: str, scenario: str) -> None:
    layout = searched(driver, scenario, reduced=True).model.layout
    eager = eager_locations(layout.graphs, layout)
    longest = [longest_chain(g, e) for g, e in zip(layout.graphs, eager, strict=True)]
    assert max(longest) > 0


def refuted_pairs() -> list[tuple[str, str]]:
    return sorted({pair for defect in DRIVERS["tunnel"].known for pair in defect.places})


def refined(scenario: str, prop: str) -> tuple[Model, list[Move]]:
    """The fine model, and the reduced search's violation of a property in its steps."""
    reduced = searched("tunnel", scenario, reduced=True)
    fine = searched("tunnel", scenario, reduced=False).model
    violation = reduced.outcome.violations[prop]
    moves = schedule_of(reduced.model, reduced.outcome, violation)
    return fine, refine(fine, reduced.model, moves)


@pytest.mark.parametrize(("scenario", "prop"), refuted_pairs())
def test_a_reduced_trace_can_be_run_step_by_step_and_violates_the_property(
    scenario: str, prop: str
) -> None:
    fine, moves = refined(scenario, prop)
    states: list[State | None] = [fine.layout.initial]
    for move in moves:
        assert states[-1] is not None
        states.append(take(fine, states[-1], move))
    fine.program.noted.clear()
    teller = Teller(fine, moves)
    assert len(teller.steps) == len(moves)
    reported = list(teller.reports(PROPERTIES[prop].codes))
    if reported:
        return  # by the last step, or by one that was merged into it
    last = states[-1]
    assert last is not None
    assert list(PROPERTIES[prop].violations(View(fine.layout, last)))
    assert list(quiescent(fine, [last])) == [last]


def test_a_reduced_trace_of_a_deadlock_ends_with_everybody_in_a_queue() -> None:
    """In the reduced system a thread that cannot have a mutex does not even ask for it."""
    fault = FAULTS["no-deadlock"]
    scenario = SCENARIOS[fault.scenario]
    reduced = build(fault.driver, scenario, ALL, reduced=True)
    fine = build(fault.driver, scenario, ALL, reduced=False)
    outcome = search(reduced, ALL, Limits())
    moves = schedule_of(reduced, outcome, outcome.violations["no-deadlock"])
    state = Teller(fine, refine(fine, reduced, moves)).states[-1]
    assert [thread.asleep for thread in View(fine.layout, state).threads] == [True, True]


@pytest.mark.parametrize(("scenario", "prop"), refuted_pairs())
def test_a_reduced_trace_is_no_shorter_than_the_shortest(scenario: str, prop: str) -> None:
    fine = searched("tunnel", scenario, reduced=False)
    _, moves = refined(scenario, prop)
    assert len(moves) >= fine.outcome.violations[prop].depth


# --- how much it saves ---------------------------------------------------------------------------


def crowd(readers: int, senders: int) -> Scenario:
    """Some threads read, some send, and one closes the file."""

    def populate(world: World) -> None:
        slot = world.open_file()
        for number in range(readers):
            world.reader(slot, f"reader {number}")
        for number in range(senders):
            world.sender(f"sender {number}")
        world.thread("closer", call(user_close, slot))

    return Scenario("crowd", "", "", f"{readers} readers, {senders} senders, 1 close", populate)


def states_of(scenario: Scenario, *, reduced: bool, limit: int) -> int:
    """How many states there are, or the limit if there are more. No monitor adds any."""
    model = build(DRIVERS["tunnel"], scenario, [], reduced=reduced)
    outcome = search(model, [], Limits(states=limit))
    return outcome.states if outcome.complete else limit


def test_two_readers_two_senders_and_a_closer_are_cut_thirteenfold() -> None:
    scenario = crowd(readers=2, senders=2)
    assert states_of(scenario, reduced=True, limit=LIMIT) == 8_196
    assert states_of(scenario, reduced=False, limit=LIMIT) == 108_799


def test_four_readers_a_sender_and_a_closer_are_cut_at_least_fiftyfold() -> None:
    """The unreduced search is stopped there: it has still more."""
    scenario = crowd(readers=4, senders=1)
    assert states_of(scenario, reduced=True, limit=LIMIT) == 25_359
    assert states_of(scenario, reduced=False, limit=50 * 25_359) == 50 * 25_359


@pytest.mark.campaign
def test_four_readers_two_senders_and_a_closer_are_cut_at_least_fiftyfold() -> None:
    """Needs a few GiB of memory."""
    scenario = crowd(readers=4, senders=2)
    assert states_of(scenario, reduced=True, limit=LIMIT) == 129_338
    assert states_of(scenario, reduced=False, limit=50 * 129_338) == 50 * 129_338


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_made_smaller(scenario: str) -> None:
    reduced = searched("tunnel", scenario, reduced=True).outcome.states
    assert reduced < searched("tunnel", scenario, reduced=False).outcome.states
