"""What a role says of locks: who is meant by a thread that holds a mutex cannot hold it, too.

A sender walks over the pollers while it holds the pool's mutex. So a poller that the sender's local
means cannot take that mutex, be it free or handed over. Local states that ignore this are left out,
which is sound as long as the bookkeeping holds, which is proved: that who is meant is meant by some
thread, and that a mutex has one owner.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Factory, define, field

from haiku_tuntap.model.language.graph import LocationKind, ThreadGraph
from haiku_tuntap.properties.prove.counted.moves import Move
from haiku_tuntap.properties.prove.counted.population import Role

Where = tuple[int, int]
"""A template and the number of a location."""


@define(eq=False)
class Exclusion:
    """Per role that a local gives, the mutexes that its thread holds all the while.

    `at` says which mutexes are held where, and `live` where a role's local is.
    """

    held: dict[Role, frozenset[Role]] = Factory(dict)
    at: dict[Where, frozenset[Role]] = Factory(dict)
    live: dict[Role, frozenset[Where]] = Factory(dict)
    _asked: dict[frozenset[Role], bool] = field(factory=dict)

    def impossible(self, roles: frozenset[Role]) -> bool:
        """Whether a thread cannot have these roles together."""
        if roles not in self._asked:
            none = frozenset[Role]()
            self._asked[roles] = any(self.held.get(role, none) & roles for role in roles)
        return self._asked[roles]

    def excluded_from(self, move: Move) -> frozenset[Role]:
        """The roles with which a thread can take no part in a move.

        The move is of a thread that holds a mutex, or finds it free, which the thread that gives
        the role holds, and it is not that thread.
        """
        where = (move.template, move.source.number)
        holds = self.at.get(where, frozenset()) | _found_free(move)
        return frozenset(
            role
            for role, owners in self.held.items()
            if owners & holds and where not in self.live[role]
        )


def _found_free(move: Move) -> frozenset[Role]:
    """The mutexes that a move takes."""
    return frozenset(
        edit.key[1]
        for edit in move.edits[0]
        if edit.key[0] == "role" and edit.value == 1 and edit.key[1].place.endswith(".owner")
    )


def exclusion(graphs: Iterable[ThreadGraph], moves: Iterable[Move]) -> Exclusion:
    """Find out what is held where, by the moves of all threads."""
    found = Exclusion()
    moves = list(moves)
    owners = {key[1] for m in moves for edits in m.edits for key in _owner_keys(edits)}
    roles = {key[1] for m in moves for edits in m.edits for key in _local_keys(edits)}
    for index, graph in enumerate(graphs):
        held = _held(graph, [m for m in moves if m.template == index], owners)
        for number, there in held.items():
            found.at[(index, number)] = frozenset(there)
        for role in roles:
            if role.template == index:
                places = [
                    location.number
                    for location in graph.locations
                    if location.number in held and any(v.name == role.local for v in location.live)
                ]
                found.live[role] = frozenset((index, number) for number in places)
                found.held[role] = frozenset(owners).intersection(*(held[n] for n in places))
    return found


def _owner_keys(edits: Iterable[object]) -> list[tuple[str, Role]]:
    return [k for k in _role_keys(edits) if k[1].place.endswith(".owner")]


def _local_keys(edits: Iterable[object]) -> list[tuple[str, Role]]:
    return [k for k in _role_keys(edits) if k[1].template is not None]


def _role_keys(edits: Iterable[object]) -> list[tuple[str, Role]]:
    keys = [edit.key for edit in edits]  # type: ignore[attr-defined]  # Edits
    return [key for key in keys if key[0] == "role"]


def _held(graph: ThreadGraph, moves: list[Move], owners: set[Role]) -> dict[int, set[Role]]:
    """The mutexes that a thread holds at each location, however it came there."""
    held: dict[int, set[Role]] = {0: set()}
    changed = True
    while changed:
        changed = False
        for source, target, gained, lost in _edges(graph, moves, owners):
            if source not in held:
                continue
            after = (held[source] | gained) - lost
            merged = after & held[target] if target in held else after
            if target not in held or merged != held[target]:
                held[target], changed = merged, True
    return held


def _edges(
    graph: ThreadGraph, moves: list[Move], owners: set[Role]
) -> list[tuple[int, int, set[Role], set[Role]]]:
    edges = []
    for move in moves:
        if move.target is not None:
            values = {e.key[1]: e.value for e in move.edits[0] if e.key[0] == "role"}
            gained = {role for role in owners if values.get(role) == 1}
            lost = {role for role in owners if values.get(role) == 0}
            edges.append((move.source.number, move.target.number, gained, lost))
    for location in graph.locations:
        if location.kind is LocationKind.BLOCKED:
            handed = {
                r for r in owners if location.label == f"lock({r.place.removesuffix('.owner')})"
            }
            edges.append((location.number, location.number + 1, handed, set()))
    return edges
