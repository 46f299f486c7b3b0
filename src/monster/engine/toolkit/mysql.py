"""MySQL and MariaDB, as somebody else's database: read-only by its own transaction."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER
from pymysql.cursors import SSCursor

from monster.engine.toolkit.databases import SECONDS, Rows, Target, named, within, without_end
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.kit import outbound_sockets

_LARGEST = 8 << 20  # bytes that a server may send for one call
_WHOLE = SECONDS + 30
_REFUSED = {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR}
_LOST = {CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR}
# MariaDB calls it otherwise, and counts seconds.
_PATIENCE = (
    f"set session max_execution_time = {SECONDS * 1000}",
    f"set session max_statement_time = {SECONDS}",
)


if TYPE_CHECKING:
    _Connection = Connection[SSCursor]
else:
    _Connection = Connection


class _Capped(_Connection):
    """Over a socket that is there already; reads no more than so much."""

    _left = _LARGEST

    def _read_bytes(self, num_bytes: int) -> bytes:
        self._left -= num_bytes
        if self._left < 0:
            self.cut()
            raise pymysql.OperationalError(CR.CR_MALFORMED_PACKET, "the answer is too long")
        return cast("Any", super())._read_bytes(num_bytes)  # noqa: SLF001 (all that it reads)

    def cut(self) -> None:
        """Without hearing the rest of the answer."""
        own = cast("Any", self)
        if own._result is not None:  # noqa: SLF001
            own._result.unbuffered_active = False  # noqa: SLF001 (it would wait for the rest)
            own._result = None  # noqa: SLF001
        own._force_close()  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class MySql:
    """A `Database`. Each call has a connection of its own, in a thread."""

    target: Target

    async def read(self, sql: str, limit: int, parameters: Sequence[str] = ()) -> Rows:
        def do(connection: _Capped) -> Rows:
            _patiently(connection)
            _run(connection, "set session transaction read only")
            _run(connection, "start transaction read only")
            try:
                return _rows(connection, without_end(sql), limit, parameters)
            finally:
                connection.close()

        return await self._do(do, writes=False)

    async def write(self, sql: str, limit: int) -> Rows:
        def do(connection: _Capped) -> Rows:
            _patiently(connection)
            found = _rows(connection, without_end(sql), limit, ())
            connection.commit()
            connection.close()
            return found

        return await self._do(do, writes=True)

    async def _do(self, do: Callable[[_Capped], Rows], *, writes: bool) -> Rows:
        place = self.target
        try:
            sock = await outbound_sockets.connect(place.guard, place.host, place.port)
        except OSError as error:  # also Blocked, TimeoutError
            raise ToolFailed(f"{place.host} cannot be reached: {error or 'silent'}") from error
        sock.settimeout(SECONDS + 5)
        try:
            async with asyncio.timeout(_WHOLE):
                return await asyncio.to_thread(lambda: do(self._connect(sock)))
        except (pymysql.MySQLError, OSError, ValueError) as error:
            raise self._broken(error, writes=writes) from error
        finally:
            sock.close()  # ends the thread, too, if it still waits

    def _connect(self, sock: socket.socket) -> _Capped:
        place = self.target
        tls: dict[str, Any] = {"ssl_disabled": True}
        if place.tls != "none":
            context = ssl.create_default_context()
            if place.tls == "encrypted":
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            tls = {"ssl": context}
        connection = _Capped(
            host=place.host,
            user=place.user,
            password=place.password,
            database=place.database,
            defer_connect=True,
            charset="utf8mb4",
            cursorclass=SSCursor,
            local_infile=False,
            read_timeout=SECONDS + 5,
            write_timeout=SECONDS + 5,
            **tls,
        )
        connection.connect(sock)
        return connection

    def _broken(self, error: Exception, *, writes: bool) -> Exception:
        number = error.args[0] if error.args else None
        words = str(error.args[-1] if error.args else error)[:500]
        if number in _REFUSED:
            return ConnectionRefused(f"the database refuses the connection: {words}")
        if writes and (number in _LOST or isinstance(error, TimeoutError)):
            return Unclear(f"{self.target.host} did not answer: {words}")
        return ToolFailed(f"the database says: {words}")


def _patiently(connection: _Capped) -> None:
    for n, statement in enumerate(_PATIENCE):
        try:
            return _run(connection, statement)
        except pymysql.MySQLError:
            if n:
                raise
    return None


def _run(connection: _Capped, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(connection: _Capped, sql: str, limit: int, parameters: Sequence[str]) -> Rows:
    with connection.cursor() as cursor:
        affected = cursor.execute(sql, tuple(parameters) or None)
        if not cursor.description:
            return Rows([], affected=affected)
        columns = [str(one[0]) for one in cursor.description]
        rows: Any = cursor.fetchmany(limit + 1)
        found = within([named(columns, row) for row in rows], limit)
        if found.more:
            connection.cut()
        return found
