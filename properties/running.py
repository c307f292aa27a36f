"""Running a check: scenario by scenario, or several at a time, each in a process of its own.

A process for each scenario, because then its memory is its own: a limit counts from zero, and a
process that the system ends for want of memory takes only its scenario with it. Processes are
forked, so that they have the driver at once, and its file is run once.

Ctrl-C reaches every process of a terminal. Here the parent alone listens: it sets `stop`, which
each search looks at whenever it tells how far it is, and which ends it as Ctrl-C would. What it
found until then comes back as usual.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from attrs import define, frozen

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties.check import Options, check_scenario
from haiku_tuntap.properties.explore.search import Progress
from haiku_tuntap.properties.loading import InputError, explain_failure, is_shipped, spec_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.report.console import console_for
from haiku_tuntap.properties.report.progress import DRAW_EVERY, LiveProgress
from haiku_tuntap.properties.verdict import Engine, Result, Verdict

INTERRUPTED = "interrupted"


@frozen
class Check:
    """What is to be checked of every scenario."""

    driver: Driver
    properties: Sequence[Property]
    options: Options

    def __call__(self, scenario: Scenario, progress: Callable[[Progress], None]) -> list[Result]:
        """Check one scenario; what is wrong with a user's driver comes out as InputError."""
        arguments = self.driver, scenario, self.properties, self.options
        try:
            return check_scenario(*arguments, progress)
        except (LanguageError, InputError) as error:
            raise explain_failure(error, spec_of(self.driver)) from error
        except Exception as error:
            if is_shipped(self.driver):
                raise  # a fault of ours
            failure = explain_failure(error, spec_of(self.driver))
            raise InputError(f"{failure}\n  while scenario {scenario.name} was checked") from error

    def undetermined(self, scenario: Scenario, limit: str) -> list[Result]:
        """The results of a scenario of which nothing can be said."""
        return [
            Result(
                driver=self.driver.name,
                scenario=scenario.name,
                property=property_.id,
                verdict=Verdict.UNDETERMINED,
                states=0,
                depth=0,
                seconds=0.0,
                bounds=scenario.bounds,
                limit=limit,
            )
            for property_ in self.properties
        ]


def run_check(
    driver: Driver,
    scenarios: Sequence[Scenario],
    properties: Sequence[Property],
    options: Options,
    jobs: int,
) -> tuple[list[Result], bool]:
    """The results in the order of the scenarios, and whether Ctrl-C ended the run."""
    check = Check(driver, properties, options)
    jobs = min(jobs, len(scenarios))
    with LiveProgress(console_for(stderr=True), len(scenarios)) as live:
        # Ctrl-C can get lost among Z3's destructors, so Z3 runs apart, and the parent listens.
        apart = jobs > 1 or options.engine is not Engine.EXPLORE
        if apart and "fork" in multiprocessing.get_all_start_methods():
            found, interrupted = _Crew(check, live, jobs).run(scenarios)
        else:
            found, interrupted = _alone(check, scenarios, live)
    results = [result for scenario in scenarios for result in found.get(scenario.name, [])]
    return results, interrupted or any(result.limit == INTERRUPTED for result in results)


def _alone(
    check: Check, scenarios: Sequence[Scenario], live: LiveProgress
) -> tuple[dict[str, list[Result]], bool]:
    """One scenario after the other, in this process."""
    found: dict[str, list[Result]] = {}
    for scenario in scenarios:
        try:
            live.started(scenario.name)
            found[scenario.name] = results = check(scenario, _teller(live, scenario))
            live.finished(scenario.name)
        except KeyboardInterrupt:
            return found, True
        if any(result.limit == INTERRUPTED for result in results):
            return found, True
    return found, False


def _teller(live: LiveProgress, scenario: Scenario) -> Callable[[Progress], None]:
    return lambda progress: live.news(scenario.name, progress)


@define(eq=False)
class _Worker:
    """A process that checks a scenario, and the end of the pipe on which it tells."""

    scenario: Scenario
    process: Any
    pipe: Connection


class _Crew:
    """Several processes at a time, until all scenarios are done."""

    def __init__(self, check: Check, live: LiveProgress, jobs: int) -> None:
        self.check = check
        self.live = live
        self.jobs = jobs
        self.context = multiprocessing.get_context("fork")
        self.stop = self.context.Event()
        self.interrupts = 0
        self.workers: list[_Worker] = []
        self.found: dict[str, list[Result]] = {}

    def run(self, scenarios: Sequence[Scenario]) -> tuple[dict[str, list[Result]], bool]:
        """Check them; on the first Ctrl-C let the processes stop, on the second end them."""
        waiting = list(scenarios)
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            while (waiting or self.workers) and self.interrupts < 2:
                if self.interrupts:
                    waiting.clear()
                    self.stop.set()
                while waiting and len(self.workers) < self.jobs:
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

    def _start(self, scenario: Scenario) -> None:
        ours, theirs = self.context.Pipe(duplex=False)
        arguments = self.check, scenario, theirs, self.stop
        process = self.context.Process(target=_work, args=arguments, daemon=True)
        self.workers.append(_Worker(scenario, process, ours))
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self.live.started(scenario.name)

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
            if isinstance(message, Progress):
                self.live.news(worker.scenario.name, message)
            elif isinstance(message, InputError):
                raise message
            else:
                self.found[worker.scenario.name] = message
        self.live.draw()

    def _ended(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        self.live.finished(worker.scenario.name)
        code = worker.process.exitcode
        if worker.scenario.name in self.found:
            return
        if code is not None and code < 0:
            limit = f"its process was ended by {signal.Signals(-code).name}"
            if -code == signal.SIGKILL:
                limit += ", perhaps for want of memory"
            self.found[worker.scenario.name] = self.check.undetermined(worker.scenario, limit)
        else:
            raise RuntimeError(f"checking {worker.scenario.name} failed; its traceback is above")


def _work(check: Check, scenario: Scenario, pipe: Connection, stop: Any) -> None:
    """The whole life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        if stop.is_set():
            raise KeyboardInterrupt
        if not 0 <= progress.seconds - told < DRAW_EVERY:
            told = progress.seconds
            pipe.send(progress)

    with suppress(BrokenPipeError):  # the parent has gone
        try:
            pipe.send(check(scenario, tell))
        except InputError as error:
            pipe.send(InputError(str(error)))
        except KeyboardInterrupt:
            pipe.send(check.undetermined(scenario, INTERRUPTED))
