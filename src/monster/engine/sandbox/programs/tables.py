"""Runs in the sandbox: SQL over the tables of a conversation, with DuckDB.

Every file becomes a table (of a workbook, each sheet does). After that DuckDB opens no file and no
address any more, though the sandbox would not let it either.
"""

import csv
import math
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import duckdb
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

_LONGEST = 2000  # characters of a cell that a model is shown
_SAMPLE = 5  # rows
_WORD = re.compile(r"\W+")
_READERS = {
    ".csv": "read_csv(?)",
    ".tsv": "read_csv(?)",
    ".parquet": "read_parquet(?)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?)",
}
_WORKBOOKS = {".xlsx", ".xlsm"}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """`files`: names. `sql`, `rows`, `bytes`: what to ask and how much of the answer; without
    `sql`, the tables are described. `save`: a file to write the whole answer to."""
    try:
        connection = _open(request["files"])
        if "sql" not in request:
            return {"tables": [_described(connection, name) for name in _tables(connection)]}
        if request.get("save"):
            return _saved(connection, request["sql"], request["save"])
        return _asked(connection, request["sql"], request["rows"], request["bytes"])
    except duckdb.Error as error:
        raise SystemExit(str(error)) from error


def _open(files: list[str]) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        "memory_limit": "300MB",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(":memory:", config=settings)
    for file in files:
        _load(connection, file)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _load(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    suffix = Path(file).suffix.lower()
    if suffix in _WORKBOOKS:
        for name, sheet in _sheets(file):
            _create(connection, name, "read_csv(?)", sheet)
    elif suffix in _READERS:
        _create(connection, Path(file).stem, _READERS[suffix], file)
    else:
        known = ", ".join(sorted({*_READERS, *_WORKBOOKS}))
        raise SystemExit(f"{file} is no table: only {known} are")


def _create(connection: duckdb.DuckDBPyConnection, name: str, reader: str, file: str) -> None:
    connection.execute(f'create table "{_name(name)}" as from {reader}', [file])


def _sheets(file: str) -> Iterator[tuple[str, str]]:
    """A name and, for a while, a CSV file for each sheet: so DuckDB finds out the types."""
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (ValueError, KeyError, OSError, BadZipFile, InvalidFileException) as error:
        raise SystemExit(f"{file} cannot be read as a workbook") from error
    stem = Path(file).stem
    for title in book.sheetnames:
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as sheet:
            writer = csv.writer(sheet)
            for row in book[title].iter_rows(values_only=True):
                writer.writerow([_moment(value) for value in row])
            sheet.flush()
            if sheet.tell():
                yield (stem if len(book.sheetnames) == 1 else f"{stem}_{title}"), sheet.name


def _moment(value: object) -> object:
    """Workbooks keep a date as midnight."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def _name(text: str) -> str:
    """What can stand in SQL without quotes."""
    word = _WORD.sub("_", text.lower()).strip("_") or "table"
    return f"t_{word}" if word[0].isdigit() else word


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("show tables").fetchall()]


def _described(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    columns = connection.execute(f'describe "{name}"').fetchall()
    counted = connection.execute(f'select count(*) from "{name}"').fetchall()  # noqa: S608
    sample = connection.execute(f'from "{name}" limit {_SAMPLE}').fetchall()
    return {
        "table": name,
        "rows": counted[0][0],
        "columns": [{"name": column[0], "type": column[1]} for column in columns],
        "sample": [[_plain(value) for value in row] for row in sample],
    }


def _asked(connection: duckdb.DuckDBPyConnection, sql: str, rows: int, size: int) -> dict[str, Any]:
    result = connection.execute(sql)
    shown: list[list[Any]] = []
    left = size
    more = False
    while not more and (batch := result.fetchmany(1)):
        row = [_plain(value) for value in batch[0]]
        left -= len(str(row).encode())
        more = len(shown) >= rows or left < 0
        if not more:
            shown.append(row)
    names = [column[0] for column in result.description or ()]
    return {"columns": names, "rows": shown, "more": more}


def _saved(connection: duckdb.DuckDBPyConnection, sql: str, file: str) -> dict[str, Any]:
    """DuckDB itself may write nothing any more."""
    result = connection.execute(sql)
    columns = [column[0] for column in result.description or ()]
    batches = iter(lambda: result.fetchmany(1000), [])
    rows = (row for batch in batches for row in batch)
    write = _write_workbook if Path(file).suffix.lower() == ".xlsx" else _write_csv
    return {"rows": write(file, columns, rows), "columns": columns}


def _write_csv(file: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    written = 0
    with Path(file).open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            written += 1
    return written


def _write_workbook(file: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Result")
    sheet.append(columns)
    written = 0
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
        written += 1
    book.save(file)
    return written


def _cell(sheet: Any, value: Any) -> Any:  # noqa: ANN401
    """A workbook knows no time zones and no lists, and text that begins like a formula is text."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    if value is None or isinstance(value, bool | int | float | Decimal | date | time | timedelta):
        return value
    cell = WriteOnlyCell(sheet, str(value))
    cell.data_type = "s"
    return cell


def _plain(value: object) -> object:
    """What JSON can say."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in cast("dict[object, object]", value).items()}
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
