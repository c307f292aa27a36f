"""The command: what it prints, and how it ends."""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from haiku_tuntap.model.drivers import DRIVERS, Driver
from haiku_tuntap.model.scenarios import SCENARIOS, Scenario
from haiku_tuntap.properties import running
from haiku_tuntap.properties import verdict as verdicts
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import Options
from haiku_tuntap.properties.cli import main
from haiku_tuntap.properties.explore.search import Progress
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.verdict import Trace, TraceStep, Verdict

Tell = Callable[[Progress], None]
Engine = Callable[[Driver, Scenario, Sequence[Property], Options, Tell], list[verdicts.Result]]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def _engine(*refuted: tuple[str, str], limit: str | None = None) -> Engine:
    """A search that finds these refutations, and else holds or hits the limit."""

    def check_scenario(
        driver: Driver,
        scenario: Scenario,
        properties: Sequence[Property],
        options: Options,
        progress: Tell,
    ) -> list[verdicts.Result]:
        found = []
        for property_ in properties:
            place = (scenario.name, property_.id)
            verdict = Verdict.UNDETERMINED if limit else Verdict.HOLDS
            trace = None
            if place in refuted:
                verdict = Verdict.REFUTED
                step = TraceStep(1, 0, "begin user_read", None, None, None, ())
                trace = Trace(("reader",), (step,), ("It is stuck.",), True, "the/token")
            found.append(
                verdicts.Result(
                    driver=driver.name,
                    scenario=scenario.name,
                    property=property_.id,
                    verdict=verdict,
                    states=7,
                    depth=3,
                    seconds=0.0,
                    bounds=scenario.bounds,
                    limit=limit if verdict is Verdict.UNDETERMINED else None,
                    trace=trace,
                )
            )
        return found

    return check_scenario


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Engine], None]:
    return lambda fake: monkeypatch.setattr(running, "check_scenario", fake)


def test_the_close_race_is_found_with_its_trace_and_is_known() -> None:
    run = _run("check", "-s", "reader-close", "-p", "no-lost-wakeup", "--jobs", "1")
    assert run.exit_code == 0
    assert "KNOWN close-race: close does not wake a reader that is about to wait" in run.stdout
    assert "release_all(send_queue.notify)" in run.stdout
    assert "tuntap replay tunnel/reader-close/no-lost-wakeup/" in run.stdout
    assert run.stdout.splitlines()[-1].startswith(
        "tunnel: 1 scenario, 1 property: 1 known defect found, nothing new; "
    )


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    scenarios = ["reader-sender", "reader-close", "cookie-allocation-fails"]
    chosen = [argument for name in scenarios for argument in ("-s", name)]
    documents = []
    for jobs in ("1", "3"):
        file = tmp_path / f"{jobs}.json"
        assert _run("check", *chosen, "--jobs", jobs, "--json", str(file)).exit_code == 0
        document = json.loads(file.read_text())
        del document["seconds"]
        for result in document["results"]:
            del result["seconds"]
        documents.append(document)
    assert documents[0] == documents[1]
    found = list(dict.fromkeys(result["scenario"] for result in documents[0]["results"]))
    assert found == [name for name in SCENARIOS if name in scenarios]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_something_new_ends_with_1(engine: Callable[[Engine], None], jobs: str) -> None:
    engine(_engine(("reader-sender", "ownership")))
    run = _run("check", "-s", "reader-sender", "-s", "two-openers", "--jobs", jobs)
    assert run.exit_code == 1
    assert "NEW: ownership in reader-sender" in run.stdout
    assert "It is stuck." in run.stdout


def test_traces_can_be_left_out(engine: Callable[[Engine], None]) -> None:
    engine(_engine(("reader-sender", "ownership")))
    run = _run("check", "-s", "reader-sender", "--no-traces")
    assert "REFUTED, NEW" in run.stdout
    assert "It is stuck." not in run.stdout


def test_a_limit_ends_with_3(engine: Callable[[Engine], None]) -> None:
    engine(_engine(limit="10 states"))
    run = _run("check", "-s", "reader-sender")
    assert run.exit_code == 3
    assert "UNDETERMINED: 10 states" in run.stdout


