"""A name in an invariant that is a name of nothing is refused, and not taken for an empty place."""

from __future__ import annotations

from pathlib import Path

import pytest

from haiku_tuntap.model.drivers import DRIVERS, Driver
from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelDevice, tunnel_send_data
from haiku_tuntap.model.kernel.buffers import NetBuffer
from haiku_tuntap.model.kernel.net_fifo import fifo_enqueue_buffer
from haiku_tuntap.model.kernel.select_calls import select_fd
from haiku_tuntap.model.language import procedure
from haiku_tuntap.model.language.invariants import (
    Place,
    at,
    inside,
    local_is,
    meant_by,
    next_is,
    standing,
)
from haiku_tuntap.model.status import Status
from haiku_tuntap.properties.loading import InputError, load_driver
from haiku_tuntap.properties.prove import names
from haiku_tuntap.properties.prove.counted.population import population_of
from haiku_tuntap.properties.prove.names import Vocabulary, require_known_names_in
from haiku_tuntap.properties.prove.theorems import THEOREMS
from haiku_tuntap.properties.prove.verdicts import attempt
from haiku_tuntap.properties.prove.written import LocalOf


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are these two theorems only, for the sake of time."""
    few = {name: THEOREMS[name] for name in ("packets", "interface")}
    monkeypatch.setattr(names, "THEOREMS", few)


@pytest.mark.usefixtures("only")
@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        (
            next_is("release(device.send_queue.notify)"),
            next_is("release(device.send_queue.notfy)"),
            "step with the label 'release(device.send_queue.notfy)'; did you mean "
            "'release(device.send_queue.notify)' or 'release_all(device.send_queue.notify)'?",
        ),
        (
            at("stack/datalink.cpp:740"),
            at("stack/datalink.cpp:7400"),
            "step at the line 'stack/datalink.cpp:7400'; did you mean 'stack/datalink.cpp:740'",
        ),
        (
            standing("sender: primitive lock(device.send_queue.lock)"),
            standing("sendr: primitive lock(device.send_queue.lock)"),
            "place called 'sendr: primitive lock(device.send_queue.lock)'; did you mean "
            "'sender: primitive lock(device.send_queue.lock)'",
        ),
        (
            local_is("status", 0),
            local_is("statsu", 0),
            "local named 'statsu'; did you mean 'status'",
        ),
        (
            meant_by("sender", "info"),
            meant_by("sendr", "info"),
            "local by which a thread means a record of another one's, \"sendr's info\"; "
            'did you mean "sender\'s info"',
        ),
        (
            LocalOf("up", "value"),
            LocalOf("up", "valeu"),
            'local that keeps a number without bound, "up\'s valeu"; did you mean "up\'s value"',
        ),
    ],
)
def test_a_name_that_there_is_not_is_refused(
    good: Place | LocalOf, bad: Place | LocalOf, problem: str
) -> None:
    vocabulary = Vocabulary(TUNNEL, THEOREMS["close"])
    vocabulary.show(good)
    with pytest.raises(AttributeError) as raised:
        vocabulary.show(bad)
    assert str(raised.value).startswith(f"the driver has no {problem}")


@pytest.mark.usefixtures("only")
@pytest.mark.parametrize(
    "place",
    [
        inside(select_fd) & next_is("nothing()"),
        next_is("nothing()") | inside(select_fd),
        ~next_is("nothing()"),
        next_is("nothing()").called("nothing"),
    ],
)
def test_it_is_refused_as_a_part_of_a_place(place: Place) -> None:
    with pytest.raises(AttributeError, match=r"no step with the label 'nothing\(\)'"):
        Vocabulary(TUNNEL, THEOREMS["close"]).show(place)


def test_a_proof_ends_with_the_line_of_the_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from haiku_tuntap.model.drivers.tunnel import TUNNEL\n"
        "from haiku_tuntap.model.language.invariants import next_is\n"
        'driver = TUNNEL.derive("mine", "")\n'
        '@driver.invariant("nonblocking", why="?")\n'
        "def counted(state):\n"
        "    return state.every(\n"
        "        state.device.send_queue.waiting >= 0,\n"
        '        state.count(next_is("instal(files)")) == 0,\n'
        "    )\n",
        encoding="utf-8",
    )
    driver = load_driver(str(file))
    with pytest.raises(InputError) as raised:
        attempt(driver, THEOREMS["nonblocking"], lambda _: None, None)
    place, _, said = str(raised.value).partition(": invariant counted: ")
    assert place.endswith("mine.py:8")
    assert said == (
        "the driver has no step with the label 'instal(files)'; did you mean 'install(files)' or "
        "'get(files.fd3)'?"
    )


def _accepts(driver: Driver, theorem: str) -> None:
    built = THEOREMS[theorem].build(driver)
    population = population_of(built.system, built.single)
    require_known_names_in(driver.invariants.values(), driver, THEOREMS[theorem], population)


@pytest.mark.parametrize("theorem", THEOREMS)
@pytest.mark.parametrize("driver", ["tunnel", "tunnel-repaired", "tunnel-flag-only"])
def test_the_names_that_shipped_drivers_use_are_known(driver: str, theorem: str) -> None:
    _accepts(DRIVERS[driver], theorem)


def test_a_name_that_only_another_theorem_has_is_accepted() -> None:
    """It is about opens, of which theorem close has none."""
    _accepts(DRIVERS["tunnel-semaphore"], "close")


def test_a_name_that_a_change_has_removed_is_accepted_in_what_it_inherits() -> None:
    driver = TUNNEL.derive("quiet", "tunnel, but nobody tells those who poll")

    @driver.replaces(tunnel_send_data)
    @procedure()
    async def send(device: TunnelDevice, buffer: NetBuffer) -> Status:
        return await fifo_enqueue_buffer(device.send_queue, buffer)

    vocabulary = Vocabulary(driver, THEOREMS["packets"])
    own = THEOREMS["packets"].build(driver)
    vocabulary.learn(population_of(own.system, own.single))
    assert not any(name.text == "sender's info" for name in vocabulary.known)
    _accepts(driver, "packets")
