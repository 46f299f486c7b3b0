"""Tables of a conversation: described, asked in SQL, written."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from monster.engine.toolkit.effects import Effect
from monster.engine.toolkit.functions import tool
from monster.engine.tools.sandboxed import SECONDS, Kept, Sandboxed, named

_BYTES = 40_000  # of an answer that a model is shown

Names = Annotated[Sequence[str], Field(min_length=1, max_length=20)]
Sql = Annotated[str, Field(min_length=1, max_length=50_000)]


class Tables(Sandboxed):
    system_name = "tables"
    name = "Tables"
    description = "SQL over CSV, Excel, Parquet and JSON files of the conversation, with DuckDB"
    logo = "table"
    help = "Needs no connection."

    @tool(Effect.READ, seconds=SECONDS)
    async def describe_tables(self, files: Names) -> dict[str, Any]:
        """See which tables files hold: their names in SQL, columns with types, rows, and a sample.

        files: Names of files of the conversation: CSV, TSV, XLSX, Parquet, JSON or JSON lines.
        """
        given = await self.take(files)
        return (await self.perform("tables", {"files": list(given)}, given)).answer

    @tool(Effect.READ, seconds=SECONDS)
    async def query_tables(
        self, sql: Sql, files: Names, limit: Annotated[int, Field(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """Ask tables in files with SQL (DuckDB). A file is a table: sales-2024.csv is sales_2024,
        each sheet of a workbook with several is book_sheet. Use describe_tables for the names.

        sql: A SELECT statement.
        files: Names of the files that it asks.
        limit: How many rows to see at most. `more` says whether there are others.
        """
        given = await self.take(files)
        request = {"files": list(given), "sql": sql, "rows": limit, "bytes": _BYTES}
        return (await self.perform("tables", request, given)).answer

    @tool(Effect.READ, seconds=SECONDS)
    async def save_query(self, sql: Sql, files: Names, name: str) -> dict[str, Any]:
        """Write all rows that a SQL statement finds to a new file of the conversation.

        sql: A SELECT statement (DuckDB).
        files: Names of the files that it asks.
        name: The new file's name; it ends in .csv or .xlsx.
        """
        given = await self.take(files)
        request = {"files": list(given), "sql": sql, "save": named(name, ".csv", ".xlsx")}
        done = await self.perform("tables", request, given)
        kept: list[Kept] = await self.keep({name: done.files[name]})
        return {**done.answer, "file": kept[0]}