def test_limits_and_the_grain_reach_the_search(
    engine: Callable[[Engine], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Options] = []
    fake = _engine()

    def check_scenario(*arguments: object) -> list[verdicts.Result]:
        seen.append(arguments[3])  # type: ignore[arg-type]  # a fake
        return fake(*arguments)  # type: ignore[arg-type]  # a fake

    engine(check_scenario)
    limits = ["--time-limit", "1.5", "--memory-limit", "2", "--state-limit", "3", "--unreduced"]
    _run("check", "-s", "reader-sender", *limits)
    (options,) = seen
    assert options.reduced is False
    assert options.limits.seconds == 1.5
    assert options.limits.memory == 2 * 2**20
    assert options.limits.states == 3


def test_ctrl_c_shows_what_was_found_and_ends_with_130(
    engine: Callable[[Engine], None], tmp_path: Path
) -> None:
    fake = _engine()

    def check_scenario(*arguments: object) -> list[verdicts.Result]:
        if arguments[1] is SCENARIOS["two-openers"]:
            raise KeyboardInterrupt
        return fake(*arguments)  # type: ignore[arg-type]  # a fake

    engine(check_scenario)
    file = tmp_path / "results.json"
    run = _run("check", "--jobs", "1", "--json", str(file))
    assert run.exit_code == 130
    assert "reader-sender" in run.stdout
    assert ", interrupted; " in run.stdout.splitlines()[-1]
    assert json.loads(file.read_text())["complete"] is False


def test_ctrl_c_reaches_every_process(engine: Callable[[Engine], None]) -> None:
    parent = os.getpid()

    def check_scenario(*arguments: object) -> list[verdicts.Result]:
        tell: Tell = arguments[4]  # type: ignore[assignment]  # a fake
        if arguments[1] is SCENARIOS["two-openers"]:
            os.kill(parent, signal.SIGINT)
        for _ in range(1000):
            time.sleep(0.01)
            tell(Progress(1, 1, 0.01))
        return []

    engine(check_scenario)
    run = _run("check", "-s", "reader-sender", "-s", "two-openers", "--jobs", "2", "--no-traces")
    assert run.exit_code == 130
    assert run.stdout.count("UNDETERMINED: interrupted") == 2


def test_a_process_that_is_killed_leaves_its_scenario_undetermined(
    engine: Callable[[Engine], None],
) -> None:
    fake = _engine()

    def check_scenario(*arguments: object) -> list[verdicts.Result]:
        if arguments[1] is SCENARIOS["two-openers"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return fake(*arguments)  # type: ignore[arg-type]  # a fake

    engine(check_scenario)
    run = _run("check", "-s", "reader-sender", "-s", "two-openers", "--jobs", "2")
    assert run.exit_code == 3
    assert "SIGKILL" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["tunel"], "there is no driver named 'tunel'; did you mean tunnel"),
        (["none.py"], "there is no file none.py"),
        (["-s", "reader-clsoe"], "there is no scenario named 'reader-clsoe'; did you mean"),
        (["-p", "ownershp"], "there is no property named 'ownershp'; did you mean ownership or"),
        (["--json", "/none/x.json"], "--json /none/x.json: there is no directory /none"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_is_wrong(arguments: list[str], problem: str) -> None:
    run = _run("check", *arguments)
    assert run.exit_code == 2
    assert run.stdout == ""
    assert run.stderr.startswith(f"tuntap: {problem}")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_text_outside_the_language_is_shown_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_close\n"
        "from haiku_tuntap.model.language import procedure\n"
        "from haiku_tuntap.model.status import B_OK, Status\n"
        'driver = TUNNEL.derive("mine", "")\n'
        "@driver.replaces(tunnel_close)\n"
        "@procedure()\n"
        "async def close(cookie: TunnelCookie) -> Status:\n"
        "    cookie.device.send_queue.waiting = 0\n"
        "    return B_OK\n"
    )
    run = _run("check", "mine.py", "-s", "reader-close", "-s", "poll-close", "--jobs", jobs)
    assert run.exit_code == 2
    assert run.stderr.startswith("tuntap: mine.py:8: ")
    assert "instead: " in run.stderr


def test_replay_shows_a_trace_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def replay(token: str, load: Callable[[str], Driver]) -> verdicts.Result:
        if token != "the/token":
            raise InputError(f"{token} is not a token")
        place = ("reader-close", "no-lost-wakeup")
        scenario, properties = SCENARIOS[place[0]], [PROPERTIES[place[1]]]
        return _engine(place)(load("tunnel"), scenario, properties, Options(), lambda _: None)[0]

    fake = ModuleType("haiku_tuntap.properties.replay")
    fake.replay = replay  # type: ignore[attr-defined]  # a fake
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    run = _run("replay", "the/token")
    assert run.exit_code == 0
    assert "KNOWN close-race" in run.stdout
    assert "begin user_read" in run.stdout
    run = _run("replay", "nonsense")
    assert run.exit_code == 2
    assert run.stderr == "tuntap: nonsense is not a token\n"


def test_list_shows_all_or_one_kind() -> None:
    everything = _run("list").stdout
    names = [*DRIVERS, *SCENARIOS, *PROPERTIES]
    assert [name for name in names if f"\n{name} " not in everything] == []
    drivers = [line for line in _run("list", "drivers").stdout.splitlines() if line[0] != " "]
    assert [line.split()[0] for line in drivers] == list(DRIVERS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "property") for name in PROPERTIES),
        *((name, "scenario") for name in SCENARIOS),
        *((name, "driver") for name in DRIVERS),
        *((defect.id, "known defect") for driver in DRIVERS.values() for defect in driver.known),
        *((name, "verdict") for name in ("HOLDS", "refuted", "UNDETERMINED", "known", "vacuous")),
    ],
)
def test_everything_is_explained(name: str, kind: str) -> None:
    run = _run("explain", name)
    assert run.exit_code == 0
    assert f"{name.lower()}  {kind}\n" in run.stdout.lower()


