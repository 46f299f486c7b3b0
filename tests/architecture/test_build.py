"""The build hook on a machine without Node, as far as that goes without a network."""

import shutil
import subprocess
from pathlib import Path

import pytest

import hatch_build
from monster.dashboard.web import assets

ROOT = Path(__file__).parents[2]


def make_hook() -> hatch_build.Assets:
    return hatch_build.Assets(str(ROOT), {}, None, None, "", "wheel")  # pyright: ignore[reportArgumentType]


def test_node_is_asked_for_only_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make_hook().dependencies() == [hatch_build.NODE_WHEEL]
    for name, answer in (("node", "v22.1.0"), ("npm", "11.0.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {answer}\n")
        (tmp_path / name).chmod(0o755)
    assert make_hook().dependencies() == []


def test_a_node_that_is_too_old_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v16.20.2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make_hook().dependencies() == [hatch_build.NODE_WHEEL]


def test_the_node_of_the_wheel_builds_what_is_shipped(tmp_path: Path) -> None:
    node, npm = hatch_build.wheel_node()
    version = subprocess.run([*npm, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    assert version.stdout[0].isdigit()
    for name in ("vendor.mjs", "icons.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    subprocess.run([node, "vendor.mjs"], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
    for built in (tmp_path / hatch_build.VENDOR).iterdir():
        assert (assets.FOLDER / "vendor" / built.name).read_bytes() == built.read_bytes()


def test_nothing_is_built_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # so that building would fail
    hatch_build.build(ROOT)


def test_the_lock_file_names_no_host() -> None:
    assert "://" not in (ROOT / "package-lock.json").read_text()
