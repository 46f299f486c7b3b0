"""The page about adding a system is true: both of its files are taken from it and run."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from monster.engine.toolkit.catalogue import Catalogue

PAGE = Path(__file__).parents[2] / "docs" / "add-a-system.md"
SYSTEM, TEST = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def _load(name: str, file: Path, code: str) -> ModuleType:
    file.write_text(code)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "monster.engine.tools.todoist"
    module = _load(name, tmp_path / "todoist.py", SYSTEM)
    monkeypatch.setitem(sys.modules, name, module)
    test = _load("test_todoist", tmp_path / "test_todoist.py", TEST)
    ran = [name for name in vars(test) if name.startswith("test_")]
    for name in ran:
        await getattr(test, name)()
    assert ran == ["test_adds_a_task_once_and_finds_it"]


def test_the_example_is_found_without_being_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_tools_of_the_page"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "todoist.py").write_text(SYSTEM)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (found,) = Catalogue.load(folder.name).systems.values()
    shown = found.out()
    assert (shown.system_name, [one.name for one in shown.tools]) == (
        "todoist",
        ["list_tasks", "add_task"],
    )
    for module in [name for name in sys.modules if name.startswith(folder.name)]:
        monkeypatch.delitem(sys.modules, module)


def test_the_example_is_as_short_as_it_is_said_to_be() -> None:
    lines = [line for line in SYSTEM.splitlines() if line.strip()]
    assert len(lines) <= 40
