"""Files of a conversation: read as text, written as text, table or PDF."""

import asyncio
import csv
import io
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from monster.engine.parsing.errors import ParseError
from monster.engine.parsing.extract import extract
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.functions import tool
from monster.engine.tools.sandboxed import SECONDS, Kept, Sandboxed, named
from monster.kit.schemas import Input

_MOST_TEXT = 1_000_000  # characters
_MOST_ROWS = 100_000
_TEXTS = (".txt", ".md", ".csv", ".json", ".xml", ".html", ".yaml", ".yml", ".tsv", ".svg")
_PICTURES = (".png", ".jpg", ".jpeg")
_SHEET_NAME = r"^[^\[\]:*?/\\\x00-\x1f']{1,31}$"

Cell: TypeAlias = Annotated[str, Field(max_length=32_000)] | int | float | bool | None
Text: TypeAlias = Annotated[str, Field(max_length=_MOST_TEXT)]
Row: TypeAlias = Annotated[list[Cell], Field(max_length=1000)]


class Sheet(Input):
    name: Annotated[str, Field(pattern=_SHEET_NAME)] = "Sheet1"
    columns: Annotated[
        list[Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=1000)
    ]
    rows: list[Row] = Field(default_factory=list[Row], max_length=_MOST_ROWS)


class Documents(Sandboxed):
    system_name = "documents"
    name = "Files of the conversation"
    description = (
        "Reads PDF, Word, Excel, CSV and text files; writes text, CSV, Excel and PDF files"
    )
    logo = "file-text"
    help = "Needs no connection."

    @classmethod
    def missing(cls) -> str | None:
        return None  # without the sandbox, it writes no workbooks and no PDFs; the rest it does

    @tool(Effect.READ)
    async def list_files(self) -> dict[str, Any]:
        """See which files the conversation has."""
        files = await self.connection.files.list()
        return {
            "files": [{"name": f.name, "mime_type": f.mime_type, "size": f.size} for f in files]
        }

    @tool(Effect.READ, seconds=SECONDS)
    async def read_file(
        self,
        name: str,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=100_000)] = 20_000,
    ) -> dict[str, Any]:
        """Read a file of the conversation as text: PDF, Word, Excel, PowerPoint, CSV, HTML, text.

        name: The file's name.
        offset: How many characters to leave out at the beginning.
        limit: How many characters to read at most. `characters` says how many there are.
        """
        content = await self.connection.files.read(name)
        try:
            found = await asyncio.to_thread(extract, content, name)
        except ParseError as error:
            raise ToolFailed(f"{name} was not read: {error}") from error
        text = found.text[offset : offset + limit]
        return {"text": text, "characters": len(found.text), "title": found.title}

    @tool(Effect.READ, trusted=True)
    async def write_file(self, name: str, text: Text) -> Kept:
        """Write a text file: it becomes a file of the conversation, in place of one of that name.

        name: The file's name; it ends in .txt, .md, .csv, .tsv, .json, .xml, .html, .yaml or .svg.
        text: What is to be in it.
        """
        return (await self.keep({named(name, *_TEXTS): text.encode()}))[0]

    @tool(Effect.READ, seconds=SECONDS, trusted=True)
    async def write_table(
        self, name: str, sheets: Annotated[list[Sheet], Field(min_length=1, max_length=50)]
    ) -> Kept:
        """Write a table: it becomes a file of the conversation. Values are kept as they are; text
        that begins like a formula stays text.

        name: The file's name; it ends in .xlsx, or in .csv for one sheet.
        sheets: Each with a name, the names of its columns, and rows of values.
        """
        _check(sheets)
        if named(name, ".xlsx", ".csv").lower().endswith(".csv"):
            return (await self.keep({name: _csv(sheets)}))[0]
        request = {"file": name, "sheets": [sheet.model_dump() for sheet in sheets]}
        done = await self.perform("sheets", request, {})
        return (await self.keep(done.files))[0]

    @tool(Effect.READ, seconds=SECONDS, trusted=True)
    async def write_pdf(
        self,
        name: str,
        markdown: Text,
        title: Annotated[str, Field(max_length=300)] = "",
        paper: Literal["A4", "letter"] = "A4",
    ) -> dict[str, Any]:
        """Make a PDF of Markdown: headings, lists, tables, code, links, quotations, and pictures
        of the conversation, such as ![Sales](chart.png). It becomes a file of the conversation.

        name: The file's name; it ends in .pdf.
        markdown: What is to be in it.
        title: The document's title, as programs show it that open it.
        paper: A4 or letter.
        """
        request = {
            "file": named(name, ".pdf"),
            "markdown": markdown,
            "title": title,
            "paper": paper,
        }
        done = await self.perform("pdf", request, await self._pictures(markdown))
        return {**(await self.keep({name: done.files[name]}))[0], **done.answer}

    async def _pictures(self, markdown: str) -> dict[str, bytes]:
        """Those that are named in the text."""
        there = [file.name for file in await self.connection.files.list()]
        return await self.take(
            [name for name in there if name.lower().endswith(_PICTURES) and f"({name}" in markdown]
        )


def _check(sheets: list[Sheet]) -> None:
    """Raises ToolFailed."""
    if len({sheet.name.lower() for sheet in sheets}) < len(sheets):
        raise ToolFailed("two sheets have the same name")
    for sheet in sheets:
        for number, row in enumerate(sheet.rows, 1):
            if len(row) > len(sheet.columns):
                raise ToolFailed(f"row {number} of {sheet.name} has more values than columns")


def _csv(sheets: list[Sheet]) -> bytes:
    """Raises ToolFailed."""
    if len(sheets) > 1:
        raise ToolFailed("a CSV file has one sheet: write an .xlsx file")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(sheets[0].columns)
    writer.writerows(sheets[0].rows)
    return text.getvalue().encode()
