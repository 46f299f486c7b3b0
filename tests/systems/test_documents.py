"""Files that agents read and write."""

import io
from typing import Any

import openpyxl
import pytest
from PIL import Image

from monster.engine.parsing.extract import extract
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.documents import Documents
from tests import files as made
from tests.conversation_files import conversation, on_files

REPORT = """# Report für Zoë → 2026

Some *italic*, **bold**, `code`, a [link](https://example.com/a?b=1&c=2), and <b>HTML</b> & more.

- one
- two
  1. inner
  2. inner again

> Quoted.

| Month | Sum |
|-------|----:|
| Jan   | 10  |
| Feb   | **20** |

```python
def f(): return "a line that is longer than the page is wide", "so it has to go on below"
```

---

![Picture](chart.png)

The end.
"""


async def call(files: MemoryFiles, function: str, **arguments: object) -> Any:  # noqa: ANN401
    async with on_files(Documents, files) as system:
        return await system.call(function, arguments)


def picture() -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (800, 300), "red").save(packed, "PNG")
    return packed.getvalue()


async def test_files_are_listed() -> None:
    files = conversation(a_txt=b"abc", b_csv=b"x")
    said = await call(files, "list_files")
    assert said["files"] == [
        {"name": "a.txt", "mime_type": "text/plain", "size": 3},
        {"name": "b.csv", "mime_type": "text/csv", "size": 1},
    ]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.txt", "Grüße".encode(), "Grüße"),
        ("a.csv", b"name,sum\nAda,1\n", "Ada"),
        ("a.pdf", made.pdf("First page", "Second page"), "Second page"),
        ("a.docx", made.docx("A heading", "A sentence."), "A sentence."),
    ],
)
async def test_files_are_read(name: str, content: bytes, found: str) -> None:
    said = await call(MemoryFiles({name: (content, "")}), "read_file", name=name)
    assert found in said["text"]
    assert said["characters"] >= len(said["text"])


async def test_workbooks_are_read() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["city", "people"])
    book.worksheets[0].append(["Oslo", 700_000])
    packed = io.BytesIO()
    book.save(packed)
    said = await call(conversation(a_xlsx=packed.getvalue()), "read_file", name="a.xlsx")
    assert "Oslo" in said["text"]
    assert "700000" in said["text"]


async def test_a_long_file_is_read_piece_by_piece() -> None:
    files = conversation(a_txt=b"0123456789")
    said = await call(files, "read_file", name="a.txt", offset=3, limit=4)
    assert (said["text"], said["characters"]) == ("3456", 10)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (made.encrypted_pdf(), "protected by a password")]
)
async def test_what_cannot_be_read_is_said(content: bytes, reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await call(conversation(a_pdf=content), "read_file", name="a.pdf")
    with pytest.raises(ToolFailed, match="no file"):
        await call(conversation(), "read_file", name="a.pdf")


async def test_text_is_written() -> None:
    files = conversation(a_md=b"old")
    said = await call(files, "write_file", name="a.md", text="# Grüße")
    assert said == {"name": "a.md", "mime_type": "text/markdown", "size": 9}
    assert files.files["a.md"][0] == "# Grüße".encode()


@pytest.mark.parametrize("name", ["a.exe", "a", "../a.txt", "dir/a.txt", "a.pdf"])
async def test_only_text_is_written_as_text(name: str) -> None:
    with pytest.raises(ToolFailed, match="must end in"):
        await call(conversation(), "write_file", name=name, text="x")


async def test_a_table_is_written_as_a_workbook() -> None:
    files = conversation()
    sheets = [
        {"name": "People", "columns": ["name", "age"], "rows": [["=Ada()", 36], ["Grace", None]]},
        {"name": "Other", "columns": ["x"], "rows": [[True], [1.5]]},
    ]
    said = await call(files, "write_table", name="t.xlsx", sheets=sheets)
    assert said["mime_type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(files.files["t.xlsx"][0]))
    assert book.sheetnames == ["People", "Other"]
    people = list(book["People"].iter_rows(values_only=True))
    assert people == [("name", "age"), ("=Ada()", 36), ("Grace", None)]
    assert book["People"]["A2"].data_type == "s"
    assert [row[0] for row in book["Other"].iter_rows(values_only=True)] == ["x", True, 1.5]


async def test_a_table_is_written_as_csv() -> None:
    files = conversation()
    sheets = [{"columns": ["a", "b"], "rows": [["x, y", None], ['"', 2]]}]
    await call(files, "write_table", name="t.csv", sheets=sheets)
    assert files.files["t.csv"] == (b'a,b\r\n"x, y",\r\n"""",2\r\n', "text/csv")


@pytest.mark.parametrize(
    ("name", "sheets", "reason"),
    [
        ("t.csv", [{"columns": ["a"]}, {"columns": ["a"], "name": "B"}], "one sheet"),
        ("t.xlsx", [{"columns": ["a"]}, {"columns": ["a"]}], "the same name"),
        ("t.xlsx", [{"columns": ["a"], "rows": [[1, 2]]}], "more values than columns"),
        ("t.xlsx", [{"columns": ["a"], "name": "a/b"}], "name"),
        ("t.xlsx", [{"columns": ["a\x01"]}], "cannot be in a workbook"),
        ("t.xls", [{"columns": ["a"]}], "must end in"),
    ],
)
async def test_tables_that_are_not_right_are_refused(
    name: str, sheets: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await call(conversation(), "write_table", name=name, sheets=sheets)


async def test_markdown_becomes_a_pdf_that_can_be_read_again() -> None:
    files = conversation(chart_png=picture(), other_png=b"not needed, so not looked at")
    said = await call(files, "write_pdf", name="r.pdf", markdown=REPORT, title="Report")
    assert (said["name"], said["mime_type"], said["pages"]) == ("r.pdf", "application/pdf", 1)
    content = files.files["r.pdf"][0]
    assert content.startswith(b"%PDF")
    assert b"/Image" in content
    text = extract(content, "r.pdf").text
    for word in (
        "Report für Zoë → 2026",
        "italic",
        "<b>HTML</b> & more",
        "inner again",
        "The end.",
    ):
        assert word in text, word


async def test_a_long_text_has_several_pages() -> None:
    said = await call(conversation(), "write_pdf", name="r.pdf", markdown="A line.\n\n" * 300)
    assert said["pages"] > 5


@pytest.mark.parametrize(
    ("markdown", "reason"),
    [
        ("![x](missing.png)", "no picture 'missing.png'"),
        ("![x](/etc/passwd)", "no picture"),
        ("![x](http://example.com/a.png)", "no picture"),
        ("![x](broken.png)", "no picture"),
        (f"| a |\n|---|\n| {'word ' * 20_000} |", "larger than a page"),
    ],
)
async def test_what_cannot_be_in_a_pdf_is_said(markdown: str, reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await call(conversation(broken_png=b"x"), "write_pdf", name="r.pdf", markdown=markdown)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "#x"])
async def test_only_addresses_of_the_web_become_links(address: str) -> None:
    files = conversation()
    await call(files, "write_pdf", name="r.pdf", markdown=f"[click]({address})")
    assert b"/URI" not in files.files["r.pdf"][0]


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        " ",
        "# ",
        "***",
        "- ",
        "<para><img src='/etc/passwd'/></para>",
        "`</font>`",
        "1.",
        "> ",
        "|a|\n|-|\n",
    ],
)
async def test_odd_markdown_is_no_error(markdown: str) -> None:
    assert (await call(conversation(), "write_pdf", name="r.pdf", markdown=markdown))["pages"] <= 1
