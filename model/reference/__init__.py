"""The reference: what a tunnel device must do, as a machine that can be run.

A *state* is a value: the interface, the files, two queues of packets, and the calls that are
inside. A call passes through it in three steps. `invoke` says that a thread has begun; nothing is
decided yet. Then, at one instant, the call takes effect: `completable` lists every way in which it
may do so now, each with a result, the next state, and the clause of the specification that says
so; if there is none, the call waits. `leave` says that it has returned. `step` is all three at
once, for a caller who is alone.

The instant of the effect is what makes the machine simple: each operation is one transition. What
real drivers do with locks and semaphores must look as if every call had happened at some instant
between its beginning and its end; that is linearizability, and it is checked elsewhere.

The two ends matter all the same. A read that began before a close and one that began after it
differ: the first may still get a packet. A signal concerns calls that are inside. And a file is
free for the next open only when the last call that used it has returned.

`completable` may list several outcomes, because two statuses are allowed by a profile or because a
packet and a signal compete. One that is *promised* is owed to the call, which may not sleep on. A
state in which nothing is promised to anybody is *quiescent* (`quiescent`, `ignored`).

Clauses are named where they are said, such as READ-1; an outcome names its own.
"""

from haiku_tuntap.model.reference.files import holding, refused_content
from haiku_tuntap.model.reference.interface import has_handler
from haiku_tuntap.model.reference.machine import (
    Reference,
    completable,
    ignored,
    invoke,
    leave,
    quiescent,
    step,
)
from haiku_tuntap.model.reference.operations import (
    OK,
    Close,
    Delete,
    Deliver,
    Deselect,
    Events,
    InterfaceDown,
    InterfaceUp,
    Kind,
    Open,
    Operation,
    Packet,
    Poll,
    Read,
    Result,
    Select,
    SetBlocking,
    SetMtu,
    Signal,
    Transmit,
    Write,
)
from haiku_tuntap.model.reference.state import Call, File, Outcome, State, fits

__all__ = [
    "OK",
    "Call",
    "Close",
    "Delete",
    "Deliver",
    "Deselect",
    "Events",
    "File",
    "InterfaceDown",
    "InterfaceUp",
    "Kind",
    "Open",
    "Operation",
    "Outcome",
    "Packet",
    "Poll",
    "Read",
    "Reference",
    "Result",
    "Select",
    "SetBlocking",
    "SetMtu",
    "Signal",
    "State",
    "Transmit",
    "Write",
    "completable",
    "fits",
    "has_handler",
    "holding",
    "ignored",
    "invoke",
    "leave",
    "quiescent",
    "refused_content",
    "step",
]