def test_an_unknown_name_is_not_explained() -> None:
    run = _run("explain", "close-rase")
    assert run.exit_code == 2
    assert "did you mean close-race" in run.stderr


def test_plain_output_has_no_padding_and_no_line_longer_than_100_columns() -> None:
    lines = _run("check", "--jobs", "1", "-s", "reader-close", "-s", "close-reopen").stdout
    assert [line for line in lines.splitlines() if line != line.rstrip()] == []
    one_piece = ("tuntap replay ", "tunnel: ")
    assert [n for n in lines.splitlines() if len(n) > 100 and not n.startswith(one_piece)] == []
    assert "\x1b" not in lines


def test_the_version_is_told() -> None:
    assert _run("--version").stdout == "tuntap, version 0.1.0\n"


# --- engines -------------------------------------------------------------------------------------


def test_bounded_search_finds_the_close_race_and_says_so_in_json(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    chosen = ["-s", "reader-close", "-p", "no-lost-wakeup"]
    run = _run("check", "--engine", "bmc", *chosen, "--json", str(file))
    assert run.exit_code == 0
    assert "KNOWN close-race" in run.stdout
    (result,) = json.loads(file.read_text())["results"]
    assert result["engine"] == "bmc"
    assert result["states"] == 0
    assert len(result["trace"]["steps"]) == 10
    assert result["trace"]["shortest"] is True
    replayed = _run("replay", result["token"])
    assert replayed.exit_code == 0
    assert "KNOWN close-race" in replayed.stdout


def test_an_engine_that_runs_out_of_time_says_what_it_tried() -> None:
    run = _run("check", "--engine", "bmc", "-s", "full-queue", "--time-limit", "0.5")
    assert run.exit_code == 3
    assert "UNDETERMINED: 0.5 s: bmc" in " ".join(run.stdout.split())


def test_without_z3_an_engine_that_needs_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *rest: object, **more: object) -> object:
        if name == "z3":
            raise ModuleNotFoundError(name="z3")
        return original(name, *rest, **more)  # type: ignore[arg-type]  # a fake

    original = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    run = _run("check", "--engine", "induction", "-s", "reader-close")
    assert run.exit_code == 2
    assert run.stderr == (
        "tuntap: Z3 is not installed; pip install 'haiku-tuntap-model[prove]' brings it\n"
    )


@pytest.mark.parametrize("option", [["--unreduced"], ["--state-limit", "5"]])
def test_what_is_for_the_search_only_is_refused_for_z3(option: list[str]) -> None:
    run = _run("check", "--engine", "bmc", "-s", "reader-close", *option)
    assert run.exit_code == 2
    assert "are for --engine explore only" in run.stderr
