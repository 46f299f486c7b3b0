"""PostgreSQL against the embedded server, over TCP; MySQL against a server of its wire protocol."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mysql_mimic import (
    IdentityProvider,
    MysqlServer,
    NativePasswordAuthPlugin,
    Session,
    User,
)

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.sql import MySqlDatabase, PostgreSql
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.systems.connect import connected, do


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
async def port(postgres: Embedded) -> AsyncGenerator[int]:
    """The embedded server has no port of its own: this one leads to its socket."""
    path = str(Path(postgres.server.pgdata) / ".s.PGSQL.5432")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pipe(reader, outer), _pipe(inner, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture(scope="module")
def shop(postgres: Embedded) -> str:
    """A database of its own, with a person who owns a table there."""
    name = f"shop_{new_id().hex}"
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as server:
        server.execute(f"create role {name} login".encode())
        server.execute(f"create database {name} owner {name}".encode())
    with psycopg.connect(postgres.conninfo(name, name), autocommit=True) as owner:
        owner.execute("create table item (id int primary key, name text not null, price numeric)")
        owner.execute(
            "insert into item select n, 'item ' || n, n * 1.5 from generate_series(1, 50) n"
        )
        owner.execute(
            "create function spend() returns int volatile language sql as"
            " 'delete from item returning 1'"
        )
    return name


def values(port: int, shop: str, **more: str) -> dict[str, str]:
    given = {"host": "127.0.0.1", "port": str(port), "database": shop, "username": shop}
    return (
        PostgreSql.auth()
        .strategy(None)
        .check({**given, "password": "not asked for", "tls": "none", **more})
    )


@pytest.fixture
async def sql(port: int, shop: str) -> AsyncGenerator[PostgreSql]:
    async with connected(PostgreSql, None, values(port, shop)) as system:
        yield system


async def test_looks_around(sql: PostgreSql, shop: str) -> None:
    assert await sql.account() == f"{shop} at 127.0.0.1/{shop}"
    tables = (await do(sql, "list_tables"))["rows"]
    assert [one["table_name"] for one in tables] == ["item"]
    columns = (await do(sql, "describe_table", table="item"))["rows"]
    assert [(one["column_name"], one["data_type"]) for one in columns] == [
        ("id", "integer"),
        ("name", "text"),
        ("price", "numeric"),
    ]
    with pytest.raises(ToolFailed, match="no table"):
        await do(sql, "describe_table", table="item'; drop table item; --")


async def test_reads_within_limits(sql: PostgreSql) -> None:
    found = await do(sql, "query", sql="select * from item order by id desc; ", limit=2)
    assert found["rows"] == [
        {"id": 50, "name": "item 50", "price": 75.0},
        {"id": 49, "name": "item 49", "price": 73.5},
    ]
    assert "more" in found
    all_of_it = await do(sql, "query", sql="-- all\n/* really */ (select id from item)", limit=50)
    assert len(all_of_it["rows"]) == 50
    assert "more" not in all_of_it
    percent = await do(sql, "query", sql="select count(*) from item where name like '%m 1%'")
    assert percent["rows"] == [{"count": 11}]
    assert (await do(sql, "query", sql="show server_version"))["rows"]
    assert "Scan" in str(await do(sql, "query", sql="explain select * from item"))
    long = await do(sql, "query", sql="select repeat('x', 3000000) from item")
    assert len(str(long)) < 2_000_000
    assert "more" in long


WRITES = [
    "delete from item",
    "insert into item values (99, 'x', 1) returning id",
    "with gone as (delete from item returning *) select * from gone",
    "select spend()",
    "select 1; delete from item",
    "commit; delete from item",
    "select 1) q; delete from item; select * from (select 1",
    "set transaction read write",
    "select set_config('transaction_read_only', 'off', false), spend()",
    "do $$ begin perform set_config('transaction_read_only', 'off', false);"
    " delete from item; end $$",
    "do $$ begin commit; delete from item; end $$",
    "create table mine (id int)",
    "explain analyze delete from item",
    "select nextval('nothing'), pg_sleep(0) from item for update",
    "copy item to program 'true'",
]


@pytest.mark.parametrize("statement", WRITES)
async def test_nothing_is_changed_by_reading(sql: PostgreSql, statement: str) -> None:
    with suppress(ToolFailed):
        await do(sql, "query", sql=statement)
    count = await do(sql, "query", sql="select count(*) from item")
    assert count["rows"] == [{"count": 50}]
    assert len((await do(sql, "list_tables"))["rows"]) == 1
    with pytest.raises(ToolFailed, match="for reading only"):
        await do(sql, "execute", sql="delete from item")


async def test_an_endless_statement_is_ended_by_the_database(
    sql: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monster.engine.toolkit import postgres  # noqa: PLC0415

    monkeypatch.setattr(postgres, "_LIMITS", "set local statement_timeout = '50ms'")
    with pytest.raises(ToolFailed, match="statement timeout"):
        await do(sql, "query", sql="select pg_sleep(60)")


async def test_writes_where_the_connection_allows_it(port: int, shop: str) -> None:
    writing = values(port, shop, access="read and write")
    async with connected(PostgreSql, None, writing) as sql:
        await do(sql, "execute", sql="create table note (id int)")
        made = await do(sql, "execute", sql="insert into note values (1), (2) returning id")
        assert made == {"rows": [{"id": 1}, {"id": 2}], "affected": 2}
        with pytest.raises(ToolFailed, match="multiple commands"):
            await do(sql, "execute", sql="delete from note; delete from item")
        with pytest.raises(ToolFailed, match="does not exist"):
            await do(sql, "execute", sql="delete from nothing")
        assert (await do(sql, "query", sql="select count(*) from note"))["rows"] == [{"count": 2}]
        await do(sql, "execute", sql="drop table note")


async def test_who_is_not_let_in(port: int, shop: str) -> None:
    async with connected(PostgreSql, None, values(port, shop, username="nobody")) as sql:
        with pytest.raises(ConnectionRefused, match="does not exist"):
            await sql.account()
    async with connected(PostgreSql, None, values(port, shop, tls="verify")) as sql:
        with pytest.raises(ToolFailed, match="SSL"):
            await sql.account()
    async with connected(PostgreSql, None, values(1, shop)) as sql:
        with pytest.raises(ToolFailed, match="cannot be reached"):
            await sql.account()


class Shop(Session):
    """Has one table, and remembers what it was told."""

    told: list[str] = []  # noqa: RUF012 (of all sessions; a test looks at its own words)

    async def query(self, expression: Any, sql: str, attrs: dict[str, str]) -> Any:  # noqa: ANN401, ARG002
        Shop.told.append(sql)
        if "from item" in sql.lower():
            return [(n, f"item {n}") for n in range(1, 51)], ["id", "name"]
        return [(1,)], ["1"]

    async def schema(self) -> Any:  # noqa: ANN401 (theirs)
        return {"shop": {"item": {"id": "INT", "name": "TEXT"}}}

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> Any:  # noqa: ANN401
        Shop.told.append(sql)
        return await super().handle_query(sql, attrs)


class People(IdentityProvider):
    def get_plugins(self) -> Any:  # noqa: ANN401 (theirs)
        return [NativePasswordAuthPlugin()]

    async def get_user(self, username: str) -> User | None:
        if username != "ada":
            return None
        secret = NativePasswordAuthPlugin.create_auth_string("a password")
        return User(name=username, auth_string=secret, auth_plugin=NativePasswordAuthPlugin.name)


@pytest.fixture
async def mysql() -> AsyncGenerator[int]:
    server = MysqlServer(session_factory=Shop, identity_provider=People())
    await server.start_server(host="127.0.0.1", port=0)
    sockets: Any = vars(server)["_server"].sockets
    yield sockets[0].getsockname()[1]
    server.close()


def mysql_values(port: int, **more: str) -> dict[str, str]:
    given = {"host": "127.0.0.1", "port": str(port), "database": "shop", "username": "ada"}
    return (
        MySqlDatabase.auth()
        .strategy(None)
        .check({**given, "password": "a password", "tls": "none", **more})
    )


async def test_mysql(mysql: int) -> None:
    async with connected(MySqlDatabase, None, mysql_values(mysql)) as sql:
        assert await sql.account() == "ada at 127.0.0.1/shop"
        found = await do(sql, "query", sql="select id, name from item;", limit=2)
        assert found["rows"] == [{"id": 1, "name": "item 1"}, {"id": 2, "name": "item 2"}]
        assert "more" in found
        columns = await do(sql, "describe_table", table="item")
        assert [one["column_name"] for one in columns["rows"]] == ["id", "name"]
        assert "item" in str(await do(sql, "list_tables"))
        with pytest.raises(ToolFailed, match="for reading only"):
            await do(sql, "execute", sql="delete from item")
    before = Shop.told.index("select id, name from item")
    assert "start transaction read only" in Shop.told[:before]
    assert any("max_execution_time" in one for one in Shop.told[:before])


async def test_mysql_lets_in_who_knows_the_password(mysql: int) -> None:
    async with connected(MySqlDatabase, None, mysql_values(mysql, password="wrong")) as sql:
        with pytest.raises(ConnectionRefused, match="Access denied"):
            await sql.account()


async def test_mysql_without_tls_gets_no_password(mysql: int) -> None:
    async with connected(MySqlDatabase, None, mysql_values(mysql, tls="verify")) as sql:
        with pytest.raises(ToolFailed):
            await sql.account()
