"""Building a graph of instructions front to back: the loose ends, and what is known there.

`held` is the set of locks that the thread surely holds at the loose ends. Where paths meet it
must agree: a lock that is held on one path and not on the other is refused, because nobody could
say any more whether an access is protected.
"""

from __future__ import annotations

from attrs import Factory, define

from haiku_tuntap.model.language.errors import LanguageError, Where
from haiku_tuntap.model.language.graph import (
    Branch,
    Expr,
    Goto,
    Instr,
    Join,
    Location,
    Retry,
    Step,
)


@define(eq=False)
class Label:
    """A point that paths jump to; placed once, before or after the jumps."""

    join: Join = Factory(Join)
    held: frozenset[Expr] | None = None
    used: bool = False


@define(eq=False)
class Flow:
    """The loose ends of the graph built so far, as (instruction, attribute) pairs."""

    ends: list[tuple[Instr, str]] = Factory(list)
    held: frozenset[Expr] = frozenset()

    @property
    def reachable(self) -> bool:
        return bool(self.ends)

    def emit(self, instr: Instr) -> None:
        """Append an instruction to all loose ends."""
        for end, attribute in self.ends:
            setattr(end, attribute, instr)
        self.ends = [(instr, "next")]

    def branch(self, instr: Branch, yes: Label, no: Label, where: Where) -> None:
        """Go to `yes` if the test holds, else to `no`."""
        self.emit(instr)
        for label, attribute in ((yes, "next"), (no, "otherwise")):
            self.ends = [(instr, attribute)]
            self.jump(label, where)

    def jump(self, label: Label, where: Where) -> None:
        """Connect the loose ends to `label`; what follows is unreachable."""
        if not self.ends:
            return
        if label.held is None:
            label.held = self.held
        elif label.held != self.held:
            raise LanguageError(
                where,
                "a lock is held on one path to this point and not on another",
                "unlock on both paths, or return before the paths meet",
            )
        label.used = True
        self.emit(label.join)
        self.ends = []

    def place(self, label: Label, where: Where) -> None:
        """Go on at `label`, from its jumps and from the loose ends."""
        self.jump(label, where)
        if label.used:
            self.ends = [(label.join, "next")]
            self.held = label.held if label.held is not None else self.held

    def arrive(self, location: Location) -> None:
        """End the step: the thread is at `location`, from which it goes on with a fresh step."""
        self.emit(Goto(location))
        self.ends = []

    def start(self, location: Location, choice: str = "") -> None:
        """Begin building a step of `location`."""
        entry = Join()
        location.steps.append(Step(choice, entry))
        self.ends = [(entry, "next")]

    def retry(self) -> None:
        """End the path: the step cannot be taken."""
        self.emit(Retry())
        self.ends = []
