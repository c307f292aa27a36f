"""From what a search found back to who did what: schedules, and how to write one down.

A schedule is a list of moves (thread, choice). In the fine system it determines the run. A path
of the reduced search is turned into a fine schedule by doing, thread by thread, the steps that
were merged, under the names that the threads had before equal ones were exchanged.
"""

from __future__ import annotations

import itertools
import re

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.explore.layout import State
from haiku_tuntap.properties.explore.reduction import eager_locations
from haiku_tuntap.properties.explore.search import Model, Outcome, Violation

Move = tuple[int, int]  # a thread's index, and which of its possible steps it takes

_RUN = re.compile(r"([a-z])(\d+)(?:!(\d+))?")


def schedule_of(model: Model, outcome: Outcome, violation: Violation) -> list[Move]:
    """The moves that lead to a violation, the violating step included."""
    moves: list[Move] = []
    names = list(range(len(model.layout.graphs)))
    path = outcome.path_to(violation.state)
    for before, after in itertools.pairwise(path):
        step, names_after = _step_between(model, before, after, names)
        moves.append((names[model.program.steps[step].thread], model.program.steps[step].choice))
        names = names_after
    if violation.step is not None:
        last = model.program.steps[violation.step]
        moves.append((names[last.thread], last.choice))
    model.program.noted.clear()
    return moves


def _step_between(
    model: Model, before: State, after: State, names: list[int]
) -> tuple[int, list[int]]:
    for thread, block in enumerate(model.layout.blocks):
        for number in model.program.at[thread][before[block.first]]:
            successor = model.program.steps[number].function(before)
            if successor is None:
                continue
            renamed = names
            if model.symmetry is not None:
                successor, renamed = model.symmetry.canonical_with_names(successor, names)
            if successor == after:
                return number, renamed
    raise AssertionError("no step leads from a state to its child")


def refine(fine: Model, reduced: Model, moves: list[Move]) -> list[Move]:
    """The fine schedule that does what `moves` do in the reduced system.

    Where nothing can move in the end but threads that ask for a mutex, which the reduced search
    leaves standing before it, they go to sleep in its queue.
    """
    eager = eager_locations(reduced.layout.graphs, reduced.layout)
    eager_labels = [
        {(g.locations[n].kind, g.locations[n].label, g.locations[n].stack) for n in numbers}
        for g, numbers in zip(reduced.layout.graphs, eager, strict=True)
    ]

    def is_eager(state: State, thread: int) -> bool:
        at = fine.location(state, thread)
        return (at.kind, at.label, at.stack) in eager_labels[thread]

    state, made = fine.layout.initial, []
    for thread, choice in moves:
        todo = [(thread, choice)]
        while todo:
            move = todo.pop()
            made.append(move)
            following = take(fine, state, move)
            if following is None:
                return made  # the violation was met on the way
            state = following
            resumed = [
                t
                for t in range(len(fine.layout.graphs))
                if fine.location(state, t).kind is LocationKind.RESUMED and is_eager(state, t)
            ]
            if is_eager(state, thread):
                todo.append((thread, 0))
            elif resumed:
                todo.append((resumed[0], 0))
    return made + _asking(fine, state)


def _asking(fine: Model, state: State) -> list[Move]:
    """The moves of threads that ask for a mutex, if they are the only ones that can move."""
    made = []
    movable = able_to_move(fine, state)
    while movable and all(fine.location(state, t).label.startswith("lock(") for t in movable):
        following = take(fine, state, (movable[0], 0))
        if following is None:
            break
        made.append((movable[0], 0))
        state = following
        movable = able_to_move(fine, state)
    return made


def able_to_move(model: Model, state: State) -> list[int]:
    """The threads that can take a step other than to begin a call: none in a quiescent state."""
    able = []
    for thread, graph in enumerate(model.layout.graphs):
        location = model.location(state, thread)
        if location.kind is not LocationKind.CALL and any(
            take(model, state, (thread, choice)) is not None
            for choice in range(len(graph.locations[location.number].steps))
        ):
            able.append(thread)
    return able


def take(model: Model, state: State, move: Move) -> State | None:
    """The state after a move; None if it cannot be made or ended the path."""
    thread, choice = move
    numbers = model.program.at[thread][state[model.layout.blocks[thread].first]]
    if choice >= len(numbers):
        return None
    return model.program.steps[numbers[choice]].function(state)


def write(moves: list[Move]) -> str:
    """A schedule as a short word: `a5b1!1a2` is five moves of thread a, one of b, two of a."""
    word, index = "", 0
    while index < len(moves):
        thread, choice = moves[index]
        count = 1
        while index + count < len(moves) and moves[index + count] == moves[index]:
            count += 1
        word += f"{chr(ord('a') + thread)}{count}" + (f"!{choice}" if choice else "")
        index += count
    return word


def read(word: str) -> list[Move]:
    """The schedule that `write` wrote. ValueError if the word is none."""
    if not word or not re.fullmatch(f"(?:{_RUN.pattern})+", word):
        raise ValueError(word)
    moves: list[Move] = []
    for match in _RUN.finditer(word):
        letter, count, choice = match.groups()
        moves += [(ord(letter) - ord("a"), int(choice or 0))] * int(count)
    return moves
