"""Runs in the sandbox: writes a workbook."""

from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils.exceptions import IllegalCharacterError

_WIDEST, _NARROWEST = 60, 8  # characters


def main(request: dict[str, Any]) -> dict[str, Any]:
    """`file`; `sheets`: each with `name`, `columns` and `rows`. Text stays text, whatever it
    begins with; numbers, truth values and empty cells are what they are."""
    book = Workbook(write_only=True)
    try:
        for sheet in request["sheets"]:
            _write(book, sheet)
    except (ValueError, IllegalCharacterError) as error:
        raise SystemExit(f"this cannot be in a workbook: {error}") from error
    book.save(request["file"])
    return {"rows": sum(len(sheet["rows"]) for sheet in request["sheets"])}


def _write(book: Workbook, sheet: dict[str, Any]) -> None:
    page = book.create_sheet(sheet["name"])
    page.freeze_panes = "A2"
    rows = [sheet["columns"], *sheet["rows"]]
    for number, width in enumerate(_widths(rows)):
        page.column_dimensions[chr(ord("A") + number)].width = width
    for number, row in enumerate(rows):
        page.append([_cell(page, value, head=number == 0) for value in row])


def _widths(rows: list[list[Any]]) -> list[int]:
    """Of the first columns; the others keep the usual one."""
    columns = max(map(len, rows))
    found: list[int] = []
    for column in range(min(columns, 26)):
        longest = max(len(str(row[column])) for row in rows[:200] if column < len(row))
        found.append(max(_NARROWEST, min(longest + 2, _WIDEST)))
    return found


def _cell(page: Any, value: Any, *, head: bool) -> Any:  # noqa: ANN401
    cell = WriteOnlyCell(page, value)
    if isinstance(value, str):
        cell.data_type = "s"  # not a formula
    if head:
        cell.font = Font(bold=True)
    return cell
