"""Running a check: scenario by scenario, or several at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attrs import frozen

from haiku_tuntap.model.drivers import Driver
from haiku_tuntap.model.language.errors import LanguageError
from haiku_tuntap.model.scenarios import Scenario
from haiku_tuntap.properties.check import Options, check_scenario
from haiku_tuntap.properties.crew import INTERRUPTED, Job, run_jobs
from haiku_tuntap.properties.explore.search import Progress
from haiku_tuntap.properties.loading import InputError, explain_failure, is_shipped, spec_of
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.report.console import console_for
from haiku_tuntap.properties.report.progress import LiveProgress
from haiku_tuntap.properties.verdict import Result, Verdict


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
    at_once: int,
) -> tuple[list[Result], bool]:
    """The results in the order of the scenarios, and whether Ctrl-C ended the run."""
    check = Check(driver, properties, options)
    jobs = [
        Job(s.name, partial(check, s), partial(check.undetermined, s), _was_interrupted)
        for s in scenarios
    ]
    with LiveProgress(console_for(stderr=True), len(scenarios)) as live:
        found, interrupted = run_jobs(jobs, live, at_once)
    results = [result for scenario in scenarios for result in found.get(scenario.name, [])]
    return results, interrupted or _was_interrupted(results)


def _was_interrupted(results: Sequence[Result]) -> bool:
    return any(result.limit == INTERRUPTED for result in results)
