"""The JSON of a check, and how it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.properties.known import classify
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.report.json import check_document, require_writable, write_json
from haiku_tuntap.properties.verdict import Result, Trace, Verdict


def test_a_result_has_the_fields_of_the_schema(result: Callable[..., Result], trace: Trace) -> None:
    classified = classify(TUNNEL, [result(verdict=Verdict.REFUTED, trace=trace, reason="Stuck.")])
    document = check_document(classified, 1.5, complete=True, exit_code=0)
    (entry,) = document.pop("results")
    assert document == {
        "schema": "haiku-tuntap-model/check",
        "version": 1,
        "driver": "tunnel",
        "base": "tunnel",
        "complete": True,
        "exit": 0,
        "seconds": 1.5,
        "fixed": [],
        "missing": [],
    }
    drawn = entry.pop("trace")
    assert entry == {
        "driver": "tunnel",
        "scenario": "reader-close",
        "property": "no-lost-wakeup",
        "engine": "explore",
        "verdict": "REFUTED",
        "known": "close-race",
        "owner": "driver",
        "comparison": "KNOWN",
        "vacuous": False,
        "limit": None,
        "reason": "Stuck.",
        "states": 1234,
        "depth": 14,
        "seconds": 0.5,
        "bounds": "1 reader, 1 close",
        "token": trace.token,
    }
    assert drawn["threads"] == ["reader", "closer"]
    assert drawn["steps"][1] == {
        "number": 2,
        "thread": 1,
        "action": "release_all(device.send_queue.notify)",
        "outcome": None,
        "where": {"file": "/somewhere/my_driver.py", "line": 12},
        "source": "tunnel.cpp:120",
        "changes": [],
    }


def test_the_schema_file_names_every_field(result: Callable[..., Result], trace: Trace) -> None:
    text = (Path(__file__).parents[3] / "spec" / "check-json.md").read_text(encoding="utf-8")
    classified = classify(TUNNEL, [result(verdict=Verdict.REFUTED, trace=trace)])
    document = check_document(classified, 1.5, complete=True, exit_code=0)
    (entry,) = document["results"]
    names = {*document, *entry, *entry["trace"], *entry["trace"]["steps"][0]}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")
    write_json(file, {"new": 1})
    assert json.loads(file.read_text()) == {"new": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_json(file, {"new": 1})
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_json(Path("/dev/null"), {})
    assert not Path("/dev/null").is_file()


def test_a_directory_is_refused_before_anything_is_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is a directory"):
        require_writable(tmp_path)
    with pytest.raises(InputError, match="there is no directory"):
        require_writable(tmp_path / "none" / "results.json")
    require_writable(tmp_path / "results.json")
