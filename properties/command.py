"""What the commands of `tuntap` share: exit codes, and how they refuse what they were given."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

REFUTED = 1
USAGE_ERROR = 2
UNDETERMINED = 3
INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors in what the user gave into one message and exit code 2."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from haiku_tuntap.properties.loading import InputError

        try:
            command(*args, **kwargs)
        except InputError as error:
            fail(str(error))

    return run


def chosen(kind: str, names: tuple[str, ...], known: dict[str, Any]) -> list[Any]:
    """The named ones, in the order of the list; without names, all."""
    from haiku_tuntap.properties.loading import InputError, unknown

    for name in names:
        if name not in known:
            raise InputError(unknown(kind, name, known))
    return [entry for name, entry in known.items() if not names or name in names]


def processors() -> int:
    """How many processors there are."""
    import os

    if hasattr(os, "sched_getaffinity"):  # those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def require_z3() -> None:
    """End the command if there is no Z3."""
    try:
        import z3  # type: ignore[import-untyped]  # noqa: F401  # z3-solver comes without types
    except ModuleNotFoundError as error:
        if error.name != "z3":
            raise
        fail("Z3 is not installed; pip install 'haiku-tuntap-model[prove]' brings it")


def fail(message: str) -> NoReturn:
    """End the command with one message and exit code 2."""
    click.echo(f"tuntap: {message}", err=True)
    raise SystemExit(USAGE_ERROR)
