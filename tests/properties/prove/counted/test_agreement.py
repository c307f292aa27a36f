"""The counted form means the same as the search.

Each finite system is searched completely, one step per shared access and queues in order. Each of
its states is stood for by a state of the counted form. Then the two take the same steps, and are
quiescent together. The counted form gives up the order of queues and lists; so it may take a step
that no reachable state takes, but only one that the search would take were a queue in another
order. How many those are is part of the test.
"""

from __future__ import annotations

import pytest
from agreement import instance_compared
from instances import EACH, Expected


@pytest.mark.parametrize("expected", EACH)
def test_a_step_of_the_search_is_a_step_of_the_counted_form_and_the_other_way_round(
    expected: Expected,
) -> None:
    comparison = instance_compared(expected.instance)
    assert len(comparison.found.states) == expected.states
    difference = comparison.compare()
    assert difference.missing == set()
    assert difference.more == set()
    assert len(difference.in_another_order) == expected.in_another_order


@pytest.mark.parametrize("expected", EACH)
def test_the_search_and_the_counted_form_are_quiescent_together(expected: Expected) -> None:
    comparison = instance_compared(expected.instance)
    quiescent = set(comparison.found.quiescent)
    assert quiescent
    for state, counted in comparison.counted.items():
        assert (state in quiescent) == (comparison.busy(counted) == 0)


@pytest.mark.parametrize("expected", EACH)
def test_every_thread_of_the_search_is_in_a_local_state_that_the_counted_form_knows(
    expected: Expected,
) -> None:
    comparison = instance_compared(expected.instance)
    met = {state for counted in comparison.counted.values() for state, _ in counted.threads}
    assert met <= comparison.space.states.keys()
