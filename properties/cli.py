"""The command `tuntap`.

Whatever takes time to import is imported where it is used, so that the command answers at once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haiku_tuntap.properties.command import (
    INTERRUPTED,
    REFUTED,
    UNDETERMINED,
    chosen,
    fail,
    plainly,
    processors,
    require_z3,
)

if TYPE_CHECKING:
    from haiku_tuntap.model.drivers import Driver
    from haiku_tuntap.properties.known import Classified


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="haiku-tuntap-model", prog_name="tuntap")
def main() -> None:
    """Check Haiku's TUN/TAP driver, or a change to it, in every interleaving of its threads."""


@main.command()
@click.argument("driver", default="tunnel", metavar="[DRIVER|FILE.py]")
@click.option("--scenario", "-s", "scenarios", multiple=True, help="Only this one; repeatable.")
@click.option("--property", "-p", "properties", multiple=True, help="Only this one; repeatable.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the results there, too."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up on a scenario after so long.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(min=1),
    metavar="MIB",
    help="Give up on a scenario when its process needs more.",
)
@click.option(
    "--state-limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Give up on a scenario after so many states.",
)
@click.option(
    "--unreduced",
    is_flag=True,
    help="Search every state in the finest steps: slower, and the authority.",
)
@click.option(
    "--engine",
    type=click.Choice(["explore", "bmc", "induction"]),
    default="explore",
    show_default=True,
    help="explore: search all states. bmc, induction: ask Z3; see above.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    metavar="N",
    help="Scenarios at a time; by default as many as there are processors.",
)
@click.option("--all", "every", is_flag=True, help="Give every property a row of its own.")
@click.option("--no-traces", is_flag=True, help="Leave out the traces of what is refuted.")
@plainly
def check(
    driver: str,
    scenarios: tuple[str, ...],
    properties: tuple[str, ...],
    json_file: Path | None,
    time_limit: float | None,
    memory_limit: int | None,
    state_limit: int | None,
    unreduced: bool,
    engine: str,
    jobs: int | None,
    every: bool,
    no_traces: bool,
) -> None:
    """Check a driver: a shipped one (default: tunnel, today's), or one that a file makes.

    A file is run, like any Python program. It derives a driver from a shipped one and is compared
    with it: what the change repairs is FIXED, what it leaves is KNOWN, what it breaks is NEW.

    The engine `explore` searches all states: it finds HOLDS and shortest traces wherever the states
    are not too many. `bmc` has Z3 look for ever longer runs, one step per access: it finds the
    same shortest traces, but says HOLDS only when there is no longer run, so in small scenarios.
    `induction` says HOLDS also when k steps from any state do nothing wrong, but never says that a
    property held vacuously for that reason. Without limits of yours, both give up after 60 s or
    with 4096 MiB of memory.

    \b
    Exit codes: 0  nothing is refuted but what is known
                1  something new is refuted, or a known defect of a shipped driver is gone
                2  wrong usage or input
                3  undetermined: a limit was hit
              130  ended by Ctrl-C; what was found is shown
    """
    from haiku_tuntap.model.scenarios import SCENARIOS
    from haiku_tuntap.properties.catalogue import PROPERTIES
    from haiku_tuntap.properties.check import Options
    from haiku_tuntap.properties.explore.search import Limits
    from haiku_tuntap.properties.known import classify
    from haiku_tuntap.properties.loading import load_driver
    from haiku_tuntap.properties.report.json import check_document, require_writable, write_json
    from haiku_tuntap.properties.running import run_check
    from haiku_tuntap.properties.verdict import Engine

    began = time.perf_counter()
    wanted_scenarios = chosen("scenario", scenarios, SCENARIOS)
    wanted_properties = chosen("property", properties, PROPERTIES)
    if json_file is not None:
        require_writable(json_file)
    loaded = load_driver(driver)
    memory = memory_limit * 2**20 if memory_limit is not None else None
    by = Engine(engine)
    if by is not Engine.EXPLORE:
        require_z3()
        if unreduced or state_limit is not None:
            fail("--unreduced and --state-limit are for --engine explore only; leave them out")
    options = Options(not unreduced, Limits(time_limit, memory, state_limit), by)
    results, interrupted = run_check(
        loaded, wanted_scenarios, wanted_properties, options, jobs or processors()
    )
    classified = classify(loaded, results)
    seconds = time.perf_counter() - began
    exit_code = INTERRUPTED if interrupted else classified.exit_code
    if json_file is not None:
        document = check_document(
            classified, seconds, complete=not interrupted, exit_code=exit_code
        )
        write_json(json_file, document)
    _report(classified, seconds, interrupted=interrupted, every=every, traces=not no_traces)
    raise SystemExit(exit_code)


