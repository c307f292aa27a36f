"""A simulation: its log, its pcap as scapy and tshark read it, and the proofs by command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from scapy.utils import PcapReader, rdpcap

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.packet import FRAMINGS, TAP, TUN, Framing
from haiku_tuntap.model.packet.framing import TYPE_ARP
from haiku_tuntap.properties.cli import main
from haiku_tuntap.properties.simulate import Direction, cross, simulate, workload

both_kinds = pytest.mark.parametrize("options", [(), ("--tap",)], ids=["tun", "tap"])

IMPORTS = """\
from haiku_tuntap.model.drivers.tunnel import *
from haiku_tuntap.model.drivers.tunnel import tunnel_send_data, tunnel_write
from haiku_tuntap.model.language import procedure

MINE = TUNNEL.derive("mine", "tunnel, but wrong")

"""


def _run(*arguments: str, exit_code: int = 0) -> Result:
    ended = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert ended.exit_code == exit_code, ended.output
    return ended


def _with_driver(folder: Path, text: str, *options: str, exit_code: int = 0) -> str:
    file = folder / "mine.py"
    file.write_text(IMPORTS + text, encoding="utf-8")
    return _run("simulate", str(file), *options, exit_code=exit_code).output


def _packets(file: Path) -> list[Packet]:
    return list(rdpcap(str(file)))


# --- the log ----------------------------------------------------------------------------------


@both_kinds
def test_the_same_seed_gives_the_same_log_and_file(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    logs, files = [], []
    for name in ("1.pcap", "2.pcap"):
        file = tmp_path / name
        log = _run("simulate", *options, "--seed", "5", "--pcap", str(file)).output
        logs.append(log.replace(str(file), ""))
        files.append(file.read_bytes())
    assert logs[0] == logs[1]
    assert files[0] == files[1]


def test_another_seed_gives_another_schedule() -> None:
    logs = {_run("simulate", "--seed", str(seed)).output.split("\n", 1)[1] for seed in range(5)}
    assert len(logs) == 5


@pytest.mark.parametrize("driver", DRIVERS)
@both_kinds
def test_whatever_the_schedule_every_packet_arrives_or_is_refused_once(
    driver: str, options: tuple[str, ...]
) -> None:
    for seed in range(20):
        ended = simulate(DRIVERS[driver], tap="--tap" in options, seed=seed)
        fates = [e.packet for e in ended.entries if e.what in ("arrives", "refused")]
        assert sorted(p.number for p in fates if p) == [p.number for p in ended.packets]
        judged = {p.number for p in ended.packets if cross(ended.framing, p).status != 0}
        assert ended.refused == judged
        assert not ended.violations
        assert not ended.asleep


def test_each_line_has_the_direction_and_the_packet_decoded() -> None:
    log = _run("simulate").output
    assert re.search(
        r"#2 +application → stack +arrives +IPv4 10\.0\.0\.2 → 10\.0\.0\.1 ICMP echo request", log
    )
    assert re.search(r"#8 +stack → application +arrives +IPv4 10\.0\.0\.1 → 10\.0\.0\.2 UDP", log)
    assert re.search(r"IPv6 fd00::2 → fd00::1 ICMPv6 echo request, 88 bytes; then freed", log)
    tap = _run("simulate", "--tap").output
    assert re.search(
        r"#1 +application → stack +arrives +ARP request 10\.0\.0\.2 → 10\.0\.0\.1", tap
    )
    assert "then freed" not in tap


def test_the_steps_are_counted() -> None:
    log = _run("simulate").output
    total, parts = re.findall(r"^(\d+) steps: (.*)$", log, re.MULTILINE)[0]
    counts = [int(n) for n in re.findall(r" (\d+)(?:,|$)", parts)]
    assert len(counts) == 4
    assert sum(counts) == int(total)
    assert int(re.findall(r"^ *(\d+)  #", log, re.MULTILINE)[-1]) <= int(total)


@pytest.mark.parametrize("framing", [TUN, TAP], ids=["tun", "tap"])
def test_packets_are_known_by_their_lengths(framing: Framing) -> None:
    packets = workload(framing)
    assert len({len(packet.data) for packet in packets}) == len(packets)


# --- the file ---------------------------------------------------------------------------------


@both_kinds
def test_refused_packets_are_in_the_log_and_not_in_the_file(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "f.pcap"
    log = _run("simulate", *options, "--pcap", str(file)).output
    refused = set(re.findall(r"#(\d+) .* refused  (?:B_BAD_DATA|ENOBUFS): it", log))
    assert refused == ({"5", "10"} if options else {"1", "5", "6", "10"})
    assert re.search(r"#5 .* ENOBUFS: it is larger than the whole queue", log)
    if not options:
        assert "its first nibble is 0, and not 4 or 6" in log
        assert "its type is 0x0806 (ARP), and not IPv4 or IPv6" in log
    packets = workload(TAP if options else TUN)
    expected = {p.data for p in packets if str(p.number) not in refused}
    assert {bytes(packet) for packet in _packets(file)} == expected
    assert f"wrote {len(expected)} packets to {file}" in log


def test_scapy_reads_a_tun_devices_packets(tmp_path: Path) -> None:
    file = tmp_path / "tun.pcap"
    _run("simulate", "--pcap", str(file))
    with PcapReader(str(file)) as reader:
        assert reader.linktype == 101
    packets = _packets(file)
    assert sorted(type(packet).__name__ for packet in packets) == ["IP"] * 5 + ["IPv6"]
    assert sum(ICMP in packet for packet in packets) == 2
    assert sum(UDP in packet for packet in packets) == 3
    assert sum(ICMPv6EchoRequest in packet for packet in packets) == 1
    _checksums_are_scapys(packets)


def test_scapy_reads_a_tap_devices_frames(tmp_path: Path) -> None:
    file = tmp_path / "tap.pcap"
    _run("simulate", "--tap", "--pcap", str(file))
    with PcapReader(str(file)) as reader:
        assert reader.linktype == 1
    packets = _packets(file)
    assert all(isinstance(packet, Ether) for packet in packets)
    operations = [packet[ARP].op for packet in packets if packet.type == TYPE_ARP]
    assert sorted(operations) == [1, 2]
    assert len(packets) == 8
    _checksums_are_scapys(packets)


def _checksums_are_scapys(packets: list[Packet]) -> None:
    """Scapy computes a checksum when there is none, and then has the same bytes."""
    for packet in packets:
        blank = packet.copy()
        for layer, name in ((IP, "chksum"), (ICMP, "chksum"), (UDP, "chksum")):
            if layer in blank:
                delattr(blank[layer], name)
        if IPv6 in blank:
            del blank[ICMPv6EchoRequest].cksum
        assert bytes(blank) == bytes(packet)


def test_times_are_the_steps(tmp_path: Path) -> None:
    file = tmp_path / "f.pcap"
    log = _run("simulate", "--pcap", str(file)).output
    steps = [int(step) for step in re.findall(r"^ *(\d+)  #.* arrives ", log, re.MULTILINE)]
    assert [round(float(packet.time) * 1000) for packet in _packets(file)] == steps


@pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed, so it has not read the pcap"
)
@both_kinds
def test_tshark_reads_the_file_and_finds_nothing_wrong(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "f.pcap"
    _run("simulate", *options, "--pcap", str(file))
    checks = [f"{name}.check_checksum:TRUE" for name in ("ip", "udp")]
    wanted = ["_ws.col.Protocol", "_ws.expert.severity", "ip.checksum.status"]
    wanted += ["udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"]
    command = ["tshark", "-r", str(file), "-T", "fields"]
    command += [part for check in checks for part in ("-o", check)]
    command += [part for field in wanted for part in ("-e", field)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in printed.splitlines()]
    protocols = ["ICMP"] * 2 + ["ICMPv6"] + ["UDP"] * 3
    assert sorted(row[0] for row in rows) == (["ARP"] * 2 if options else []) + protocols
    good, warning = "1", 0x400000
    for protocol, severity, *statuses in rows:
        assert all(int(s) < warning for s in severity.split(",") if s), (protocol, severity)
        assert set(statuses) <= {"", good}
        assert protocol == "ARP" or good in statuses


@pytest.mark.parametrize("framing", [TUN, TAP], ids=["tun", "tap"])
def test_the_bytes_come_out_of_the_framing_text(framing: Framing) -> None:
    for packet in workload(framing):
        crossing = cross(framing, packet)
        if crossing.status == 0 or packet.direction is Direction.TO_STACK:
            assert crossing.data == packet.data


def test_a_file_is_not_replaced_unless_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "mine.pcap"
    file.write_text("precious", encoding="utf-8")
    ended = _run("simulate", "--pcap", str(file), exit_code=2)
    assert "this file exists; give another name, or --force" in ended.output
    assert "step" not in ended.output
    assert file.read_text(encoding="utf-8") == "precious"
    _run("simulate", "--pcap", str(file), "--force")
    assert len(_packets(file)) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pcap"]


def test_a_place_where_no_file_can_be_is_said_before_the_run(tmp_path: Path) -> None:
    assert "is a directory" in _run("simulate", "--pcap", str(tmp_path), exit_code=2).output
    nowhere = str(tmp_path / "no" / "f.pcap")
    assert "there is no directory" in _run("simulate", "--pcap", nowhere, exit_code=2).output
    device = _run("simulate", "--force", "--pcap", "/dev/null", exit_code=2)
    assert "this is not a file" in device.output
    assert Path("/dev/null").is_char_device()


# --- drivers that are wrong ---------------------------------------------------------------------


def test_a_driver_that_lets_everything_pass_differs_from_the_framing_text(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_write)
@procedure()
async def accepts_all(cookie: TunnelCookie, size: int, version: int) -> Status:
    buffer = await allocate(NetBuffer, size=size, version=version)
    assert buffer is not None
    return await fifo_enqueue_buffer(cookie.device.receive_queue, buffer)
"""
    log = _with_driver(tmp_path, text, "--pcap", str(tmp_path / "f.pcap"))
    assert re.search(r"#1 .* arrives .*; the framing text refuses it with B_BAD_DATA", log)
    assert len(_packets(tmp_path / "f.pcap")) == 7


