"""Where the two sides of a branch meet again.

Generated code is structured: `if`/`else`, and then what both sides go on with, written once. The
meeting point of a branch is the first instruction that both sides reach, if no path gets past it;
paths that end on the way do not matter. Without one, what follows is written on both sides.
"""

from __future__ import annotations

from attrs import Factory, define

from haiku_tuntap.model.language.graph import Branch, Instr


@define(eq=False)
class Joins:
    """Meeting points, found once per instruction."""

    reach: dict[Instr, frozenset[Instr]] = Factory(dict)
    found: dict[Branch, Instr | None] = Factory(dict)

    def of(self, branch: Branch) -> Instr | None:
        """The meeting point of a branch."""
        if branch not in self.found:
            self.found[branch] = self._find(branch)
        return self.found[branch]

    def _find(self, branch: Branch) -> Instr | None:
        if branch.next is None or branch.otherwise is None:
            return None
        yes, no = self.reachable(branch.next), self.reachable(branch.otherwise)
        common = yes & no
        entries = {
            successor
            for instr in {branch} | (yes ^ no)
            for successor in instr.successors()
            if successor in common
        }
        return entries.pop() if len(entries) == 1 else None

    def reachable(self, instr: Instr) -> frozenset[Instr]:
        """All instructions from `instr` to the ends of the step."""
        if instr not in self.reach:
            after = [self.reachable(s) for s in instr.successors()]
            self.reach[instr] = frozenset([instr]).union(*after)
        return self.reach[instr]

    def region(self, branch: Branch, join: Instr) -> frozenset[Instr]:
        """The instructions of both sides before they meet."""
        assert branch.next is not None
        assert branch.otherwise is not None
        both = self.reachable(branch.next) | self.reachable(branch.otherwise)
        return both - self.reachable(join)
