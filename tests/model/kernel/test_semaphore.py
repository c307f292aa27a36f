"""The semaphore: tokens, hand-over, B_RELEASE_ALL, interruption, deletion."""

from __future__ import annotations

from tiny import Log, Tiny

from haiku_tuntap.model.kernel.semaphore import Semaphore
from haiku_tuntap.model.kernel.signals import kill
from haiku_tuntap.model.language import Call, Thread, call, final, procedure, record
from haiku_tuntap.model.status import B_BAD_SEM_ID, B_INTERRUPTED, B_OK, ENODEV, Status


@procedure()
async def acquires(semaphore: Semaphore, log: Log, interruptible: bool) -> None:
    """Acquire, and note the result."""
    status = await semaphore.acquire(interruptible=interruptible)
    await log.note(status)


@procedure()
async def releases(semaphore: Semaphore, log: Log) -> None:
    """Release, and note the result."""
    await log.note(await semaphore.release())


@procedure()
async def releases_all(semaphore: Semaphore, log: Log, status: Status) -> None:
    """B_RELEASE_ALL, and note the result."""
    await log.note(await semaphore.release_all(status))


@procedure()
async def deletes(semaphore: Semaphore, log: Log) -> None:
    """Delete, and note the result."""
    await log.note(await semaphore.delete())


@procedure()
async def creates(semaphore: Semaphore) -> None:
    """Make a new one in the same place."""
    await semaphore.create()


@record
class Target:
    """Whom a killer is to signal; a thread exists only once its system does."""

    thread: Thread | None = final(default=None)


@procedure()
async def kills(target: Target) -> None:
    """Send the signal."""
    assert target.thread is not None
    await kill(target.thread)


class Case:
    """A semaphore with two readers and whoever else a test needs."""

    def __init__(self, *, interruptible: bool = False, tokens: int = 0) -> None:
        self.semaphore = Semaphore(tokens=tokens)
        self.log = Log()
        reads = call(acquires, self.semaphore, self.log, interruptible)
        self.calls: dict[str, Call] = {"reader 1": reads, "reader 2": reads}

    def tiny(self, **others: Call) -> Tiny:
        return Tiny({**self.calls, **others})


def test_a_token_is_taken_without_sleeping() -> None:
    """SEM-1."""
    case = Case(tokens=1)
    tiny = case.tiny()
    tiny.run("reader 1", "reader 2")
    assert case.log.lines() == [("reader 1", B_OK)]
    assert tiny.sleeps("reader 2")
    assert case.semaphore.tokens == 0


def test_a_release_is_stored_when_nobody_waits() -> None:
    """SEM-1."""
    case = Case()
    tiny = case.tiny(sender=call(releases, case.semaphore, case.log))
    tiny.run("sender")
    assert case.semaphore.tokens == 1
    tiny.run("reader 1")
    assert case.log.lines() == [("sender", B_OK), ("reader 1", B_OK)]
    assert case.semaphore.tokens == 0


def test_a_release_is_handed_to_whoever_waits_longest_and_not_stored() -> None:
    """SEM-2."""
    case = Case()
    tiny = case.tiny(sender=call(releases, case.semaphore, case.log))
    tiny.run("reader 2", "reader 1", "sender")
    assert case.semaphore.tokens == 0
    assert case.semaphore.waiters == (tiny.thread("reader 1"),)
    assert tiny.sleeps("reader 1")
    assert not tiny.sleeps("reader 2")


def test_a_token_that_was_handed_over_cannot_be_taken_by_a_newcomer() -> None:
    """SEM-2."""
    case = Case()
    tiny = case.tiny(sender=call(releases, case.semaphore, case.log))
    tiny.run("reader 1", "sender", "reader 2")
    assert tiny.sleeps("reader 2")
    tiny.run("reader 1")
    assert case.log.lines() == [("sender", B_OK), ("reader 1", B_OK)]


def test_release_all_wakes_all_who_wait_with_its_status() -> None:
    """SEM-3."""
    case = Case()
    tiny = case.tiny(closer=call(releases_all, case.semaphore, case.log, ENODEV))
    tiny.run("reader 1", "reader 2", "closer", "reader 1", "reader 2")
    assert case.log.lines() == [("closer", B_OK), ("reader 1", ENODEV), ("reader 2", ENODEV)]
    assert case.semaphore.waiters == ()
    assert case.semaphore.tokens == 0


def test_release_all_stores_nothing_for_those_who_come_later() -> None:
    """SEM-4."""
    case = Case()
    tiny = case.tiny(closer=call(releases_all, case.semaphore, case.log, ENODEV))
    tiny.run("closer", "reader 1")
    assert case.semaphore.tokens == 0
    assert tiny.sleeps("reader 1")