@main.command()
@click.argument("token")
@plainly
def replay(token: str) -> None:
    """Show a trace again. TOKEN is what `check` printed below it."""
    from haiku_tuntap.properties.known import classify
    from haiku_tuntap.properties.loading import load_driver
    from haiku_tuntap.properties.replay import replay as replay_token
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.refutations import print_refutation, refutations

    drivers: list[Driver] = []

    def load(spec: str) -> Driver:
        drivers.append(load_driver(spec))
        return drivers[-1]

    result = replay_token(token, load)
    for refutation in refutations(classify(drivers[-1], [result])):
        print_refutation(console_for(), refutation)


@main.command()
@click.argument("driver", default="tunnel", metavar="[DRIVER]")
@click.option("--scenario", "-s", "scenarios", multiple=True, help="Only this one; repeatable.")
@click.option(
    "--state-limit",
    type=click.IntRange(min=1),
    default=2_000_000,
    show_default=True,
    metavar="N",
    help="End each search after so many states; such a row says >.",
)
@plainly
def benchmark(driver: str, scenarios: tuple[str, ...], state_limit: int) -> None:
    """Measure the search: states, states per second and memory, reduced and unreduced.

    Beside the scenarios that are checked there is `crowd`: four readers, two senders, a closer.
    The searches run one after the other, each in a process of its own; a quiet machine measures
    best.
    """
    from haiku_tuntap.properties.explore.benchmark import BENCHMARKS, measure_all
    from haiku_tuntap.properties.loading import is_shipped, load_driver
    from haiku_tuntap.properties.report.benchmark import print_benchmark
    from haiku_tuntap.properties.report.console import console_for

    wanted = [s.name for s in chosen("scenario", scenarios, BENCHMARKS)]
    if not is_shipped(load_driver(driver)):
        fail(f"{driver}: only shipped drivers are measured; see `tuntap list drivers`")
    print_benchmark(console_for(), measure_all(driver, wanted, state_limit))


@main.command()
@click.argument("driver", default="tunnel", metavar="[DRIVER|FILE.py]")
@click.option("--tap", is_flag=True, help="A TAP device; without it, a TUN device.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws another schedule.")
@click.option(
    "--pcap", "pcap_file", type=click.Path(path_type=Path), help="Write the packets there, too."
)
@click.option("--force", is_flag=True, help="Replace the pcap file if it exists.")
@plainly
def simulate(driver: str, tap: bool, seed: int, pcap_file: Path | None, force: bool) -> None:
    """Run a small workload once: an application reads and writes while the stack sends.

    The schedule is drawn from the seed, and the same seed gives the same run. With --pcap, what
    crossed the interface is written for tshark or Wireshark: bare IP for TUN, Ethernet for TAP.

    \b
    Exit codes: 0  the run came to its end
                1  the driver broke a rule of the kernel, for instance freed a packet twice
                2  wrong usage or input
                3  the run was stopped at the limit of its steps
    """
    from haiku_tuntap.properties.loading import load_driver
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.simulation import (
        print_simulation,
        require_new_file,
        save_pcap,
    )
    from haiku_tuntap.properties.simulate import simulate as run_workload

    if pcap_file is not None:
        require_new_file(pcap_file, force=force)
    simulation = run_workload(load_driver(driver), tap=tap, seed=seed)
    console = console_for()
    print_simulation(console, simulation, driver, seed)
    if pcap_file is not None:
        console.print(save_pcap(pcap_file, simulation, force=force), markup=False, soft_wrap=True)
    if simulation.violations:
        raise SystemExit(REFUTED)
    if simulation.stopped:
        raise SystemExit(UNDETERMINED)


@main.command()
@click.argument("framing", metavar="[FRAMING]", required=False, default=None)
@plainly
def frame(framing: str | None) -> None:
    """Prove how packets are framed, for any content and any length up to 65,535 bytes.

    FRAMING is one of tun, tap, tun-before-2024, linux-tun, linux-tun-information, linux-tap and
    linux-tap-information; without it, all are proved. Needs Z3.

    \b
    Exit codes: 0  everything is proved
                1  something is refuted; its counterexample is shown
                2  wrong usage or input, or Z3 is not installed
                3  undetermined: Z3 did not finish
    """
    from haiku_tuntap.model.packet import FRAMINGS
    from haiku_tuntap.properties.report.console import console_for

    wanted = chosen("framing", (framing,) if framing is not None else (), FRAMINGS)
    require_z3()
    from haiku_tuntap.properties.framing import Answer, prove_all

    console = console_for()
    answers = []
    for one in wanted:
        for result in prove_all([one.id]):
            answers.append(result.answer)
            proved = result.answer is Answer.PROVED
            text = str(result).splitlines()[0] if proved else str(result)
            console.print(text, markup=False, soft_wrap=True)
    console.print(f"{answers.count(Answer.PROVED)} of {len(answers)} proofs PROVED")
    if Answer.REFUTED in answers:
        raise SystemExit(REFUTED)
    if Answer.UNDETERMINED in answers:
        raise SystemExit(UNDETERMINED)


