"""The finite systems for which the counted form is compared with the search."""

from __future__ import annotations

import pytest
from agreement import Instance
from attrs import frozen


@frozen(eq=False)
class Expected:
    """A finite system, how many states it has, and the steps it takes in another order only.

    `refuted` says whether a judge has something to say.
    """

    instance: Instance
    states: int
    in_another_order: int
    refuted: bool = False

    def __str__(self) -> str:
        return str(self.instance)


def expected(
    driver: str,
    theorem: str,
    states: int,
    in_another_order: int,
    *,
    refuted: bool = False,
    **counts: int,
) -> Expected:
    """What is expected of a driver with so many threads of some templates of a theorem."""
    threads = {name.replace("_", " "): count for name, count in counts.items()}
    return Expected(Instance(driver, theorem, threads), states, in_another_order, refuted)


SMALL = [
    expected("tunnel", "packets", 2_400, 0, reader=2, sender=1, signal_to_a_reader=1),
    expected("tunnel", "packets", 245, 0, poller=1, sender=1),
    expected("tunnel", "close", 709, 0, refuted=True, reader=1, sender=1, closer=1),
    expected("tunnel-repaired", "close", 4_279, 0, reader=2, closer=2),
    expected("tunnel-repaired", "close", 795, 0, poller=1, closer=1, signal_to_a_poller=1),
    expected("tunnel", "reopen", 3_633, 0, closer=2, opener=2),
    expected("tunnel-repaired", "interface", 501, 0, reader_thread=1, up=1, down=1),
    expected("tunnel-repaired", "reopen", 669, 0, reader=1, closer=1, opener=1),
]
LARGE = [
    expected(
        "tunnel", "interface", 6_542, 0, refuted=True, reader_thread=1, writer=1, up=1, down=1
    ),
    expected("tunnel-repaired", "interface", 15_671, 0, reader_thread=1, writer=1, up=1, down=2),
    expected("tunnel-repaired", "close", 4_776, 0, poller=1, sender=1, closer=1),
    expected("tunnel", "reopen", 39_819, 0, refuted=True, reader=1, sender=1, closer=1, opener=2),
    expected("tunnel-repaired", "reopen", 29_610, 0, reader=1, closer=2, opener=2),
    expected("tunnel", "packets", 15_666, 72, poller=2, sender=1),
    expected("tunnel-repaired", "close", 5_884, 0, poller=2, closer=1),
    expected("tunnel", "packets", 13_587, 0, poller=1, sender=2, signal_to_a_poller=1),
    expected("tunnel-repaired", "close", 14_898, 0, reader=2, sender=1, closer=1),
]
EACH = [
    *(pytest.param(e, id=str(e)) for e in SMALL),
    *(pytest.param(e, id=str(e), marks=pytest.mark.campaign) for e in LARGE),
]
