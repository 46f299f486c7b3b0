"""SQL over files of a conversation."""

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.tables import Tables
from tests.conversation_files import conversation, on_files

SALES = b"""month,region,sum
2026-01-01,north,10.5
2026-02-01,south,20
2026-03-01,north,
"""


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def read(content: bytes) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return list(sheet.iter_rows(values_only=True))


async def call(files: MemoryFiles, function: str, **arguments: object) -> Any:  # noqa: ANN401
    async with on_files(Tables, files) as system:
        return await system.call(function, {"files": list(files.files), **arguments})


async def test_tables_are_described() -> None:
    said = await call(conversation(sales_csv=SALES), "describe_tables")
    assert said == {
        "tables": [
            {
                "table": "sales",
                "rows": 3,
                "columns": [
                    {"name": "month", "type": "DATE"},
                    {"name": "region", "type": "VARCHAR"},
                    {"name": "sum", "type": "DOUBLE"},
                ],
                "sample": [
                    ["2026-01-01", "north", 10.5],
                    ["2026-02-01", "south", 20.0],
                    ["2026-03-01", "north", None],
                ],
            }
        ]
    }


async def test_each_sheet_of_a_workbook_is_a_table() -> None:
    people = [["name", "born"], ["Ada", date(1815, 12, 10)], ["Grace", date(1906, 12, 9)]]
    cities = [["city", "mixed"], ["Rome", 1], ["Oslo", "two"]]
    files = conversation(Book_xlsx=workbook(People=people, Cities=cities))
    said = await call(files, "describe_tables")
    assert [(table["table"], table["rows"]) for table in said["tables"]] == [
        ("book_cities", 2),
        ("book_people", 2),
    ]
    said = await call(files, "query_tables", sql="select year(born) from book_people order by 1")
    assert said["rows"] == [[1815], [1906]]
    said = await call(files, "query_tables", sql="from book_cities")
    assert said["rows"] == [["Rome", "1"], ["Oslo", "two"]]


async def test_several_files_are_joined() -> None:
    files = conversation(
        sales_csv=SALES,
        regions_xlsx=workbook(Sheet=[["region", "head"], ["north", "Ada"], ["south", "Grace"]]),
        extra_json=b'[{"region": "north", "goal": 5}]',
    )
    sql = (
        "select head, sum(sum) as total, any_value(goal) as goal from sales "
        "join regions using (region) left join extra using (region) group by head order by head"
    )
    said = await call(files, "query_tables", sql=sql)
    assert said["columns"] == ["head", "total", "goal"]
    assert said["rows"] == [["Ada", 10.5, 5], ["Grace", 20.0, None]]
    assert said["more"] is False


async def test_parquet_is_read() -> None:
    code = "import duckdb; duckdb.sql(\"copy (select 7 as n) to 'p.parquet'\")"
    ran = await Sandbox().run(code, {})
    said = await call(conversation(p_parquet=ran.files["p.parquet"]), "query_tables", sql="from p")
    assert said["rows"] == [[7]]


async def test_odd_names_become_words() -> None:
    files = MemoryFiles({"2024 Sales (final).csv": (b"a,b\n1,2\n", "text/csv")})
    said = await call(files, "describe_tables")
    assert said["tables"][0]["table"] == "t_2024_sales_final"


async def test_answers_are_cut() -> None:
    files = conversation(a_csv=b"a,b\n1,2\n")
    said = await call(files, "query_tables", sql="from range(1000)", limit=10)
    assert (len(said["rows"]), said["more"]) == (10, True)
    sql = "select repeat('x', 10_000) as x from range(1000)"
    said = await call(files, "query_tables", sql=sql, limit=1000)
    assert said["more"] is True
    assert 10 <= len(said["rows"]) <= 20
    assert all(len(row[0]) == 2001 for row in said["rows"])


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select * from nothing", "nothing does not exist"),
        ("selec", "syntax error"),
        ("select * from read_csv('/etc/passwd')", "disabled by configuration"),
        ("select * from read_csv('sales.csv')", "disabled by configuration"),
        ("select * from 'https://example.com/a.csv'", "."),
        ("copy sales to 'out.csv'", "disabled by configuration"),
        ("attach 'other.db'", "disabled by configuration"),
        ("install httpfs", "disabled by configuration"),
        ("set enable_external_access = true", "."),
        ("select getenv('HOME')", "."),
    ],
)
async def test_what_is_wrong_is_said_to_the_model(sql: str, reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await call(conversation(sales_csv=SALES), "query_tables", sql=sql)


async def test_too_much_is_refused() -> None:
    sql = "select a.range, repeat('x', 1000) as x from range(10_000_000) a order by hash(a.range)"
    with pytest.raises(ToolFailed, match="Out of Memory"):
        await call(conversation(sales_csv=SALES), "query_tables", sql=sql)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"not a workbook"), ("a.docx", b"x"), ("a.parquet", b"x"), ("a.json", b"{")],
)
async def test_files_that_are_no_tables_are_refused(name: str, content: bytes) -> None:
    with pytest.raises(ToolFailed):
        await call(MemoryFiles({name: (content, "")}), "describe_tables")


async def test_a_whole_answer_is_written_as_csv() -> None:
    files = conversation(sales_csv=SALES)
    said = await call(files, "save_query", sql="from sales where region = 'north'", name="n.csv")
    assert (said["rows"], said["columns"]) == (2, ["month", "region", "sum"])
    assert files.files["n.csv"] == (
        b"month,region,sum\r\n2026-01-01,north,10.5\r\n2026-03-01,north,\r\n",
        "text/csv",
    )


async def test_a_whole_answer_is_written_as_a_workbook() -> None:
    files = conversation(sales_csv=SALES)
    sql = (
        "select month, sum, '=1+1' as text, [1, 2] as list, "
        "timestamptz '2026-01-01 00:00+02' as t from sales limit 1"
    )
    await call(files, "save_query", sql=sql, name="n.xlsx")
    head, row = read(files.files["n.xlsx"][0])
    assert head == ("month", "sum", "text", "list", "t")
    assert row[0] == datetime(2026, 1, 1)  # noqa: DTZ001 (a workbook has no zones)
    assert row[1:4] == (10.5, "=1+1", "[1, 2]")
    assert row[4] == datetime(2025, 12, 31, 22)  # noqa: DTZ001


async def test_only_tables_are_written() -> None:
    with pytest.raises(ToolFailed, match=r"must end in \.csv or \.xlsx"):
        await call(conversation(a_csv=SALES), "save_query", sql="from a", name="a.exe")
