"""The profiles: every decision has a reason and a source, and the table shows them all."""

from __future__ import annotations

import pytest
from attrs import fields

from haiku_tuntap.model.profiles import (
    HAIKU,
    LINUX,
    PROFILES,
    REQUIRED,
    Profile,
    decisions,
    profile_table,
    words,
)
from haiku_tuntap.model.status import B_OK, EIO


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_decision_is_argued(profile: Profile) -> None:
    for name, decision in decisions(profile).items():
        assert decision.reason.endswith("."), name
        assert decision.source, name


def test_haiku_differs_where_it_says_so_and_nowhere_else() -> None:
    required, haiku = decisions(REQUIRED), decisions(HAIKU)
    assert {name for name in required if required[name].value != haiku[name].value} == {
        "queue_survives_reopen",
        "close_wakes_select",
        "nonblocking_honoured",
        "write_runt",
        "write_while_down",
        "ipv6_on_tun",
        "delete_while_open",
    }


def test_the_table_has_a_row_and_reasons_for_every_decision() -> None:
    table = profile_table()
    assert table.startswith("| decision | question | required | haiku | linux |\n")
    for name in decisions(REQUIRED):
        question = getattr(fields(Profile), name).metadata["question"]
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
        values = [words(decisions(profile)[name].value) for profile in PROFILES]
        assert row == f"| `{name}` | {question} | " + " | ".join(values) + " |"
        assert f"**`{name}`**" in table
    assert (
        "- required, haiku (no): One read is one packet, or packets lose their borders. "
        "*tunnel.cpp:165-171*\n" in table
    )


def test_words() -> None:
    assert words(True) == "yes"
    assert words((B_OK, EIO)) == "B_OK or EIO"
    assert words(()) == "none"
    assert words(LINUX.queue_unit.value) == "packets"
    assert words(REQUIRED.tun_capacity.value) == "48,448"