def test_release_all_leaves_tokens_that_are_there() -> None:
    """SEM-4."""
    case = Case(tokens=2)
    tiny = case.tiny(closer=call(releases_all, case.semaphore, case.log, ENODEV))
    tiny.run("closer", "reader 1")
    assert case.semaphore.tokens == 1
    assert case.log.lines() == [("closer", B_OK), ("reader 1", B_OK)]


def with_killer(case: Case) -> Tiny:
    """Both readers, a sender, and a killer of reader 1."""
    target = Target()
    tiny = case.tiny(sender=call(releases, case.semaphore, case.log), killer=call(kills, target))
    target.thread = tiny.thread("reader 1")
    return tiny


def test_a_signal_takes_a_thread_out_of_the_queue() -> None:
    """SEM-5."""
    case = Case(interruptible=True)
    tiny = with_killer(case)
    tiny.run("reader 1", "reader 2")
    tiny.run("killer")
    assert case.semaphore.waiters == (tiny.thread("reader 2"),)
    assert tiny.thread("reader 1").waits_on is None
    tiny.run("reader 1")
    assert case.log.lines() == [("reader 1", B_INTERRUPTED)]
    assert tiny.sleeps("reader 2")


def test_a_release_after_a_signal_goes_to_the_next_in_the_queue() -> None:
    """SEM-6."""
    case = Case(interruptible=True)
    tiny = with_killer(case)
    tiny.run("reader 1", "reader 2", "killer", "sender", "reader 1", "reader 2")
    assert case.log.lines() == [
        ("sender", B_OK),
        ("reader 1", B_INTERRUPTED),
        ("reader 2", B_OK),
    ]
    assert case.semaphore.tokens == 0


def test_a_signal_after_the_release_does_not_take_the_token_away() -> None:
    """SEM-6."""
    case = Case(interruptible=True)
    tiny = with_killer(case)
    tiny.run("reader 1", "sender", "killer", "reader 1")
    assert case.log.lines() == [("sender", B_OK), ("reader 1", B_OK)]
    assert tiny.thread("reader 1").signalled


def test_a_signal_does_not_end_a_wait_that_is_not_interruptible() -> None:
    """SEM-7."""
    case = Case(interruptible=False)
    tiny = with_killer(case)
    tiny.run("reader 1", "killer")
    assert tiny.sleeps("reader 1")
    assert case.semaphore.waiters == (tiny.thread("reader 1"),)


def test_a_thread_with_a_pending_signal_does_not_begin_to_wait() -> None:
    """SEM-5."""
    case = Case(interruptible=True)
    tiny = with_killer(case)
    tiny.run("killer", "reader 1")
    assert case.log.lines() == [("reader 1", B_INTERRUPTED)]
    assert case.semaphore.waiters == ()


def test_a_thread_with_a_pending_signal_takes_a_token_that_is_there() -> None:
    case = Case(interruptible=True, tokens=1)
    tiny = with_killer(case)
    tiny.run("killer", "reader 1")
    assert case.log.lines() == [("reader 1", B_OK)]


def test_deletion_wakes_all_who_wait_with_b_bad_sem_id() -> None:
    """SEM-8."""
    case = Case()
    tiny = case.tiny(closer=call(deletes, case.semaphore, case.log))
    tiny.run("reader 1", "reader 2", "closer", "reader 1", "reader 2")
    assert case.log.lines() == [
        ("closer", B_OK),
        ("reader 1", B_BAD_SEM_ID),
        ("reader 2", B_BAD_SEM_ID),
    ]


def test_a_deleted_semaphore_is_of_no_use_to_anybody() -> None:
    """SEM-8."""
    case = Case(tokens=1)
    tiny = case.tiny(
        closer=call(deletes, case.semaphore, case.log),
        sender=call(releases, case.semaphore, case.log),
        other=call(releases_all, case.semaphore, case.log, ENODEV),
        again=call(deletes, case.semaphore, case.log),
    )
    tiny.run("closer", "reader 1", "sender", "other", "again")
    assert case.log.lines() == [
        ("closer", B_OK),
        ("reader 1", B_BAD_SEM_ID),
        ("sender", B_BAD_SEM_ID),
        ("other", B_BAD_SEM_ID),
        ("again", B_BAD_SEM_ID),
    ]


def test_a_new_semaphore_in_the_place_of_a_deleted_one_has_no_tokens() -> None:
    case = Case(tokens=1)
    tiny = case.tiny(
        closer=call(deletes, case.semaphore, case.log), opener=call(creates, case.semaphore)
    )
    tiny.run("closer", "opener", "reader 1")
    assert tiny.sleeps("reader 1")
