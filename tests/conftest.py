"""What all tests share."""

import pytest


@pytest.fixture(autouse=True)
def _a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are as wide as they are without a terminal, whatever runs the tests says."""
    monkeypatch.setenv("COLUMNS", "100")