def test_a_driver_that_refuses_what_it_should_not(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_write)
@procedure()
async def refuses_all(cookie: TunnelCookie, size: int, version: int) -> Status:
    return B_NO_MEMORY
"""
    log = _with_driver(tmp_path, text)
    assert re.search(r"#2 .* refused .*B_NO_MEMORY: .*; the framing text says B_OK", log)


def test_a_driver_that_loses_packets_leaves_the_reader_asleep(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_send_data)
@procedure()
async def loses_all(device: TunnelDevice, buffer: NetBuffer) -> Status:
    return B_OK
"""
    log = _with_driver(tmp_path, text)
    assert "#7 neither arrived nor was refused" in log
    assert "reader sleeps in acquire at the end, and nobody will come" in log


def test_a_driver_that_frees_twice_ends_the_run(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_send_data)
@procedure()
async def frees(device: TunnelDevice, buffer: NetBuffer) -> Status:
    await free(buffer)
    return B_BAD_DATA
"""
    log = _with_driver(tmp_path, text, exit_code=1)
    assert "violation: free of NetBuffer of a record that is not allocated" in log


def test_a_driver_that_never_ends_is_stopped(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_send_data)
@procedure()
async def spins(device: TunnelDevice, buffer: NetBuffer) -> Status:
    while await device.open_count.load() != 7:
        pass
    return B_OK
"""
    assert "stopped after 10,000 steps" in _with_driver(tmp_path, text, exit_code=3)


