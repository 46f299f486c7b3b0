"""SQL databases: PostgreSQL and MySQL, for reading unless a connection allows more."""

from typing import Annotated, ClassVar

from pydantic import Field

from monster.engine.toolkit.databases import Database, Rows, Target
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.postgres import Postgres

Sql = Annotated[str, Field(min_length=1, max_length=20_000)]
Limit = Annotated[int, Field(ge=1, le=1000)]

_TEXT = r"[^\r\n]{1,500}"
_TABLES = """
    select table_schema, table_name, table_type from information_schema.tables
    where table_schema not in ('information_schema', 'pg_catalog', 'mysql', 'sys',
        'performance_schema')
    order by table_schema, table_name
"""
_COLUMNS = """
    select table_schema, column_name, data_type, is_nullable, column_default
    from information_schema.columns where table_name = %s order by table_schema, ordinal_position
"""


def _auth(port: str) -> dict[str, object]:
    return {
        "strategy_password": {
            "1. host": {"description": "Host", "pattern": r"[A-Za-z0-9.:_-]{1,253}"},
            "2. port": {"description": "Port", "type": "number", "default": port},
            "3. database": {"description": "Database", "pattern": _TEXT},
            "4. username": {"description": "User name", "pattern": _TEXT},
            "5. password": {"description": "Password", "type": "secret", "pattern": _TEXT},
            "6. tls": {
                "description": "How the way there is protected",
                "type": "choice",
                "options": ["verify", "encrypted", "none"],
                "default": "verify",
            },
            "7. access": {
                "description": "What it may be used for",
                "type": "choice",
                "options": ["read", "read and write"],
                "default": "read",
            },
        }
    }


class _SqlDatabase(ToolFactory):
    category = "Data"
    logo = "database"
    help = """\
Give agents a database user of their own that sees what they need and no more: reading is held to by
the database's own read-only transaction, but what that user may read, an agent may read. A private
address must be allowed with `MONSTER_OUTBOUND_ALLOW`.
"""

    async def account(self) -> str | None:
        await self._database.read("select 1", 1)
        return f"{self.values['username']} at {self.values['host']}/{self.values['database']}"

    @tool(Effect.READ)
    async def list_tables(self) -> object:
        """The tables and views of the database."""
        return _shown(await self._database.read(_TABLES, 1000))

    @tool(Effect.READ)
    async def describe_table(self, table: Annotated[str, Field(max_length=200)]) -> object:
        """The columns of a table: name, type, whether it may be null, default.

        table: Its name, without the schema.
        """
        found = await self._database.read(_COLUMNS, 1000, [table])
        if not found.rows:
            raise ToolFailed(f"there is no table {table!r}")
        return _shown(found)

    @tool(Effect.READ)
    async def query(self, sql: Sql, limit: Limit = 100) -> object:
        """Read with one SQL statement. The transaction is read-only; nothing can be changed.

        sql: One statement.
        limit: How many rows.
        """
        return _shown(await self._database.read(sql, limit))

    @tool(Effect.WRITE)
    async def execute(self, sql: Sql) -> object:
        """Change data with one SQL statement. Returns how many rows it changed.

        sql: One statement.
        """
        if self.values.get("access") != "read and write":
            raise ToolFailed("this connection is for reading only")
        return _shown(await self._database.write(sql, 100))

    @property
    def _target(self) -> Target:
        values = self.values
        place = values["host"], int(float(values["port"])), values["database"]
        who = values["username"], values["password"], values.get("tls", "verify")
        return Target(self.connection.guard, *place, *who)

    @property
    def _database(self) -> Database:
        raise NotImplementedError


class PostgreSql(_SqlDatabase):
    system_name = "postgresql"
    name = "PostgreSQL"
    description = "Tables, columns and queries of a PostgreSQL database"
    auth_config: ClassVar = _auth("5432")

    @property
    def _database(self) -> Database:
        return Postgres(self._target)


class MySqlDatabase(_SqlDatabase):
    system_name = "mysql"
    name = "MySQL"
    description = "Tables, columns and queries of a MySQL or MariaDB database"
    auth_config: ClassVar = _auth("3306")

    @property
    def _database(self) -> Database:
        # Imported when somebody has one.
        from monster.engine.toolkit.mysql import MySql  # noqa: PLC0415

        return MySql(self._target)


def _shown(found: Rows) -> dict[str, object]:
    shown: dict[str, object] = {"rows": found.rows}
    if found.more:
        shown["more"] = "there are more rows: ask for fewer columns, or narrow it down"
    if found.affected is not None:
        shown["affected"] = found.affected
    return shown
