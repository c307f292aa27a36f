"""The answers of the prover."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """The answer to whether something is true of a theorem's system, for any number of threads."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNDETERMINED = "UNDETERMINED"
