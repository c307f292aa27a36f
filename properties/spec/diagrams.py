"""State diagrams of the reference, drawn from the reference itself.

Each is what a search through a tiny world finds: one device, one or two files, one call that is
watched, and a few things that others may do. States that look alike to the reader of the diagram
are one state of it. A step that changes nothing is left out, unless it is a refusal. The text is
Mermaid's, in the order in which the search comes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field

from haiku_tuntap.model.profiles import REQUIRED
from haiku_tuntap.model.reference import (
    Close,
    Delete,
    Events,
    InterfaceDown,
    InterfaceUp,
    Open,
    Operation,
    Packet,
    Poll,
    Read,
    Reference,
    Signal,
    State,
    Transmit,
    completable,
    invoke,
    leave,
    step,
)
from haiku_tuntap.model.status import B_OK

CALLER, OTHER = "caller", "other"
PACKET = Packet("packet")

Moves = Callable[[State], Iterator[tuple[str, State]]]
"""What may happen in a state: what it is called, and the state after it."""


@define
class Diagram:
    """A state diagram in the making: nodes in order, and the labels of each edge."""

    nodes: list[str] = field(factory=list)
    edges: dict[tuple[str, str], list[str]] = field(factory=dict)

    def node(self, name: str) -> str:
        """The diagram's own name for a node."""
        if name not in self.nodes:
            self.nodes.append(name)
        return f"s{self.nodes.index(name)}"

    def edge(self, source: str, target: str, label: str) -> None:
        """Draw an edge once."""
        labels = self.edges.setdefault((source, target), [])
        if label not in labels:
            labels.append(label)

    def text(self) -> str:
        """The diagram for Mermaid."""
        lines = ["stateDiagram-v2"]
        lines += [f'    state "{name}" as s{n}' for n, name in enumerate(self.nodes)]
        for (source, target), labels in self.edges.items():
            lines.append(f"    {source} --> {target} : {', '.join(labels)}")
        return "\n".join(lines)


def draw(initial: State, begin: str, label: Callable[[State], str], moves: Moves) -> Diagram:
    """The diagram of everything that can come about from one state."""
    diagram = Diagram()
    diagram.edge("[*]", diagram.node(label(initial)), begin)
    seen, pending = {initial}, [initial]
    while pending:
        state = pending.pop(0)
        for name, after in moves(state):
            diagram.edge(diagram.node(label(state)), diagram.node(label(after)), name)
            if after not in seen:
                seen.add(after)
                pending.append(after)
    return diagram


def by_others(state: State, operations: dict[str, Operation]) -> Iterator[tuple[str, State]]:
    """What operations do that begin now and do not wait: a change, or a refusal."""
    for name, operation in operations.items():
        for outcome in step(state, operation, REQUIRED, thread=OTHER):
            status = None if outcome.result is None else outcome.result.status
            if status == B_OK and outcome.state != state:
                yield name, outcome.state
            elif status not in (None, B_OK):
                yield f"{name} gives {status.name}", outcome.state


# A call, from its beginning to its end


def ways_to_end(state: State) -> str:
    """How the watched call may end now, and by which clause."""
    ways = [
        f"{way.result} ({way.clause})".replace(str(PACKET), "and the packet")
        for way in completable(state, CALLER, REQUIRED)
    ]
    if len(ways) > 3:
        # After a close poll may report any events beside INVALID; which, means nothing.
        ways = list(dict.fromkeys(w if "INVALID" not in w else "INVALID (WAKE-5)" for w in ways))
    return "may end with " + ", or ".join(ways) if ways else "waits"


def call_diagram(operation: Operation, others: dict[str, Operation]) -> str:
    """What happens to one call while others act; it may end wherever it does not wait."""
    initial = invoke(Reference(capacity=1, files=(1,)).initial(), CALLER, operation)

    def moves(state: State) -> Iterator[tuple[str, State]]:
        # A call of others that is refused is no event to the one that is watched.
        return ((name, after) for name, after in by_others(state, others) if after != state)

    diagram = draw(initial, "begins", ways_to_end, moves)
    for name in list(diagram.nodes):
        if name != "waits":
            diagram.edge(diagram.node(name), "[*]", "ends")
    return diagram.text()


def read_call() -> str:
    """A blocking read."""
    others: dict[str, Operation] = {
        "a packet comes": Transmit(PACKET),
        "another read takes it": Read(1),
        "its file is closed": Close(1),
        "a signal": Signal(CALLER),
    }
    return call_diagram(Read(1), others)


def poll_call() -> str:
    """A poll for READ."""
    others: dict[str, Operation] = {
        "a packet comes": Transmit(PACKET),
        "a read takes it": Read(1),
        "its file is closed": Close(1),
    }
    return call_diagram(Poll(1, Events.READ), others)


# Files


def file_state(state: State) -> str:
    """Who has the device open, and who is still inside of what."""
    held = any(not file.closed for file in state.files)
    parts = ["open" if held else "not open"]
    call = state.call(CALLER)
    if call is not None:
        own = state.file(getattr(call.operation, "file", 0))
        closed = call.late or own is None or own.closed
        parts.append("a call of the closed file inside" if closed else "a call inside")
    return ", ".join(parts)


def file_life() -> str:
    """Opening and closing, with one call that may be inside meanwhile."""

    def moves(state: State) -> Iterator[tuple[str, State]]:
        opened = max((file.number for file in state.files), default=0)
        held = next((file.number for file in state.files if not file.closed), None)
        if held is not None:
            yield from by_others(state, {"open": Open(9)})
            yield from by_others(state, {"close": Close(held)})
        elif opened < 3:
            yield from by_others(state, {"open": Open(opened + 1)})
        if state.call(CALLER) is not None:
            for way in completable(state, CALLER, REQUIRED):
                yield "the call returns", leave(way.state, CALLER)
        elif held is not None:
            yield "a call begins", invoke(state, CALLER, Poll(held, wait=False))

    return draw(Reference().initial(), "the device is made", file_state, moves).text()


# The interface


def interface_state(state: State) -> str:
    """Up, down or deleted, and whether somebody has the device open."""
    if state.deleted:
        return "deleted"
    return f"{'up' if state.up else 'down'}, {'open' if state.files else 'not open'}"


def interface_life() -> str:
    """Up, down and delete, while the device is open or is not."""

    def moves(state: State) -> Iterator[tuple[str, State]]:
        if not state.deleted:
            yield from by_others(state, {"up": InterfaceUp(), "down": InterfaceDown()})
            yield from by_others(state, {"close": Close(1)} if state.files else {"open": Open(1)})
            yield from by_others(state, {"delete": Delete()})
        else:
            yield from by_others(state, {"open": Open(2)})

    initial = Reference(up=False).initial()
    return draw(initial, "the interface is made", interface_state, moves).text()
