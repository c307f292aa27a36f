"""What is suggested is Python that a file may have, in lines that a terminal may show."""

from __future__ import annotations

import ast
import io
import textwrap

import pytest
from rich.console import Console

from haiku_tuntap.properties.prove.outcome import SuggestedFact, Suggestion
from haiku_tuntap.properties.report.suggestions import broken, print_suggestion

WHERE = "down: blocked wait_for_exit(device interface.reader_thread)"
SOMEBODY = f'state.count(standing("{WHERE}"))'
LONGER = SOMEBODY.replace("down", "a thread with a name that is about as long as a line may be")
FACTS = [
    "state.device.send_queue.waiting >= 0",
    f"{SOMEBODY} == 0",
    f"{LONGER} == 0",
    f"state.implies({SOMEBODY} > 0, state.device.receive_queue.closed == 1)",
    f"state.implies({LONGER} > 0, state.device.receive_queue.closed == 1)",
]


def suggesting(*facts: SuggestedFact) -> Suggestion:
    return Suggestion(facts=facts, proved=("no-lost-wakeup",), tried=len(facts))


def test_a_fact_that_is_too_long_for_a_line_is_broken_as_one_would_by_hand() -> None:
    assert list(broken(FACTS[4], 70, after=",")) == [
        "state.implies(",
        "    state.count(",
        "        standing(",
        '            "a thread with a name that is about as long as a line "',
        '            "may be: blocked wait_for_exit(device "',
        '            "interface.reader_thread)",',
        "        ),",
        "    ) > 0,",
        "    state.device.receive_queue.closed == 1,",
        "),",
    ]


@pytest.mark.parametrize("code", FACTS)
def test_the_broken_fact_is_the_same(code: str) -> None:
    lines = list(broken(code, 60))
    assert max(map(len, lines)) <= 60
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(code))


def test_what_is_printed_fits_into_100_columns_and_is_python() -> None:
    unnamed = SuggestedFact(f"somebody is at {WHERE} -> the reader's number >= 0 and so on", None)
    suggestion = suggesting(*(SuggestedFact("", code) for code in FACTS), unnamed)
    console = Console(file=io.StringIO(), width=100)
    print_suggestion(console, "interface", suggestion)
    printed = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO
    assert max(map(len, printed)) <= 100
    first = printed.index("  from haiku_tuntap.model.language.invariants import standing")
    body = ast.parse(textwrap.dedent("\n".join(printed[first:]))).body[-1]
    assert isinstance(body, ast.FunctionDef)
    (returned,) = body.body
    facts = ", ".join(FACTS)
    assert ast.dump(returned) == ast.dump(ast.parse(f"return state.every({facts})").body[0])
