"""Who takes part in a step that is about several threads: two of them may be the same one."""

from __future__ import annotations

import pytest
from tiny_templates import comparison_of, templates

from haiku_tuntap.model.kernel.atomic import Atomic
from haiku_tuntap.model.language import (
    Procedure,
    System,
    Thread,
    ThreadSpec,
    call,
    current_thread,
    internal,
    part,
    primitive,
    procedure,
    record,
    wake,
)
from haiku_tuntap.model.status import B_OK
from haiku_tuntap.properties.prove.counted.population import CannotCountError
from haiku_tuntap.properties.prove.counted.proof import system_space


@record
class Club:
    """Threads that know of each other."""

    owner: Thread | None = internal(default=None)
    members: tuple[Thread, ...] = internal(default=())
    told: Atomic = part(factory=Atomic)

    @primitive()
    def own(self) -> None:
        """Become the owner."""
        self.owner = current_thread()

    @primitive()
    def join(self) -> None:
        """Become a member."""
        self.members = (*self.members, current_thread())

    @primitive()
    def tell_owner(self) -> None:
        """Tell the owner."""
        owner = self.owner
        if owner is not None:
            owner.signalled = True

    @primitive()
    def tell_first(self) -> None:
        """Tell the first member."""
        self.members[0].signalled = True

    @primitive()
    def tell_all(self) -> None:
        """Tell all members."""
        for member in self.members:
            member.signalled = True

    @primitive()
    def tell_all_but_owner(self) -> None:
        """Tell all members, and take it back from the owner."""
        for member in self.members:
            member.signalled = True
        owner = self.owner
        if owner is not None:
            owner.signalled = False

    @primitive()
    def tell_owner_but_not(self, target: Thread) -> None:
        """Tell the owner, unless that is the target."""
        owner = self.owner
        if owner is not None:
            owner.signalled = True
            target.signalled = False

    @primitive()
    def find_first(self) -> Thread | None:
        """The first member, if there is one."""
        if self.members:
            return self.members[0]
        return None

    @primitive()
    def tell(self, target: Thread) -> None:
        """Tell that one."""
        target.signalled = True

    @primitive()
    def wake_all(self) -> None:
        """Wake all members, as if they slept."""
        for member in self.members:
            wake(member, B_OK)

    @primitive()
    def was_told(self) -> bool:
        """Whether one was told."""
        return current_thread().signalled


@procedure()
async def note(club: Club) -> None:
    """Note that one was told."""
    if await club.was_told():
        await club.told.store(1)


@procedure()
async def own_and_tell(club: Club) -> None:
    """Tell the owner, who is oneself or who came later."""
    await club.own()
    await club.tell_owner()
    await note(club)


@procedure()
async def join_and_tell_first(club: Club) -> None:
    """Tell the first member, who is oneself or who came earlier."""
    await club.join()
    await club.tell_first()
    await note(club)


@procedure()
async def join_and_tell_all(club: Club) -> None:
    """Tell all members, oneself included."""
    await club.join()
    await club.tell_all()
    await note(club)


@procedure()
async def own_and_tell_all_but_owner(club: Club) -> None:
    """Tell all members but one."""
    await club.join()
    await club.own()
    await club.tell_all_but_owner()
    await note(club)


@procedure()
async def own_and_look(club: Club) -> None:
    """Become the owner and see what happens."""
    await club.own()
    await note(club)


@procedure()
async def tell_owner_but_not(club: Club, target: Thread) -> None:
    """Tell the owner, unless that is the target."""
    await club.tell_owner_but_not(target)


@procedure()
async def tell_whom_one_finds(club: Club) -> None:
    """Look first, and tell later."""
    found: Thread | None = await club.find_first()
    if found is not None:
        await club.own()
        await club.tell(found)


@procedure()
async def join_and_look(club: Club) -> None:
    """Become a member and see what happens."""
    await club.join()
    await note(club)


@procedure()
async def tell_before_and_after(club: Club) -> None:
    """Look, tell whoever is found then, and tell whom one has found before."""
    found: Thread | None = await club.find_first()
    if found is not None:
        await tell_whom_one_finds(club)
        await club.tell(found)


@procedure()
async def wake_all(club: Club) -> None:
    """Wake all members."""
    await club.wake_all()


@procedure()
async def tell_later(club: Club, target: Thread) -> None:
    """Tell a thread after a while, which a local of this routine means until then."""
    found = target
    await club.own()
    await club.tell(found)


@procedure()
async def look_and_have_told(club: Club) -> None:
    """Look, and let another routine tell whoever is found."""
    found: Thread | None = await club.find_first()
    if found is not None:
        await club.own()
        await tell_later(club, found)


@pytest.mark.parametrize("made", [own_and_tell, join_and_tell_first, join_and_tell_all])
def test_who_is_meant_may_be_who_takes_the_step(made: Procedure[[Club], None]) -> None:
    club = Club()
    comparison = comparison_of(templates(club, call(made, club)), a=3)
    difference = comparison.compare()
    assert comparison.edges
    assert difference.missing == set()
    assert difference.more == set()


def test_who_is_named_may_be_who_is_found_in_a_field() -> None:
    club = Club()
    owner = ThreadSpec("owner", (call(own_and_look, club),))
    teller = ThreadSpec("teller", (call(tell_owner_but_not, club, owner.thread),))
    system = System("tiny", {"it": club}, (owner, teller))
    difference = comparison_of(system, owner=3, teller=1).compare()
    assert difference.missing == set()
    assert difference.more == set()


def test_a_step_about_a_list_and_then_about_somebody_who_may_be_in_it_is_refused() -> None:
    club = Club()
    system = templates(club, call(own_and_tell_all_but_owner, club))
    with pytest.raises(CannotCountError, match="changes all threads in a list, and then one"):
        system_space(system)


def test_a_step_that_wakes_all_in_a_list_although_they_do_not_sleep_is_refused() -> None:
    club = Club()
    system = templates(club, call(join_and_look, club), call(wake_all, club))
    with pytest.raises(CannotCountError, match=r"wake_all\(it\) wakes threads that do not sleep"):
        system_space(system)


def test_whom_a_local_means_is_known_as_long_as_one_thread_has_such_a_local() -> None:
    club = Club()
    system = templates(club, call(join_and_look, club), call(tell_whom_one_finds, club))
    difference = comparison_of(system, a=2, b=1).compare()
    assert difference.missing == set()
    assert difference.more == set()


def test_a_local_that_is_handed_over_to_one_of_the_same_name_means_the_same_thread() -> None:
    club = Club()
    system = templates(club, call(join_and_look, club), call(look_and_have_told, club))
    difference = comparison_of(system, a=2, b=1).compare()
    assert difference.missing == set()
    assert difference.more == set()


def test_two_locals_of_one_name_that_mean_threads_at_once_are_refused() -> None:
    club = Club()
    system = templates(club, call(join_and_look, club), call(tell_before_and_after, club))
    with pytest.raises(CannotCountError, match="b needs two locals named found at once"):
        system_space(system)