def test_a_driver_that_fails_is_said_with_its_line(tmp_path: Path) -> None:
    text = """\
@MINE.replaces(tunnel_send_data)
@procedure()
async def fails(device: TunnelDevice, buffer: NetBuffer) -> Status:
    return device.no_such_field
"""
    output = _with_driver(tmp_path, text, exit_code=2)
    assert re.search(r"mine\.py:\d+: AttributeError: .*no_such_field", output)
    assert "Traceback" not in output


def test_an_unknown_driver_is_said_in_plain_words() -> None:
    assert "there is no driver named 'tunel'" in _run("simulate", "tunel", exit_code=2).output


# --- the proofs -----------------------------------------------------------------------------------


def test_frame_proves_everything() -> None:
    lines = _run("frame").output.splitlines()
    assert lines[-1] == "52 of 52 proofs PROVED"
    assert len(lines) == 53
    for line in lines[:-1]:
        assert re.fullmatch(r"PROVED  framing/[a-z0-9/-]+  \(\d+ ms\)", line)
    assert {line.split("/")[1] for line in lines[:-1]} == set(FRAMINGS)


def test_frame_proves_one_framing() -> None:
    lines = _run("frame", "linux-tap").output.splitlines()
    assert lines[-1] == "7 of 7 proofs PROVED"
    assert all("framing/linux-tap/" in line for line in lines[:-1])
    assert "did you mean tun" in _run("frame", "tunn", exit_code=2).output


def test_frame_shows_the_counterexample_of_what_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    from haiku_tuntap.properties import framing
    from haiku_tuntap.properties.framing import PROOFS

    proof = PROOFS["framing/tun/round-trip"]
    refuted = proof.prove(proof.faults[0])
    monkeypatch.setattr(framing, "prove_all", lambda framings: [refuted])
    output = _run("frame", "tun", exit_code=1).output
    assert output.startswith("REFUTED  framing/tun/round-trip")
    assert "0000  4" in output
    assert output.endswith("0 of 1 proofs PROVED\n")


def test_frame_that_is_not_finished_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    from haiku_tuntap.properties import framing
    from haiku_tuntap.properties.framing import PROOFS, Answer, ProofResult

    proof = PROOFS["framing/tun/round-trip"]
    unfinished = ProofResult(proof, Answer.UNDETERMINED, 5.0, reason="Z3 did not finish: timeout")
    monkeypatch.setattr(framing, "prove_all", lambda framings: [unfinished])
    assert "Z3 did not finish: timeout" in _run("frame", "tun", exit_code=3).output


def test_frame_without_z3_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['z3'] = None\n"
        "from haiku_tuntap.properties.cli import main\n"
        "main(['frame'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "pip install 'haiku-tuntap-model[prove]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_simulation_needs_neither_scapy_nor_z3() -> None:
    program = (
        "import sys\n"
        "sys.modules['z3'] = sys.modules['scapy'] = None\n"
        "from haiku_tuntap.properties.cli import main\n"
        "main(['simulate'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "6 crossed the interface" in ended.stdout
