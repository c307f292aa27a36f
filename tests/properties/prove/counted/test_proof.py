"""Proofs say what they used, what they could do without, and where nobody can be."""

from __future__ import annotations

from functools import cache

import pytest
from attrs import evolve

from haiku_tuntap.model.drivers import DRIVERS
from haiku_tuntap.model.kernel.signals import take_signal
from haiku_tuntap.model.language.invariants import Facts, Place, inside, next_is
from haiku_tuntap.properties.prove.counted.proof import Proof, prove
from haiku_tuntap.properties.prove.theorems import THEOREMS

PROVED = [
    ("tunnel-repaired", "reopen"),
    ("tunnel-repaired", "nonblocking"),
    ("tunnel-repaired", "interface"),
    ("tunnel-semaphore", "reopen"),
    ("repair-close-race", "reopen"),
    ("repair-down-race", "interface"),
]


@cache
def proof_of(driver: str, theorem: str) -> Proof:
    return prove(DRIVERS[driver], THEOREMS[theorem])


@pytest.mark.parametrize(("driver", "theorem"), PROVED)
def test_of_what_is_proved_no_conjunct_can_be_left_out(driver: str, theorem: str) -> None:
    proof = proof_of(driver, theorem)
    assert all(proof.proves(p) for p in proof.theorem.properties)
    assert proof.needless == []


def test_an_open_that_has_its_file_never_gives_up() -> None:
    assert proof_of("tunnel-semaphore", "reopen").dead == [
        "reader: get(files.fd3)",
        "opener: free(descriptor)",
        "opener: delete(device.send_queue.notify)",
        "opener: and_(device.open_count)",
        "opener: free(cookie)",
    ]


def test_a_writer_of_ip_packets_is_never_refused_for_its_protocol() -> None:
    assert proof_of("tunnel-repaired", "interface").dead == [
        "reader thread: device_removed(interface.device)",
        "writer: free(buffer)",
        "writer: take_signal()",
        "writer: get(files.fd3)",
    ]


def test_a_conjunct_that_says_nothing_is_needless() -> None:
    driver = DRIVERS["tunnel-repaired"].derive("wordy", "says something that nobody needs")

    @driver.invariant("interface", why="It follows from the others.")
    def tokens_are_not_negative(state: Facts) -> object:
        return state.device.receive_queue.notify.tokens >= 0

    assert prove(driver, THEOREMS["interface"]).needless == ["tokens-are-not-negative"]


def test_a_conjunct_is_not_called_needless_where_what_it_is_for_is_not_proved() -> None:
    """Only no-lost-wakeup needs open-counts, and of tunnel it is not true."""
    proof = proof_of("tunnel", "close")
    assert proof.inductive
    assert {c.forbidden.prop.id for c in proof.counterexamples} == {"no-lost-wakeup"}
    assert proof.needless == []


def test_an_invariant_that_excludes_everything_is_vacuous_or_not_true_at_first() -> None:
    driver = DRIVERS["tunnel-repaired"].derive("strict", "claims that nothing is ever so")

    @driver.invariant("interface", why="It is not.")
    def nothing(state: Facts) -> object:
        return state.device.receive_queue.waiting < 0

    proof = prove(driver, THEOREMS["interface"])
    assert [claim.name for claim in proof.initial_failures] == ["nothing"]
    assert not any(proof.proves(p) for p in proof.theorem.properties)


def test_a_theorem_about_what_cannot_be_is_vacuous() -> None:
    nowhere: Place = inside(take_signal) & next_is("nowhere")
    theorem = evolve(THEOREMS["interface"], situation=nowhere)
    proof = prove(DRIVERS["tunnel-repaired"], theorem)
    assert proof.inductive
    assert proof.vacuous
    assert not any(proof.proves(p) for p in theorem.properties)


def test_what_is_wrong_with_tunnel_is_a_state_of_its_invariant() -> None:
    proof = proof_of("tunnel", "interface")
    assert proof.inductive
    assert {c.forbidden.prop.id for c in proof.counterexamples} == {
        "no-lost-wakeup",
        "interface-down-returns",
    }
