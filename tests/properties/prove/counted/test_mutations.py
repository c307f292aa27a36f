"""A translation that is wrong in one place takes other steps than the search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agreement import Comparison, Difference, Instance, instance_compared, space_of, templates_of
from attrs import evolve

from haiku_tuntap.properties.prove.counted import evaluate, surroundings, terms, values
from haiku_tuntap.properties.prove.counted.execute import Path
from haiku_tuntap.properties.prove.counted.joints import Joint
from haiku_tuntap.properties.prove.counted.moves import Move
from haiku_tuntap.properties.prove.counted.space import Space

CLOSING = Instance("tunnel", "close", {"reader": 1, "sender": 1, "closer": 1})


@pytest.fixture
def comparison() -> Comparison:
    return instance_compared(CLOSING)


@pytest.fixture
def mistranslated(monkeypatch: pytest.MonkeyPatch, comparison: Comparison) -> Any:
    """How the search differs from a translation in which a function is replaced."""

    def translate(target: object, name: str, wrong: Callable[..., Any]) -> Difference:
        monkeypatch.setattr(target, name, wrong)
        return comparison.compare(space_of(templates_of(CLOSING)))

    return translate


def test_the_translation_as_it_is_differs_in_nothing(comparison: Comparison) -> None:
    assert comparison.compare(space_of(templates_of(CLOSING))) == Difference(set(), set(), set())


def test_a_thread_that_is_not_marked_as_waiting_is_noticed(mistranslated: Any) -> None:
    difference = mistranslated(Path, "_settle_member", lambda *_: None)
    assert difference.missing
    assert difference.more


def test_an_owner_that_stays_the_owner_is_noticed(mistranslated: Any) -> None:
    right = Path._settle_one

    def wrong(path: Path, role: Any, value: Any) -> None:
        if value != values.NONE:
            right(path, role, value)

    assert mistranslated(Path, "_settle_one", wrong).missing


def test_a_step_that_can_be_taken_too_often_is_noticed(mistranslated: Any) -> None:
    right = surroundings.joint_of

    def wrong(move: Move) -> Joint:
        return evolve(right(move), together=[])

    difference = mistranslated(surroundings, "joint_of", wrong)
    assert difference.more
    assert not difference.missing


def test_waking_one_where_all_are_to_be_woken_is_noticed(mistranslated: Any) -> None:
    difference = mistranslated(Path, "_for_each", lambda *_: None)
    assert difference.missing
    assert difference.more


def test_a_sleeper_that_is_not_moved_on_is_noticed(mistranslated: Any) -> None:
    def wrong(self: Space, rule: Any, who: int, state: Any, wakes: bool) -> int | None:
        if rule.move.target is None:
            return None
        place: int = rule.move.target.number if who == 0 else state.place
        return place

    assert mistranslated(Space, "_goes_to", wrong).missing


def test_a_counter_that_is_lowered_by_two_is_noticed(mistranslated: Any) -> None:
    right = terms.fn

    def wrong(name: str, *args: Any) -> Any:
        return right(name, args[0], 2) if name == "sub" and args[1] == 1 else right(name, *args)

    assert mistranslated(evaluate, "fn", wrong).missing
