"""Several jobs at a time, each in a process of its own, with live lines and a clean Ctrl-C.

A process for each job, because then its memory is its own: a limit counts from zero, and a process
that the system ends for want of memory takes only its job with it. Processes are forked, so that
they have the driver at once, and its file is run once.

Ctrl-C reaches every process of a terminal. Here the parent alone listens: it sets `stop`, which
each job looks at whenever it tells how far it is, and which ends it as Ctrl-C would. What it
found until then comes back as usual.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, frozen

from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.report.progress import DRAW_EVERY

T = TypeVar("T")
INTERRUPTED = "interrupted"


@frozen
class Job(Generic[T]):
    """Something to do: `work` gets a function by which it tells how far it is.

    `lost` makes the result of a job that did not come to its end, of the reason; `interrupted`
    says whether a result is that of a job which noticed Ctrl-C by itself.
    """

    name: str
    work: Callable[[Callable[[Any], None]], T]
    lost: Callable[[str], T]
    interrupted: Callable[[T], bool] = lambda result: False


class Audience(Protocol):
    """Who hears of the jobs: the live lines."""

    def started(self, name: str) -> None: ...
    def news(self, name: str, news: Any) -> None: ...
    def finished(self, name: str) -> None: ...
    def draw(self) -> None: ...


def run_jobs(jobs: Sequence[Job[T]], live: Audience, at_once: int) -> tuple[dict[str, T], bool]:
    """The results by the jobs' names, and whether Ctrl-C ended the run."""
    if min(at_once, len(jobs)) > 1 and "fork" in multiprocessing.get_all_start_methods():
        return _Crew(live, at_once).run(jobs)
    return _alone(jobs, live)


def _alone(jobs: Sequence[Job[T]], live: Audience) -> tuple[dict[str, T], bool]:
    """One job after the other, in this process."""
    found: dict[str, T] = {}
    for job in jobs:
        try:
            live.started(job.name)
            found[job.name] = job.work(_teller(live, job))
            live.finished(job.name)
        except KeyboardInterrupt:
            return found, True
        if job.interrupted(found[job.name]):
            return found, True
    return found, False


def _teller(live: Audience, job: Job[Any]) -> Callable[[Any], None]:
    return lambda news: live.news(job.name, news)


@frozen
class _News:
    """How far a job is."""

    news: Any


@define(eq=False)
class _Worker:
    """A process that does a job, and the end of the pipe on which it tells."""

    job: Job[Any]
    process: Any
    pipe: Connection


class _Crew:
    """Several processes at a time, until all jobs are done."""

    def __init__(self, live: Audience, at_once: int) -> None:
        self.live = live
        self.at_once = at_once
        self.context = multiprocessing.get_context("fork")
        self.stop = self.context.Event()
        self.interrupts = 0
        self.workers: list[_Worker] = []
        self.found: dict[str, Any] = {}

    def run(self, jobs: Sequence[Job[Any]]) -> tuple[dict[str, Any], bool]:
        """Do them; on the first Ctrl-C let the processes stop, on the second end them."""
        waiting = list(jobs)
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            while (waiting or self.workers) and self.interrupts < 2:
                if self.interrupts:
                    waiting.clear()
                    self.stop.set()
                while waiting and len(self.workers) < self.at_once:
                    self._start(waiting.pop(0))
                self._listen()
        finally:
            signal.signal(signal.SIGINT, before)
            for worker in self.workers:
                worker.process.kill()
                worker.process.join()
        return self.found, self.interrupts > 0

    def _on_interrupt(self, number: int, frame: object) -> None:
        # An exception from here could be lost in a destructor that happens to run; a count is not.
        self.interrupts += 1

    def _start(self, job: Job[Any]) -> None:
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(target=_work, args=(job, theirs, self.stop), daemon=True)
        self.workers.append(_Worker(job, process, ours))
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self.live.started(job.name)

    def _listen(self) -> None:
        """Take what the processes tell, until there is nothing for a moment."""
        pipes = {worker.pipe: worker for worker in self.workers}
        for pipe in wait(list(pipes), timeout=DRAW_EVERY):
            worker = pipes[pipe]  # type: ignore[index]  # wait gives back what it was given
            try:
                message = worker.pipe.recv()
            except EOFError:
                self._ended(worker)
                continue
            if isinstance(message, _News):
                self.live.news(worker.job.name, message.news)
            elif isinstance(message, InputError):
                raise message
            else:
                self.found[worker.job.name] = message
        self.live.draw()

    def _ended(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        job = worker.job
        self.live.finished(job.name)
        code = worker.process.exitcode
        if job.name in self.found:
            return
        if code is not None and code < 0:
            limit = f"its process was ended by {signal.Signals(-code).name}"
            if -code == signal.SIGKILL:
                limit += ", perhaps for want of memory"
            self.found[job.name] = job.lost(limit)
        else:
            raise RuntimeError(f"checking {job.name} failed; its traceback is above")


def _work(job: Job[Any], pipe: Connection, stop: Any) -> None:
    """The whole life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = 0.0

    def tell(news: Any) -> None:
        nonlocal told
        if stop.is_set():
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - told >= DRAW_EVERY:
            told = now
            pipe.send(_News(news))

    with suppress(BrokenPipeError):  # the parent has gone
        try:
            pipe.send(job.work(tell))
        except InputError as error:
            pipe.send(InputError(str(error)))
        except KeyboardInterrupt:
            pipe.send(job.lost(INTERRUPTED))
