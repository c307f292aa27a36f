"""Taking the steps of the counted form from one of its states, one at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from random import Random

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.graph import LocationKind
from haiku_tuntap.properties.prove.counted.joints import Rule
from haiku_tuntap.properties.prove.counted.local import LocalState
from haiku_tuntap.properties.prove.counted.space import Space
from haiku_tuntap.properties.prove.counted.terms import Own, Shared, Term, substitute


@frozen(cache_hash=True)
class CountedState:
    """How many threads are in each local state, and the values of the shared variables."""

    threads: frozenset[tuple[LocalState, int]]
    shared: tuple[int, ...]


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
    in_turn: frozenset[str] = frozenset()
    by_actor: dict[LocalState, list[Rule]] = Factory(dict)
    _alive: dict[str, frozenset[tuple[int, int]]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        unbounded = self.space.population.unbounded
        alive: dict[str, set[tuple[int, int]]] = {}
        for template in self.space.templates:
            for location in template.graph.locations:
                for var in location.live & unbounded:
                    name = f"{template.name}'s {var.name}"
                    alive.setdefault(name, set()).add((template.index, location.number))
        self._alive = {name: frozenset(places) for name, places in alive.items()}
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
                if self._has_to_wait(rule, threads):
                    continue
                for members in self._members(rule, actor, threads):
                    for after in self._after(rule, members, threads):
                        yield rule, self._made(rule, after, shared)

    def allows(self, rule: Rule, shared: Mapping[str, int]) -> bool:
        """Whether the shared variables allow a rule."""
        return all(bool(value(term, shared)) is truth for term, truth in rule.guard)

    def _has_to_wait(self, rule: Rule, threads: dict[LocalState, int]) -> bool:
        """Whether a rule begins a call that others of those in turn have to end theirs for."""
        templates = self.space.templates
        begins = rule.move.source.kind is LocationKind.CALL
        return (begins and templates[rule.move.template].name in self.in_turn) and any(
            templates[s.template].name in self.in_turn and templates[s.template].location(s).pending
            for s in threads
        )

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
        after |= dict.fromkeys(self.unread(threads), 0)
        return CountedState(frozenset(threads.items()), tuple(after[n] for n in self.names))

    def unread(self, threads: Iterable[LocalState]) -> Iterator[str]:
        """The variables that stand for locals which no thread will read any more."""
        places = {(local.template, local.place) for local in threads}
        return (name for name, alive in self._alive.items() if not places & alive)


def initial_values(space: Space) -> dict[str, int]:
    """The shared variables of a space in its initial state, by name."""
    population = space.population
    found = {role.variable: 0 for role in space.by_role if role.template is not None}
    for var in population.unbounded:
        for template in space.templates:
            found[f"{template.name}'s {var.name}"] = 0
    for cell in population.layout.slots:
        if cell[0] not in population.own:
            place = f"{population.instance(cell[0]).name}.{cell[1]}"
            found[place] = population.initial(*cell)
    return found


def random_runs(
    space: Space, one: frozenset[str], in_turn: frozenset[str], *, runs: int, steps: int
) -> Iterator[tuple[dict[LocalState, int], dict[str, int]]]:
    """The states of some runs, always the same ones: numbers of threads, and shared variables.

    There are three threads of each template, but for those of which there is one.
    """
    random = Random(0)
    shared = initial_values(space)
    names = list(shared)
    rules = Rules(space, names, in_turn)
    threads = {t.initial: 1 if t.name in one else 3 for t in space.templates}
    for _ in range(runs):
        state = CountedState(frozenset(threads.items()), tuple(shared.values()))
        for _ in range(steps):
            yield dict(state.threads), dict(zip(names, state.shared, strict=True))
            following = [after for _, after in rules.successors(state)]
            if not following:
                break
            state = random.choice(following)
