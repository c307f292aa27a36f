"""The language of kernel and driver code. Start with routines.py and records.py."""

from haiku_tuntap.model.language.errors import LanguageError, Where
from haiku_tuntap.model.language.records import final, guarded_by, internal, part, record
from haiku_tuntap.model.language.routines import (
    BLOCK,
    RETRY,
    Chance,
    Event,
    Primitive,
    Procedure,
    allocate,
    current_thread,
    free,
    happens,
    primitive,
    procedure,
    reached,
    violated,
    wake,
    without,
)
from haiku_tuntap.model.language.system import Call, Substitution, System, ThreadSpec, call
from haiku_tuntap.model.language.threads import Thread

__all__ = [
    "BLOCK",
    "RETRY",
    "Call",
    "Chance",
    "Event",
    "LanguageError",
    "Primitive",
    "Procedure",
    "Substitution",
    "System",
    "Thread",
    "ThreadSpec",
    "Where",
    "allocate",
    "call",
    "current_thread",
    "final",
    "free",
    "guarded_by",
    "happens",
    "internal",
    "part",
    "primitive",
    "procedure",
    "reached",
    "record",
    "violated",
    "wake",
    "without",
]
