"""Finding the driver that a user names: one that is shipped, or one in a file of theirs.

A file is imported, that is, run: it is Python like any other. What is wrong with it is said with
the line in that file, never with a traceback through this project.
"""

from __future__ import annotations

import difflib
import linecache
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from haiku_tuntap.model.drivers import DRIVERS, Driver
from haiku_tuntap.model.language.errors import LanguageError, Where

_TOP = Path(__file__).resolve().parent.parent
_origins: WeakKeyDictionary[Driver, str] = WeakKeyDictionary()


class InputError(Exception):
    """What the user gave cannot be used; the message says why, in plain words."""


def load_driver(spec: str) -> Driver:
    """The driver of that name, or the one that the file of that name makes."""
    if spec.endswith(".py"):
        driver = _load_file(spec)
        _origins[driver] = spec
        return driver
    if spec in DRIVERS:
        return DRIVERS[spec]
    raise InputError(
        unknown("driver", spec, DRIVERS)
        + "\n  to check a driver of your own, give its file: my_driver.py"
    )


def spec_of(driver: Driver) -> str:
    """What to give to `load_driver` to get this driver again."""
    return _origins.get(driver, driver.name)


def is_shipped(driver: Driver) -> bool:
    """Whether this is one of the drivers that come with the project."""
    return DRIVERS.get(driver.name) is driver


def unknown(kind: str, name: str, names: Iterable[str]) -> str:
    """The message for a name that does not exist, with the nearest that do."""
    known = list(names)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        return f"there is no {kind} named {name!r}; did you mean {_either(near)}?"
    return f"there is no {kind} named {name!r}; there are {', '.join(known)}"


def explain_failure(error: BaseException, file: str) -> InputError:
    """What went wrong in a user's file, or on the way from it, as an InputError.

    The place is the innermost line in the user's file, or else the innermost line of all.
    """
    if isinstance(error, InputError):
        return error
    if isinstance(error, SyntaxError):
        place = f"{shorten(error.filename or file)}:{error.lineno or 1}"
        line = f"\n    {error.text.strip()}" if error.text else ""
        return InputError(f"{place}: this is not Python: {error.msg}{line}")
    if isinstance(error, LanguageError) and error.where is not None:
        where = Where(shorten(error.where.file), error.where.line)
        return InputError(str(LanguageError(where, error.problem, error.instead)))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == Path(file).resolve()]
    # What this project's model raises is written for the user; of the rest, the type helps.
    ours = bool(frames) and Path(frames[-1].filename).resolve().is_relative_to(_TOP / "model")
    plain = isinstance(error, LanguageError) or (isinstance(error, TypeError) and ours)
    text = str(error) if plain else f"{type(error).__name__}: {error}"
    innermost = (own or list(frames))[-1:]
    place = f"{shorten(innermost[0].filename)}:{innermost[0].lineno}" if innermost else file
    return InputError(f"{place}: {text}")


def shorten(file: str) -> str:
    """A file's name as a reader looks for it: from this project's top, or from here."""
    path = Path(file)
    for folder in (Path.cwd(), _TOP):
        try:
            return str(path.resolve().relative_to(folder))
        except ValueError:
            continue
    return file


def _load_file(spec: str) -> Driver:
    path = Path(spec).resolve()
    if path.is_dir():
        raise InputError(f"{spec} is a directory; give a Python file that makes a driver")
    if not path.exists():
        raise InputError(f"there is no file {spec}")
    module = _run(spec, path)
    drivers = _made_by(module)
    if not drivers:
        raise InputError(
            f"{spec} makes no driver; write in it, for instance,\n"
            "    from haiku_tuntap.model.drivers.tunnel import TUNNEL\n"
            '    driver = TUNNEL.derive("mine", "tunnel, but ...")'
        )
    if "driver" in drivers:
        driver = drivers["driver"]
    elif len({id(driver) for driver in drivers.values()}) > 1:
        raise InputError(
            f"{spec} makes several drivers ({', '.join(drivers)}); "
            "name the one that is to be checked `driver`"
        )
    else:
        driver = next(iter(drivers.values()))
    if driver.name in DRIVERS:
        raise InputError(
            f"{spec}: its driver is called {driver.name!r}, which is the name of a shipped one; "
            "give it another name in derive(...)"
        )
    return driver


def _run(spec: str, path: Path) -> ModuleType:
    """Run the file as a module. No bytecode is kept, so that what is run is what is there."""
    module = ModuleType(f"tuntap_file_{path.stem}")
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    sys.modules[module.__name__] = module  # where `inspect` looks for the texts of procedures
    sys.path.insert(0, str(path.parent))  # the files next to it, as if it were run
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except OSError as error:
        if error.filename is not None and Path(error.filename) == path:
            raise InputError(f"{spec} cannot be read: {error.strerror}") from error
        raise explain_failure(error, spec) from error
    except BaseException as error:  # a file may even call sys.exit
        raise explain_failure(error, spec) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _made_by(module: ModuleType) -> dict[str, Driver]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Driver) and not is_shipped(value)
    }


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
