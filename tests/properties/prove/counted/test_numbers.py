"""What is known of numbers: exactly, one of a few values, or whether there are any."""

from __future__ import annotations

import itertools

import pytest
import z3  # type: ignore[import-untyped]  # z3-solver comes without types
from tiny_templates import comparison_of, space_of, templates

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.language import (
    RETRY,
    Procedure,
    call,
    internal,
    part,
    primitive,
    procedure,
    record,
)
from haiku_tuntap.properties.prove.counted import space
from haiku_tuntap.properties.prove.counted.facts import number
from haiku_tuntap.properties.prove.counted.population import CannotCountError
from haiku_tuntap.properties.prove.counted.terms import Fn, Shared, fn


@record
class Board:
    """Two numbers that all share."""

    left: Atomic = part(factory=Atomic)
    right: Atomic = part(factory=Atomic)
    tries: int = internal(default=0)

    @primitive()
    def try_three_times(self) -> bool:
        """Give up only the third time."""
        if self.tries < 3:
            self.tries = self.tries + 1
            return RETRY
        return True


@record
class Purse:
    """A number of a thread's own."""

    coins: Atomic = part(factory=Atomic)


@record
class Account:
    """Another number of a thread's own."""

    coins: int = internal(default=0)


@record
class Bank:
    """The accounts of those who came."""

    accounts: tuple[Account, ...] = internal(default=())

    @primitive()
    def join(self, account: Account) -> None:
        """Come, with a coin."""
        self.accounts = (*self.accounts, account)
        account.coins = account.coins + 1

    @primitive()
    def tax(self) -> None:
        """Take a coin from everybody."""
        for account in self.accounts:
            account.coins = account.coins - 1

    @primitive()
    def has_none(self, account: Account) -> bool:
        """Whether nothing is left."""
        return account.coins == 0


@procedure()
async def set_two_bits(board: Board) -> None:
    """Set one bit, and then another."""
    await board.left.or_(2)
    await board.left.or_(4)


@procedure()
async def save(bank: Bank, account: Account, board: Board) -> None:
    """Come, and see how that ends."""
    await bank.join(account)
    if await bank.has_none(account):
        await board.left.store(1)


@procedure()
async def tax(bank: Bank, account: Account) -> None:
    """Take a coin from everybody, and see who suffers."""
    await bank.tax()
    await bank.has_none(account)


@procedure()
async def count(board: Board) -> None:
    """Count."""
    await board.left.add(1)


@procedure()
async def copy(board: Board) -> None:
    """Load a number, and store it later."""
    seen = await board.left.load()
    await board.right.load()
    await board.right.store(seen)


@procedure()
async def count_for_ever(board: Board) -> None:
    """Count in a local."""
    counted = 0
    while await board.right.load() == 0:
        counted = counted + 1
    await board.left.store(counted)


@procedure()
async def ask_again(board: Board) -> None:
    """Ask until one gets it."""
    await board.try_three_times()


@procedure()
async def spend(board: Board, purse: Purse) -> None:
    """Earn two, spend two at once, and look."""
    await purse.coins.add(1)
    await purse.coins.add(1)
    await purse.coins.add(-2)
    if await purse.coins.load() == 0:
        await board.left.store(1)


@procedure()
async def want_exactly_two(board: Board, purse: Purse) -> None:
    """Earn two, and look whether it is two."""
    await purse.coins.add(1)
    await purse.coins.add(1)
    if await purse.coins.load() == 2:
        await board.left.store(1)


def test_a_local_may_have_any_value_that_is_computed_for_what_it_is_loaded_from() -> None:
    board = Board()
    comparison = comparison_of(templates(board, call(set_two_bits, board), call(copy, board)))
    difference = comparison.compare()
    assert comparison.space.domains["it.left.value"] == {0, 2, 4, 6}
    assert difference.missing == set()
    assert difference.more == set()


def test_of_a_counter_of_a_threads_own_it_is_known_whether_it_is_0() -> None:
    board = Board()
    comparison = comparison_of(templates(board, call(spend, board, Purse())))
    difference = comparison.compare()
    assert difference.missing == set()
    more = {tuple(state.fields for state, _ in after.threads) for _, after in difference.more}
    assert more == {((-1,),), ((1,),)}  # from 1 or more, less two


@pytest.mark.parametrize(
    ("made", "own", "text"),
    [
        (count, False, "it.left.value may have any number of values, and a thread keeps one"),
        (count_for_ever, False, "b can be in more than 500 local states"),
        (ask_again, False, "gives RETRY"),
        (want_exactly_two, True, r"Purse.coins.value exactly, of which it is only known whether"),
    ],
)
def test_what_is_not_known_exactly_enough_is_refused(
    made: Procedure[..., None], own: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "MOST_STATES", 500)
    board = Board()
    other = call(made, board, Purse()) if own else call(made, board)
    with pytest.raises(CannotCountError, match=text):
        space_of(board, call(copy, board), other)


def test_a_step_that_lowers_a_counter_of_each_thread_in_a_list_is_refused() -> None:
    """It may be 0 afterwards for some of them, and not for others."""
    bank = Bank()
    saving = call(save, bank, Account(), Board())
    with pytest.raises(CannotCountError, match=r"tax\(it\) needs Account\.coins exactly"):
        space_of(bank, saving, call(tax, bank, Account()))


@pytest.mark.parametrize("name", ["and", "or", "xor"])
def test_bits_are_those_of_python(name: str) -> None:
    x = z3.Int("x")
    values = [-300, -129, -5, -1, 0, 1, 5, 128, 255, 256, 300, 70_000]
    for value, mask in itertools.product(values, values):
        for term in (Fn(name, (Shared("x"), mask)), Fn(name, (mask, Shared("x")))):
            found = z3.simplify(z3.substitute(number(term), (x, z3.IntVal(value))))
            assert found.as_long() == fn(name, value, mask)


def test_bits_of_two_unknown_numbers_are_refused() -> None:
    with pytest.raises(CannotCountError, match="two numbers that are both unknown"):
        number(Fn("and", (Shared("x"), Shared("y"))))