@main.command()
@click.argument("driver", default="tunnel", metavar="[DRIVER|FILE.py]")
@click.option("--theorem", "-t", "theorems", multiple=True, help="Only this one; repeatable.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the results there, too."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up on a proof, and on a scenario that is searched, after so long.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    metavar="N",
    help="Proofs or searches at a time; by default as many as there are processors.",
)
@click.option(
    "--suggest",
    is_flag=True,
    help="Look for facts that an invariant lacks, for two minutes or as --time-limit says.",
)
@click.option("--no-traces", is_flag=True, help="Leave out the traces of what is refuted.")
@plainly
def prove(
    driver: str,
    theorems: tuple[str, ...],
    json_file: Path | None,
    time_limit: float | None,
    jobs: int | None,
    suggest: bool,
    no_traces: bool,
) -> None:
    """Prove what holds for any number of threads and packets, by induction. Needs Z3.

    Where a proof fails, small systems are searched for a run. If there is one, the driver is at
    fault, and the run is shown as by `check`. If there is none, what the proof lacks is shown: the
    invariant may be too weak. A file inherits the invariants of the driver from which it derives;
    @driver.invariant(...) adds or replaces one, driver.without_invariant(name) drops one. --suggest
    tries facts of simple shapes, and may well find nothing.

    Of each theorem it is also proved that its threads come to rest: the row `progress`.

    \b
    Exit codes: 0  everything is proved, or refuted by a known defect
                1  something new is refuted, or a known defect of a shipped driver is gone
                2  wrong usage or input, or Z3 is not installed
                3  undetermined: neither a proof nor a run was found
              130  ended by Ctrl-C; what was found is shown
    """
    from haiku_tuntap.properties.loading import load_driver
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.json import require_writable, write_json

    require_z3()
    from haiku_tuntap.properties.prove.running import ProofRun
    from haiku_tuntap.properties.prove.theorems import THEOREMS
    from haiku_tuntap.properties.report.proofs import print_decisions
    from haiku_tuntap.properties.report.proofs_json import prove_document

    began = time.perf_counter()
    wanted = chosen("theorem", theorems, THEOREMS)
    if json_file is not None:
        require_writable(json_file)
    loaded = load_driver(driver)
    proofs = ProofRun(loaded, time_limit, jobs or processors(), suggest)
    decisions, interrupted = proofs.run(wanted)
    seconds = time.perf_counter() - began
    exit_code = INTERRUPTED if interrupted else decisions.exit_code
    if json_file is not None:
        document = prove_document(decisions, seconds, complete=not interrupted, exit_code=exit_code)
        write_json(json_file, document)
    print_decisions(
        console_for(), decisions, seconds, interrupted=interrupted, traces=not no_traces
    )
    raise SystemExit(exit_code)


@main.command(name="list")
@click.argument(
    "kind",
    type=click.Choice(["drivers", "scenarios", "properties", "defects", "theorems"]),
    required=False,
    default=None,
)
@plainly
def list_(kind: str | None) -> None:
    """List the drivers, scenarios, properties, known defects or theorems, or all of them."""
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.explain import print_list

    print_list(console_for(), kind)


@main.command()
@click.argument("name", metavar="ID")
@plainly
def explain(name: str) -> None:
    """Say what a property, defect, verdict, scenario, driver, theorem or invariant is."""
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.explain import print_explanation

    print_explanation(console_for(), name)


@main.command()
@click.argument("clause", metavar="[CLAUSE]", required=False)
@plainly
def spec(clause: str | None) -> None:
    """List the clauses of the specification, or show one with where it lives.

    A clause lives in the text (spec/) and in the transitions, properties, proofs and tests that
    name it.

    \b
    Exit codes: 0  every clause is carried, and every one that is named exists
                1  some clause is not, or does not, or is given twice
                2  there is no such clause, or no text
    """
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.spec.report import print_clause, print_clauses
    from haiku_tuntap.properties.spec.specification import read_specification

    specification = read_specification()
    if clause is not None:
        print_clause(console_for(), specification, specification.clause(clause))
        return
    print_clauses(console_for(), specification)
    raise SystemExit(1 if any(specification.problems()) else 0)


def _report(
    classified: Classified, seconds: float, *, interrupted: bool, every: bool, traces: bool
) -> None:
    from haiku_tuntap.properties.report.console import console_for
    from haiku_tuntap.properties.report.refutations import print_refutation, refutations
    from haiku_tuntap.properties.report.table import results_table, summary

    console = console_for()
    if classified.results:
        console.print(results_table(classified, every=every))
        console.print()
    if traces:
        for refutation in refutations(classified):
            print_refutation(console, refutation)
    console.print(summary(classified, seconds, interrupted=interrupted), soft_wrap=True)
