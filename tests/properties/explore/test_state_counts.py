"""How many states each scenario has with today's driver.

The counts are facts about the model: whoever changes it so that they change does so knowingly, and
corrects the table. They are with the monitors of all properties, as `tuntap check` searches.

Two of them can be counted by hand.

*unknown-protocol.* What the two threads send is refused, so neither meets the other. The writer
stands in six places: before its call, get(fd3), allocate, free, put (which is an add), done. The
sender stands in four: before its call, allocate, free, done. 6 * 4 = 24 states, the farthest 5 + 3
steps away; and in 2 * 2 of them both are before their calls or done. Reduced, a call that has begun
is nobody else's business: the sender's is one step. The writer's is two, as its allocation is not
merged into the step before. (1 + 1 + 1) * (1 + 1) = 6 states, three steps deep.

*cookie-allocation-fails.* One thread. The first open passes four states: before the call, lock,
or_, allocate. If the allocation fails there is one more, unlock. If not, there are five: store,
unlock, allocate, store, install. Either way the second open finds the device taken (that is the
defect, if the first one failed), and passes five: before the call, lock, or_, unlock, done.
4 + 1 + 5 + 2 * 5 = 20 states; the longer way is 4 + 5 + 5 states, that is 13 steps. The thread is
before a call or done in one state at first, and in two on either way: 5. Reduced, all that nobody
else can notice is one step: what remains is before the call, lock, and the allocation with its two
outcomes, then before the call, lock and done on either way: 3 + 2 * 3 = 9, five steps deep.
"""

from __future__ import annotations

import pytest
from searches import searched

from haiku_tuntap.model.scenarios import SCENARIOS

# scenario: (states, depth, quiescent states), reduced and unreduced
COUNTS = {
    "reader-sender": ((132, 20, 8), (217, 25, 8)),
    "readers-senders": ((2075, 24, 10), (17106, 26, 27)),
    "reader-signal": ((1701, 21, 24), (2634, 22, 24)),
    "poll-sender": ((80, 17, 5), (245, 31, 5)),
    "poll-reader-sender": ((1869, 35, 12), (2973, 38, 12)),
    "poll-read-poll": ((170, 33, 10), (379, 56, 10)),
    "select-write": ((44, 13, 4), (203, 29, 4)),
    "nonblocking-reader": ((58, 15, 7), (118, 29, 7)),
    "full-queue": ((1966, 26, 40), (4310, 30, 40)),
    "user-copy-faults": ((568, 18, 16), (854, 20, 16)),
    "reader-close": ((58, 14, 6), (71, 17, 6)),
    "two-readers-close": ((3237, 29, 29), (9386, 33, 45)),
    "poll-close": ((164, 27, 5), (179, 28, 5)),
    "select-close": ((162, 26, 6), (170, 27, 6)),
    "close-reopen": ((2718, 35, 30), (2871, 36, 30)),
    "reused-number": ((179, 25, 13), (221, 29, 13)),
    "two-openers": ((984, 47, 40), (1140, 47, 40)),
    "cookie-allocation-fails": ((9, 5, 5), (20, 13, 5)),
    "unknown-protocol": ((6, 3, 4), (24, 8, 4)),
    "tap-any-protocol": ((1730, 22, 8), (4958, 29, 8)),
    "writer-reader-thread": ((110, 18, 5), (428, 36, 5)),
    "down-while-waiting": ((45, 12, 4), (178, 34, 4)),
    "down-while-working": ((590, 24, 18), (4971, 54, 18)),
    "down-twice": ((836, 37, 9), (3977, 46, 13)),
    "down-then-up": ((540, 31, 14), (4239, 70, 14)),
    "create-fails": ((684, 52, 115), (1777, 135, 115)),
    "create-names": ((17, 16, 5), (37, 36, 5)),
    "create-eleven": ((101, 100, 12), (187, 186, 12)),
    "create-open": ((138, 24, 4), (379, 39, 4)),
    "side-by-side": ((5195, 66, 24), (8743, 84, 24)),
    "delete-open": ((138, 27, 7), (492, 55, 7)),
    "delete-reader": ((60, 14, 4), (174, 33, 4)),
    "delete-poll": ((70, 15, 4), (377, 40, 4)),
    "delete-opener": ((161, 26, 9), (724, 59, 9)),
    "delete-create": ((499, 51, 14), (1409, 87, 14)),
    "delete-consumer": ((97, 23, 4), (233, 48, 4)),
    "delete-up": ((120, 30, 4), (309, 66, 4)),
    "two-ups": ((58314, 139, 188), (70748, 147, 188)),
    "up-delete": ((3016, 84, 18), (4300, 90, 18)),
    "down-delete": ((4522, 75, 20), (6380, 80, 20)),
    "down-races-up": ((8212, 92, 39), (11112, 100, 39)),
    "two-deletes": ((236, 45, 4), (682, 51, 7)),
    "delete-races-create": ((2093, 68, 21), (3429, 81, 21)),
}


def test_every_scenario_is_counted() -> None:
    assert list(COUNTS) == list(SCENARIOS)


@pytest.mark.parametrize("scenario", COUNTS)
def test_the_reduced_search_finds_exactly_as_many_states(scenario: str) -> None:
    found = searched("tunnel", scenario, reduced=True)
    assert (found.outcome.limit, found.counts) == (None, COUNTS[scenario][0])


@pytest.mark.parametrize("scenario", COUNTS)
def test_the_unreduced_search_finds_exactly_as_many_states(scenario: str) -> None:
    found = searched("tunnel", scenario, reduced=False)
    assert (found.outcome.limit, found.counts) == (None, COUNTS[scenario][1])


@pytest.mark.parametrize("scenario", COUNTS)
def test_the_states_are_those_that_steps_lead_to(scenario: str) -> None:
    """Counted without the search, by following steps one at a time."""
    reduced = searched("tunnel", scenario, reduced=True)
    unreduced = searched("tunnel", scenario, reduced=False)
    assert len(reduced.states) == COUNTS[scenario][0][0]
    assert len(unreduced.states) == COUNTS[scenario][1][0]


def test_the_places_counted_by_hand_are_those_that_the_threads_stand_in() -> None:
    found = searched("tunnel", "unknown-protocol", reduced=False)
    places: dict[int, set[str]] = {0: set(), 1: set()}
    for thread, number in found.outcome.visited:
        places[thread].add(found.model.layout.graphs[thread].locations[number].label)
    assert places == {
        0: {
            "begin user_write",
            "get(files.fd3)",
            "allocate(NetBuffer)",
            "free(buffer)",
            "add(descriptor.ref_count)",
            "done",
        },
        1: {"begin send_packet", "allocate(NetBuffer)", "free(buffer)", "done"},
    }
