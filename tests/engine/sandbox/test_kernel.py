"""How code is run, when nothing is wrong with it or something ordinary is."""

import pytest

from monster.engine.sandbox.sandbox import Sandbox

SANDBOX = Sandbox()


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1 + 1", "2\n"),
        ("x = 3\nx", "3\n"),
        ("x = 3", ""),
        ("print('a')\n'b'", "a\n'b'\n"),
        ("None", ""),
        ("", ""),
        ("def f(n): return n and f(n - 1)\nf(3)", "0\n"),
        ("'ä€😀'", "'ä€😀'\n"),
        ("__name__", "'__main__'\n"),
        ("import sys; sys.exit()", ""),
    ],
)
async def test_the_last_value_is_shown(code: str, shown: str) -> None:
    ran = await SANDBOX.run(code, {})
    assert (ran.stdout, ran.stderr, ran.exit, ran.ended_by) == (shown, "", 0, None)


async def test_an_error_is_shown_with_its_line_and_none_of_ours() -> None:
    ran = await SANDBOX.run("def f():\n    return 1 / 0\nprint('before')\nf()", {})
    assert (ran.stdout, ran.exit) == ("before\n", 1)
    assert ran.stderr.splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "<code>", line 4, in <module>',
        "    f()",
    ]
    assert ran.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "kernel.py" not in ran.stderr


async def test_code_that_is_no_python_is_an_error_of_its_own() -> None:
    ran = await SANDBOX.run("x = = 1", {})
    assert (ran.stdout, ran.exit) == ("", 1)
    assert "SyntaxError" in ran.stderr
    assert "kernel.py" not in ran.stderr


async def test_exit_codes_are_kept() -> None:
    assert (await SANDBOX.run("raise SystemExit(7)", {})).exit == 7
    ran = await SANDBOX.run("raise SystemExit('that is why')", {})
    assert (ran.exit, ran.stderr) == (1, "that is why\n")


async def test_files_come_in_and_those_that_changed_come_out() -> None:
    code = (
        "import os\n"
        "text = open('in/a.txt').read()\n"
        "os.makedirs('out'); open('out/b.txt', 'w').write(text.upper())\n"
        "open('same.txt', 'w').write('same')\n"
        "open('changed.txt', 'a').write('!')\n"
        "os.remove('gone.txt')\n"
    )
    files = {"in/a.txt": b"a", "same.txt": b"same", "changed.txt": b"x", "gone.txt": b"x"}
    ran = await SANDBOX.run(code, files)
    assert ran.files == {"changed.txt": b"x!", "out/b.txt": b"A"}


async def test_each_run_begins_anew() -> None:
    await SANDBOX.run("import builtins; builtins.left = 1; open('left', 'w').close()", {})
    ran = await SANDBOX.run("import os, builtins\nos.listdir(), hasattr(builtins, 'left')", {})
    assert ran.stdout == "([], False)\n"


async def test_figures_are_saved() -> None:
    code = (
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2, 3]); plt.figure(); plt.bar(['a'], [1]); plt.show()"
    )
    ran = await SANDBOX.run(code, {})
    assert ran.stdout == "[saved figure-1.png]\n[saved figure-2.png]\n"
    assert ran.stderr == ""
    assert all(one.startswith(b"\x89PNG") for one in ran.files.values())
    assert list(ran.files) == ["figure-1.png", "figure-2.png"]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import numpy as np; np.arange(3).sum().item()", "3"),
        ("import pandas as pd; pd.DataFrame({'a': [1, 2]})", "   a\n0  1\n1  2"),
        ("import duckdb; duckdb.sql('select 42').fetchall()", "[(42,)]"),
        ("import openpyxl; openpyxl.Workbook().sheetnames", "['Sheet']"),
        ("import sqlite3; sqlite3.connect(':memory:').execute('select 1').fetchall()", "[(1,)]"),
    ],
)
async def test_what_people_compute_with_is_there(code: str, shown: str) -> None:
    ran = await SANDBOX.run(code, {})
    assert (ran.stdout, ran.stderr) == (f"{shown}\n", "")


async def test_times_and_zones_are_known() -> None:
    code = (
        "import zoneinfo, datetime\n"
        "moment = datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))\n"
        "moment.utcoffset().total_seconds()"
    )
    assert (await SANDBOX.run(code, {})).stdout == "7200.0\n"
