"""A loop that really happens: a run of a small system that comes back to where it was.

The theorem's scenarios are searched in depth, as far as the limit allows, for a state that is met
again on the way on from it. Calls that have begun are never begun again, so that whatever happens
in between are the threads' own steps. A counter may have grown meanwhile (a reader that announces
itself in every round raises `waiting`); then the round is repeated to see that it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.search import Model, model_of
from haiku_tuntap.properties.prove.counted.proof import Proof
from haiku_tuntap.properties.prove.ranking.outcome import Run, Search

LIMIT = 100_000  # states of one scenario
TELL_EVERY = 2_000
ROUNDS = 100  # how often a loop is repeated that raises a counter

Step = tuple[int, State]
"""A step by its number, and the state it leads to."""


def find_run(proof: Proof, tell: Callable[[str, int, int], None], limit: int = LIMIT) -> Search:
    """Look for a run with a loop in each of the theorem's scenarios, one after the other."""
    complete = True
    for name in proof.theorem.scenarios:
        model = model_of(SCENARIOS[name].build(proof.driver), reduced=False)
        search = _Depth(model, limit, lambda done: tell("looking for a loop", done, limit))
        path = search.run()
        if path is not None:
            steps_before, round_ = path
            steps = [model.program.steps[number] for number, _ in round_]
            threads = [spec.name for spec in model.system.threads]
            told = tuple((threads[step.thread], step.location.label) for step in steps)
            return Search(Run(name, steps_before, told), proof.theorem.scenarios, complete)
        complete = complete and search.complete
    return Search(None, proof.theorem.scenarios, complete)


class _Depth:
    """One search in depth. `counting` are the slots of numbers, `telling` all others."""

    def __init__(self, model: Model, limit: int, tell: Callable[[int], None]) -> None:
        self.model = model
        self.limit = limit
        self.tell = tell
        self.complete = True
        layout = model.layout
        shared = {slot for slot in layout.slots.values() if layout.types[slot].name == "int"}
        self.counting = sorted(shared)
        self.telling = [at for at in range(len(layout.initial)) if at not in shared]

    def run(self) -> tuple[int, list[Step]] | None:
        """How many steps lead to a loop, and the loop; None if none was met."""
        start = self.model.layout.initial
        path: list[Step] = [(-1, start)]
        on_path = {self._key(start): 0}
        met = {start}
        pending = [self._steps_from(start)]
        while pending:
            step = next(pending[-1], None)
            if step is None:
                pending.pop()
                on_path.pop(self._key(path.pop()[1]), None)
                continue
            state = step[1]
            at = on_path.get(self._key(state))
            if at is not None and self._goes_round(path[at][1], [*path[at + 1 :], step]):
                return at, [*path[at + 1 :], step]
            if state in met:
                continue
            if len(met) == self.limit:
                self.complete = False
                return None
            met.add(state)
            if len(met) % TELL_EVERY == 0:
                self.tell(len(met))
            on_path[self._key(state)] = len(path)
            path.append(step)
            pending.append(self._steps_from(state))
        return None

    def _key(self, state: State) -> State:
        """A state but for its counters."""
        return tuple([state[at] for at in self.telling])

    def _goes_round(self, state: State, steps: Sequence[Step]) -> bool:
        """Whether the same steps can be done again and again, and lower no counter."""
        after = steps[-1][1]
        if any(after[at] < state[at] for at in self.counting):
            return False
        for _ in range(ROUNDS):
            for number, _ in steps:
                following = self.model.program.steps[number].function(after)
                if following is None:
                    return False
                after = following
        return self._key(after) == self._key(state)

    def _steps_from(self, state: State) -> Iterator[Step]:
        program = self.model.program
        for thread, block in enumerate(self.model.layout.blocks):
            for number in program.at[thread][state[block.first]]:
                after = program.steps[number].function(state)
                if after is not None:
                    yield number, after
