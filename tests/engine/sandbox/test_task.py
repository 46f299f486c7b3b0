"""Programs of ours in the sandbox, and that the engine stays light because of it."""

import sys
from pathlib import Path

import pytest

from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.sandbox.task import perform
from monster.engine.sandbox.types import TaskFailed
from tests.sandbox import outside

HEAVY = {"PIL", "duckdb", "matplotlib", "openpyxl", "pandas", "reportlab"}


def test_the_engine_imports_nothing_that_only_the_sandbox_needs(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path[:0] = {[path for path in sys.path if path]!r}
import monster.engine.app
from monster.engine.toolkit.catalogue import Catalogue
found = Catalogue.load("monster.engine.tools").systems
print(sorted({{"charts", "code_interpreter", "documents", "tables"}} - set(found)))
print(sorted({HEAVY!r} & set(sys.modules)))
"""
    assert outside(code, tmp_path) == "[]\n[]\n"


async def test_a_program_answers_and_gives_what_it_wrote() -> None:
    request = {"file": "a.xlsx", "sheets": [{"name": "S", "columns": ["a"], "rows": [[1]]}]}
    done = await perform(Sandbox(), "sheets", request, {"given.txt": b"x"})
    assert done.answer == {"rows": 1}
    assert list(done.files) == ["a.xlsx"]


async def test_what_went_wrong_is_said_in_a_sentence() -> None:
    request = {"files": ["a.csv"], "sql": "selec", "rows": 1, "bytes": 100}
    with pytest.raises(TaskFailed, match="syntax error") as caught:
        await perform(Sandbox(), "tables", request, {"a.csv": b"a\n1\n"})
    assert "Traceback" not in str(caught.value)
    with pytest.raises(TaskFailed, match="KeyError"):
        await perform(Sandbox(), "tables", {}, {})
