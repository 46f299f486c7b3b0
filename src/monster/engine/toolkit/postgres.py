"""PostgreSQL, as somebody else's database: read-only by its own transaction, within limits."""

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import orjson
import psycopg

from monster.engine.toolkit.databases import (
    ROW,
    Rows,
    Target,
    is_query,
    named,
    within,
    without_end,
)
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.kit import outbound_sockets

_TLS = {"verify": "verify-full", "encrypted": "require", "none": "disable"}
_LIMITS: LiteralString = "set local statement_timeout = '30s'; set local lock_timeout = '5s'"
_COUNTED = "select left(to_jsonb(q)::text, {}) from (\n{}\n) q limit {}"
_REFUSED = ("password authentication failed", "no password supplied", "does not exist")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A `Database`. Each call has a connection of its own."""

    target: Target

    async def read(self, sql: str, limit: int, parameters: Sequence[str] = ()) -> Rows:
        wanted = without_end(sql)
        counted = is_query(wanted) and not parameters
        if counted:
            # The database cuts what is long: it does not come here at all.
            wanted = _COUNTED.format(ROW, wanted, limit + 1)
        async with self._connected() as connection:
            try:
                await connection.execute("set transaction read only; " + _LIMITS)
                columns, rows = await _stream(connection, wanted, limit + 1, parameters)
            except psycopg.Error as error:
                raise ToolFailed(_words(error)) from error
            finally:
                if not connection.broken:
                    await connection.rollback()
        if counted:
            return within([_parsed(row[0]) for row in rows], limit)
        return within([named(columns, row) for row in rows], limit)

    async def write(self, sql: str, limit: int) -> Rows:
        async with self._connected() as connection:
            try:
                await connection.execute(_LIMITS)
                cursor = await connection.execute(_literal(without_end(sql)), prepare=True)
                rows = await cursor.fetchmany(limit + 1) if cursor.description else []
                columns = [one.name for one in cursor.description or ()]
                await connection.commit()
            except psycopg.Error as error:
                if error.sqlstate is None:  # it did not answer
                    raise Unclear(f"{self.target.host}: {_words(error)}") from error
                raise ToolFailed(_words(error)) from error
        found = within([named(columns, row) for row in rows], limit)
        return found._replace(affected=cursor.rowcount)

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        """To an address that was checked; TLS is with the name."""
        place = self.target
        try:
            found = await outbound_sockets.addresses(place.guard, place.host, place.port)
            connection = await psycopg.AsyncConnection.connect(
                host=",".join([place.host] * len(found)),
                hostaddr=",".join(found),
                port=str(place.port),
                dbname=place.database,
                user=place.user,
                password=place.password,
                sslmode=_TLS[place.tls],
                sslrootcert=ssl.get_default_verify_paths().cafile or "system",
                gssencmode="disable",
                passfile="/dev/null",
                connect_timeout=10,
                application_name="monster",
            )
        except (OSError, psycopg.Error) as error:
            words = str(error)[:500]
            refused = any(sign in words for sign in _REFUSED)
            kind = ConnectionRefused if refused else ToolFailed
            raise kind(f"{place.host} cannot be reached: {words}") from error
        try:
            yield connection
        finally:
            await connection.close()


async def _stream(
    connection: psycopg.AsyncConnection[Any], sql: str, most: int, parameters: Sequence[str]
) -> tuple[list[str], list[Any]]:
    """By the extended protocol: a second statement is a mistake there."""
    rows = list[Any]()
    async with connection.cursor() as cursor:
        async with aclosing(_rows(cursor, sql, parameters)) as found:
            async for row in found:
                rows.append(row)
                if len(rows) >= most:
                    break
        return [one.name for one in cursor.description or ()], rows


async def _rows(
    cursor: psycopg.AsyncCursor[Any], sql: str, parameters: Sequence[str]
) -> AsyncGenerator[Any]:
    async for row in cursor.stream(_literal(sql), parameters or None):
        yield row


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # cut
        return {"cut": text}


def _literal(sql: str) -> LiteralString:
    """It is not: whoever may use the connection may say what they like there, within its rights."""
    return cast(LiteralString, sql)


def _words(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    return f"the database says: {said}{hint}"[:500]
