"""What a check can say, and the record of one result.

| verdict      | means                                                           | exit |
|--------------|-----------------------------------------------------------------|------|
| HOLDS        | no violation in the whole state space of the stated bounds      | 0    |
| REFUTED      | a trace exists; it is shown                                     | 1    |
| UNDETERMINED | a limit was hit (time, memory, states); never shown as success  | 3    |

A result is *vacuous* when the property held but its interesting situation was never reached, so
that holding says nothing. (PROVED, for any number of threads, is for the prover to say.)
"""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from haiku_tuntap.model.language.errors import Where


class Verdict(Enum):
    """The answer to whether a property holds in a scenario."""

    HOLDS = "HOLDS"
    REFUTED = "REFUTED"
    UNDETERMINED = "UNDETERMINED"


class Engine(Enum):
    """What finds a verdict: the search (explore/), or Z3 (prove/finite/) in two ways."""

    EXPLORE = "explore"
    BMC = "bmc"
    INDUCTION = "induction"


class Comparison(Enum):
    """How a result stands to what is known of the shipped driver.

    KNOWN: refuted by a declared defect. FIXED: a declared defect that is not there any more.
    NEW: refuted, and not declared.
    """

    KNOWN = "KNOWN"
    FIXED = "FIXED"
    NEW = "NEW"


@frozen
class Change:
    """A value that a step changed, in words: `send_queue.waiting: 0 → 1`."""

    name: str
    before: str
    after: str


@frozen
class TraceStep:
    """One step of one thread.

    `action` is what it did ("lock(device.send_queue.lock)"), `outcome` what came of it where that
    is worth saying ("sleeps", "woken with B_INTERRUPTED", "read returns B_OK"). `where` is the
    line of the model, `source` the place in Haiku ("stack/utility.cpp:258").
    """

    number: int
    thread: int
    action: str
    outcome: str | None
    where: Where | None
    source: str | None
    changes: tuple[Change, ...]


@frozen
class Trace:
    """A run that violates a property, step by step, and in words why it does.

    `shortest` says that no run with fewer steps does; if it is false the steps are those of a
    reduced search, written out in full; of a replayed trace it is None, since nothing was searched.
    """

    threads: tuple[str, ...]
    steps: tuple[TraceStep, ...]
    conclusion: tuple[str, ...]
    shortest: bool | None
    token: str


@frozen
class Result:
    """What was found of one property in one scenario.

    `states`, `depth` and `seconds` are of the search when the verdict was certain; for a
    refutation, when it was found; Z3 counts no states, and says 0. `limit` says which limit made
    the verdict UNDETERMINED.
    """

    driver: str
    scenario: str
    property: str
    verdict: Verdict
    states: int
    depth: int
    seconds: float
    bounds: str
    reason: str | None = None
    limit: str | None = None
    vacuous: bool = False
    known: str | None = None
    comparison: Comparison | None = None
    trace: Trace | None = field(default=None, repr=False)
    engine: Engine = Engine.EXPLORE
