"""Generated parts: written where they belong, always the same, and true to the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from haiku_tuntap.model.drivers.known_defects import CLOSE_RACE
from haiku_tuntap.model.profiles import HAIKU
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.spec import diagrams, generate, step_graph


@pytest.fixture
def two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PARTS", {"one": lambda: "1\n", "two": lambda: "2\n"})


TEXT = """before
<!-- generated: one -->
<!-- end -->
between
<!-- generated: two -->
stale
<!-- end -->
after
"""


@pytest.mark.usefixtures("two_parts")
def test_only_what_is_between_the_marks_is_written(tmp_path: Path) -> None:
    (tmp_path / "chapter.md").write_text(TEXT, encoding="utf-8")
    generate.main(tmp_path)
    written = (tmp_path / "chapter.md").read_text(encoding="utf-8")
    assert written.splitlines() == [
        "before",
        *("<!-- generated: one -->", "1", "<!-- end -->"),
        "between",
        *("<!-- generated: two -->", "2", "<!-- end -->"),
        "after",
    ]
    assert generate.generated(written) == written


@pytest.mark.usefixtures("two_parts")
def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(InputError, match="there is no generated part named 'tow'; did you mean"):
        generate.generated("<!-- generated: tow -->\n<!-- end -->\n")


DIAGRAMS = [
    diagrams.read_call,
    diagrams.poll_call,
    diagrams.file_life,
    diagrams.interface_life,
    step_graph.dequeue,
]


@pytest.mark.parametrize("make", DIAGRAMS, ids=lambda make: make.__name__)
def test_diagrams_are_always_the_same_and_every_node_is_reached(
    make: Callable[[], str],
) -> None:
    text = make()
    assert make() == text
    declared = set(re.findall(r"(?:^    | as )(s\d+)(?:$|\[)", text, re.MULTILINE))
    assert declared
    assert declared <= set(re.findall(r"> (s\d+)", text))


def test_diagrams_follow_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "delete gives EBUSY" in diagrams.interface_life()
    # Today's driver lets a device be deleted while it is open.
    monkeypatch.setattr(diagrams, "REQUIRED", HAIKU)
    assert "delete gives EBUSY" not in diagrams.interface_life()


def test_the_steps_of_the_dequeueing_have_the_gap() -> None:
    """Between the unlock and the sleep a thread stands in a place of its own."""
    text = step_graph.dequeue()
    nodes = {
        line.split('"')[1]: line.split("[")[0].strip() for line in text.splitlines() if '["' in line
    }
    unlock = nodes["unlock(fifo.lock)<br/>stack/utility.cpp:260"]
    acquire = nodes["acquire(fifo.notify)<br/>stack/utility.cpp:266-267"]
    asleep = nodes["asleep in acquire(fifo.notify)"]
    assert f"    {unlock} --> {acquire}" in text.splitlines()
    assert f"    {acquire} --> {asleep}" in text.splitlines()


def test_a_defect_is_shown_by_its_shortest_run_without_what_changes_with_every_edit() -> None:
    text = generate.defect(CLOSE_RACE)
    assert "Reader is stuck in acquire(send_queue.notify)" in text
    assert "No run with fewer steps does this." in text
    assert "model/" not in text
    assert "tunnel.cpp:120" in text


def test_a_declared_defect_that_is_gone_is_said() -> None:
    with pytest.raises(InputError, match="no-deadlock holds in reader-close"):
        generate.trace("reader-close", "no-deadlock")
