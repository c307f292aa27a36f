"""Finding the driver that a user names."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from haiku_tuntap.model.drivers.tunnel import TUNNEL, tunnel_read
from haiku_tuntap.properties.loading import InputError, load_driver, spec_of

GOOD = """\
from haiku_tuntap.model.drivers.tunnel import TUNNEL, TunnelCookie, tunnel_close
from haiku_tuntap.model.language import procedure, record
from haiku_tuntap.model.status import B_OK, Status

driver = TUNNEL.derive("mine", "tunnel, but close wakes nobody")


@driver.replaces(tunnel_close)
@procedure(source="tunnel.cpp:114-123")
async def close(cookie: TunnelCookie) -> Status:
    return B_OK
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my_driver.py"


def _problem(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_driver(file.name)
    return str(caught.value)


def test_a_shipped_driver_is_found_by_its_name() -> None:
    assert load_driver("tunnel") is TUNNEL
    assert spec_of(TUNNEL) == "tunnel"


def test_the_nearest_names_are_suggested() -> None:
    with pytest.raises(InputError, match="no driver named 'tunel'; did you mean tunnel or"):
        load_driver("tunel")


def test_a_file_is_run_and_its_driver_found(file: Path) -> None:
    file.write_text(GOOD)
    driver = load_driver("my_driver.py")
    assert driver.name == "mine"
    assert spec_of(driver) == "my_driver.py"
    (replacement,) = driver.replacements.values()
    assert "return B_OK" in inspect.getsource(inspect.unwrap(replacement.function))


def test_a_file_that_was_changed_is_read_again(file: Path) -> None:
    file.write_text(GOOD)
    load_driver("my_driver.py")
    file.write_text(GOOD.replace('"mine"', '"your"'))
    assert load_driver("my_driver.py").name == "your"


def test_a_file_may_import_what_lies_beside_it(file: Path) -> None:
    (file.parent / "beside_my_driver.py").write_text("NAME = 'from beside'")
    file.write_text("from beside_my_driver import NAME\n" + GOOD.replace('"mine"', "NAME"))
    assert load_driver("my_driver.py").name == "from beside"


def test_there_must_be_such_a_file(file: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file my_driver\.py"):
        load_driver("my_driver.py")
    file.mkdir()
    with pytest.raises(InputError, match=r"my_driver\.py is a directory"):
        load_driver("my_driver.py")


def test_what_is_not_python_is_shown_with_its_line(file: Path) -> None:
    problem = _problem(file, GOOD.replace("def close(", "def close"))
    assert problem.startswith("my_driver.py:10: this is not Python: ")


def test_an_error_is_shown_with_the_line_in_the_file(file: Path) -> None:
    problem = _problem(file, GOOD.replace("import procedure,", "import procedur,"))
    assert problem.startswith("my_driver.py:2: ImportError: cannot import name 'procedur'")
    assert _problem(file, "\n1 / 0\n") == "my_driver.py:2: ZeroDivisionError: division by zero"
    assert _problem(file, "raise SystemExit(3)") == "my_driver.py:1: SystemExit: 3"


def test_a_wrong_replacement_is_shown_with_the_line_in_the_file(file: Path) -> None:
    problem = _problem(file, GOOD.replace('@procedure(source="tunnel.cpp:114-123")\n', ""))
    assert problem == (
        "my_driver.py:8: mine: tunnel_close is a procedure, but close, which should replace it, "
        "is not; put @procedure(...) below @replaces"
    )


def test_a_file_without_a_driver_is_told_how_to_make_one(file: Path) -> None:
    problem = _problem(file, "from haiku_tuntap.model.drivers.tunnel import TUNNEL\n")
    assert problem.startswith("my_driver.py makes no driver; write in it, for instance,")


def test_of_several_drivers_one_must_be_called_driver(file: Path) -> None:
    two = GOOD + 'other = TUNNEL.derive("other", "")\n'
    file.write_text(two)
    assert load_driver("my_driver.py").name == "mine"
    problem = _problem(file, two.replace("driver = ", "mine = ").replace("@driver", "@mine"))
    assert problem == (
        "my_driver.py makes several drivers (mine, other); "
        "name the one that is to be checked `driver`"
    )


def test_a_driver_may_not_take_the_name_of_a_shipped_one(file: Path) -> None:
    problem = _problem(file, GOOD.replace('"mine"', '"tunnel"'))
    assert "is the name of a shipped one" in problem


def test_loading_a_file_changes_no_shipped_driver(file: Path) -> None:
    file.write_text(GOOD)
    load_driver("my_driver.py")
    assert TUNNEL.substitution.resolve(tunnel_read) is tunnel_read
