"""Agents that run Python."""

from typing import Any

import pytest

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.code_interpreter import CodeInterpreter
from tests.conversation_files import conversation, on_files


async def run(files: MemoryFiles, code: str, *names: str) -> Any:  # noqa: ANN401
    async with on_files(CodeInterpreter, files) as system:
        return await system.call("run_python", {"code": code, "files": list(names)})


async def test_the_last_value_and_what_is_printed_come_back() -> None:
    said = await run(conversation(), "print('a')\nsum(range(10))")
    assert said == {"output": "a\n45\n", "error": "", "files": [], "not_kept": []}


async def test_files_of_the_conversation_are_read_and_written() -> None:
    files = conversation(sales_csv=b"month,sum\njan,10\nfeb,32\n")
    code = (
        "import pandas as pd\n"
        "sales = pd.read_csv('sales.csv')\n"
        "sales.to_excel('sales.xlsx', index=False)\n"
        "sales['sum'].sum().item()"
    )
    said = await run(files, code, "sales.csv")
    assert (said["output"], said["error"]) == ("42\n", "")
    assert [file["name"] for file in said["files"]] == ["sales.xlsx"]
    content, mime_type = files.files["sales.xlsx"]
    assert content.startswith(b"PK")
    assert mime_type.endswith("spreadsheetml.sheet")
    again = await run(files, "import pandas as pd\npd.read_excel('sales.xlsx').shape", "sales.xlsx")
    assert again["output"] == "(2, 2)\n"


async def test_only_files_that_are_named_are_there() -> None:
    said = await run(conversation(a_txt=b"a", b_txt=b"b"), "import os; os.listdir()", "b.txt")
    assert said["output"] == "['b.txt']\n"


async def test_figures_become_files() -> None:
    files = conversation()
    said = await run(files, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert said["files"][0]["name"] == "figure-1.png"
    assert files.files["figure-1.png"][0].startswith(b"\x89PNG")


async def test_files_in_folders_get_names_without() -> None:
    files = conversation()
    code = "import os; os.mkdir('out'); open('out/a.txt', 'w').write('x')"
    await run(files, code)
    assert list(files.files) == ["out-a.txt"]


async def test_files_that_cannot_be_kept_are_named() -> None:
    code = "for n in range(25): open(f'{n:02}.txt', 'w').write('x')\n'said'"
    files = conversation()
    said = await run(files, code)
    assert said["output"] == "'said'\n"
    assert len(said["files"]) == len(files.files) == 20
    assert len(said["not_kept"]) == 5
    assert said["not_kept"][0] == "20.txt: a run may leave 20 files"


async def test_errors_of_the_code_are_an_answer() -> None:
    said = await run(conversation(), "1 / 0")
    assert "ZeroDivisionError" in said["error"]
    assert said["output"] == ""


async def test_a_limit_that_was_reached_is_named() -> None:
    said = await run(conversation(), "x = bytearray(2**31)")
    assert said["error"] == "it needed more than 512 MiB of memory"


async def test_long_output_keeps_its_beginning_and_its_end() -> None:
    said = await run(conversation(), "print('begin'); print('x' * 50_000); print('end')")
    assert said["output"].startswith("begin")
    assert said["output"].endswith("end\n")
    assert len(said["output"]) < 21_000


async def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ToolFailed, match=r"no file 'b.txt'"):
        await run(conversation(), "1", "b.txt")


async def test_it_needs_no_connection_and_changes_nothing_outside() -> None:
    assert CodeInterpreter.auth().strategies == ()
    assert CodeInterpreter.functions()["run_python"].mark.effect is Effect.READ
    schema = CodeInterpreter.functions()["run_python"].parameters
    assert schema["required"] == ["code"]
    assert schema["properties"]["code"]["description"] == "The Python code."
