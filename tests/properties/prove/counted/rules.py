"""Taking the steps of the counted form from one of its states."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

from abstraction import CountedState
from attrs import Factory, define

from haiku_tuntap.properties.prove.counted.space import LocalState, Rule, Space
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, substitute


def value(term: Term, shared: Mapping[str, int]) -> int:
    """What a term over shared variables is."""

    def put(leaf: Shared | Own) -> Term:
        assert isinstance(leaf, Shared)
        return shared[leaf.name]

    found = substitute(term, put)
    assert isinstance(found, int)
    return found


@define(eq=False)
class Rules:
    """The rules of a space, to be applied. `names` are its shared variables, in order."""

    space: Space
    names: list[str]
    by_actor: dict[LocalState, list[Rule]] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        for rule in self.space.rules:
            for state in rule.pairs[0]:
                self.by_actor.setdefault(state, []).append(rule)

    def successors(self, counted: CountedState) -> Iterator[tuple[Rule, CountedState]]:
        """All states one step away, each with the rule that leads there."""
        threads = dict(counted.threads)
        shared = dict(zip(self.names, counted.shared, strict=True))
        for actor in threads:
            for rule in self.by_actor.get(actor, ()):
                if rule.move.target is None or not self.allows(rule, shared):
                    continue
                for members in self._members(rule, actor, threads):
                    for after in self._after(rule, members, threads):
                        yield rule, self._made(rule, after, shared)

    def allows(self, rule: Rule, shared: Mapping[str, int]) -> bool:
        """Whether the shared variables allow a rule."""
        return all(bool(value(term, shared)) is truth for term, truth in rule.guard)

    def _members(
        self, rule: Rule, actor: LocalState, threads: dict[LocalState, int]
    ) -> Iterator[tuple[LocalState, ...]]:
        """Who can take part: for each participant the local state of a thread of its own."""
        sides = [[s for s in threads if s in pairs] for pairs in rule.pairs[1:]]
        for others in itertools.product(*sides):
            members = (actor, *others)
            if all(n <= threads[s] for s, n in Counter(members).items()):
                yield members

    def _after(
        self, rule: Rule, members: tuple[LocalState, ...], threads: dict[LocalState, int]
    ) -> Iterator[Counter[LocalState]]:
        rest = Counter(threads)
        rest.subtract(members)
        swept: Counter[LocalState] = Counter()
        roles = {everyone.role for everyone in rule.everyone}
        for state, count in rest.items():
            if count and roles & state.roles:
                (target,) = self.space.swept(rule, state)
                swept[target] += count
            elif count:
                swept[state] += count
        choices = [pairs[s] for s, pairs in zip(members, rule.pairs, strict=True)]
        for chosen in itertools.product(*choices):
            yield swept + Counter(chosen)

    def _made(
        self, rule: Rule, threads: Counter[LocalState], shared: dict[str, int]
    ) -> CountedState:
        after = shared | {name: value(term, shared) for name, term in rule.shared}
        return CountedState(frozenset(threads.items()), tuple(after[n] for n in self.names))
