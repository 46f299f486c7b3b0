"""The commands where nothing runs yet: they say so, and leave everything as it is."""

import json
from pathlib import Path

import pytest

from tests.serving import Platform


@pytest.fixture
def nothing(tmp_path: Path) -> Platform:
    return Platform(tmp_path / "data")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_nobody_is_there_to_be_asked(nothing: Platform, more: tuple[str, ...]) -> None:
    asked = nothing.run("ask", "Guide", "Hello?", *more)
    assert asked.returncode == 3
    assert "Monster is not running" in asked.stderr
    assert asked.stdout == ""


def test_the_doctor_looks_and_touches_nothing(nothing: Platform) -> None:
    examined = nothing.run("doctor", "--json")

    report = json.loads(examined.stdout)
    assert examined.returncode == 0, report
    advice = {f["check"]: f["advice"] for f in report["findings"] if f["state"] == "warning"}
    assert {"data", "keys", "database"} <= advice.keys()
    assert all(advice.values())
    assert not nothing.folder.exists()


def test_a_file_is_no_data_directory(nothing: Platform) -> None:
    nothing.folder.write_text("")
    examined = nothing.run("doctor")
    assert examined.returncode == 1
    assert "is a file" in examined.stdout


def test_the_version_is_told(nothing: Platform) -> None:
    assert nothing.run("--version").stdout.startswith("monster 0.")
