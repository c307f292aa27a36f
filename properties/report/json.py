"""The result of a check as JSON, for programs.

    {
      "schema": "haiku-tuntap-model/check",
      "version": 1,
      "driver": "mine",               the driver that was checked
      "base": "tunnel",               the shipped driver it is compared with, or null
      "complete": true,               false: the run was interrupted
      "exit": 0,                      the exit code of the run
      "seconds": 12.3,
      "fixed": ["close-race"],        declared defects that are gone from every place that was run
      "missing": [["scenario", "property"], ...],   declared by a shipped driver, and not found
      "results": [
        {
          "driver": "mine", "scenario": "reader-close", "property": "no-lost-wakeup",
          "engine": "explore",        explore, bmc or induction
          "verdict": "REFUTED",       HOLDS, REFUTED or UNDETERMINED
          "known": "close-race",      the declared defect that is meant, or null
          "owner": "driver",          whose defect that is: driver, stack, VFS, or null
          "comparison": "KNOWN",      KNOWN, FIXED, NEW or null
          "vacuous": false,           true: it holds, but its situation never came about
          "limit": null,              the limit that was hit, for UNDETERMINED
          "reason": "...",            why it is refuted, in words, or null
          "states": 412, "depth": 14, "seconds": 0.01, "bounds": "1 reader, 1 close; ...",
          "token": "...",             for `tuntap replay`, or null
          "trace": null or {
            "threads": ["reader", "closer"],
            "steps": [
              {
                "number": 1, "thread": 0,       an index into `threads`
                "action": "...", "outcome": null,
                "where": {"file": "...", "line": 258},   in the model, or null
                "source": "stack/utility.cpp:258",       in Haiku, or null
                "changes": [{"name": "...", "before": "0", "after": "1"}]
              }
            ],
            "conclusion": ["..."],
            "shortest": true
          }
        }
      ]
    }

The version changes when a program that reads this could misread it; a new field does not change
it. spec/check-json.md says the same for people who do not read Python.

A file is written beside its place and then renamed, so that it is whole or not there.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from haiku_tuntap.model.drivers import KnownDefect
from haiku_tuntap.model.language.errors import Where
from haiku_tuntap.properties.known import Classified
from haiku_tuntap.properties.loading import InputError, shorten
from haiku_tuntap.properties.verdict import Result, Trace, TraceStep

SCHEMA = "haiku-tuntap-model/check"
VERSION = 1


def check_document(
    classified: Classified, seconds: float, *, complete: bool, exit_code: int
) -> dict[str, Any]:
    """The whole run, as the module's essay describes it."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "driver": classified.driver.name,
        "base": classified.base.name if classified.base is not None else None,
        "complete": complete,
        "exit": exit_code,
        "seconds": round(seconds, 6),
        "fixed": [defect.id for defect in classified.fixed],
        "missing": [[result.scenario, result.property] for result in classified.missing],
        "results": [result_of(r, classified.defect_of(r)) for r in classified.results],
    }


def require_writable(path: Path) -> None:
    """Say now, and not after the check, that a file cannot be written."""
    if path.is_dir():
        raise InputError(f"--json {path}: this is a directory; give the name of a file")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"--json {path}: there is no directory {folder}")
    writable = os.access(folder, os.W_OK) if _replaceable(path) else os.access(path, os.W_OK)
    if not writable or (path.exists() and not os.access(path, os.W_OK)):
        raise InputError(f"--json {path}: no permission to write there")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document, whole or not at all."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        if not _replaceable(path):  # /dev/stdout, a pipe: nothing to rename
            path.write_text(text, encoding="utf-8")
            return
        _replace(path.resolve(), text)
    except OSError as error:
        raise InputError(f"--json {path}: cannot write it: {error.strerror}") from error


def _replaceable(path: Path) -> bool:
    return path.is_file() or not path.exists()


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def result_of(result: Result, defect: KnownDefect | None) -> dict[str, Any]:
    """A result, as the module's essay describes it; `defect` is the one that it means."""
    return {
        "driver": result.driver,
        "scenario": result.scenario,
        "property": result.property,
        "engine": result.engine.value,
        "verdict": result.verdict.value,
        "known": result.known,
        "owner": defect.owner if defect is not None else None,
        "comparison": result.comparison.value if result.comparison else None,
        "vacuous": result.vacuous,
        "limit": result.limit,
        "reason": result.reason,
        "states": result.states,
        "depth": result.depth,
        "seconds": round(result.seconds, 6),
        "bounds": result.bounds,
        "token": result.trace.token if result.trace else None,
        "trace": _trace(result.trace) if result.trace else None,
    }


def _trace(trace: Trace) -> dict[str, Any]:
    return {
        "threads": list(trace.threads),
        "steps": [_step(step) for step in trace.steps],
        "conclusion": list(trace.conclusion),
        "shortest": trace.shortest,
    }


def _step(step: TraceStep) -> dict[str, Any]:
    return {
        "number": step.number,
        "thread": step.thread,
        "action": step.action,
        "outcome": step.outcome,
        "where": where_of(step.where) if step.where else None,
        "source": step.source,
        "changes": [
            {"name": change.name, "before": change.before, "after": change.after}
            for change in step.changes
        ],
    }


def where_of(where: Where) -> dict[str, Any]:
    """A line of the model, or of the user's file."""
    return {"file": shorten(where.file), "line": where.line}
