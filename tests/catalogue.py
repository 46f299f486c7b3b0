"""The databases as PostgreSQL's own catalogue tells them, and a row for every tenant's table."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from monster.kit.ids import new_id

# Tables that stand outside the wall, each for a reason.
SHARED = {
    "run_lease": "ids only; a process looks for the dead runs of all tenants",
    "master_key_use": "ids only; a process tells at start whether it holds the right master key",
    "tenant": "read before a tenant is known: it is what a session leads to",
    "user": "read before a tenant is known, to sign in; `tenant_id` is the home",
    "login_session": "read before a tenant is known, by the hash of its token",
    "one_time_token": "read before a tenant is known, by the hash of the token",
}


# What a tenant's row may refer to outside the walls: its tenant, and people, who belong to none.
COMMON = ("tenant", "user")

# Columns of which exactly one is set.
ONE_OF = {"secret": ("credential_id", "tool_factory_id", "oauth_provider_id")}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    length: int  # as `atttypmod`: of a vector, its dimensions
    needed: bool  # not null, without default, not generated


@dataclass(frozen=True)
class Reference:
    """A foreign key: `columns` of `table` are `keys` of `target`."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    keys: tuple[str, ...]


def tenant_tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute("""
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
        where c.relkind in ('r', 'p') order by 1
    """)
    return [name for (name,) in rows if name not in SHARED]


def references(connection: psycopg.Connection[Any]) -> list[Reference]:
    """Every foreign key of every table of ours, walled or not."""
    rows = connection.execute("""
        select k.conname, c.relname, t.relname,
            array(select attname::text from unnest(conkey) with ordinality u(n, place)
                join pg_attribute on attrelid = conrelid and attnum = n order by place),
            array(select attname::text from unnest(confkey) with ordinality u(n, place)
                join pg_attribute on attrelid = confrelid and attnum = n order by place)
        from pg_constraint k join pg_class c on c.oid = conrelid
            join pg_class t on t.oid = confrelid
        where contype = 'f' and c.relname not like 'procrastinate%' order by 1
    """)
    return [Reference(n, t, tuple(cols), to, tuple(keys)) for n, t, to, cols, keys in rows]


def fill(connection: psycopg.Connection[Any], tenant_id: uuid.UUID) -> dict[str, dict[str, Any]]:
    """One row of this tenant in every tenant table, as superuser; returns them by table."""
    rows: dict[str, dict[str, Any]] = {}
    tables = tenant_tables(connection)
    known = references(connection)
    needed = {reference.target for reference in known}
    common = [table for table in COMMON if table in needed]
    for table in [*common, *_parents_first(tables, known)]:
        row = {
            c.name: _value(connection, table, c) for c in _columns(connection, table) if c.needed
        }
        row["id" if table == "tenant" else "tenant_id"] = tenant_id
        for reference in known:
            if reference.columns[-1] in ONE_OF.get(table, ())[1:]:
                continue
            if reference.table == table and reference.target in rows:
                target = rows[reference.target]
                row |= {
                    column: target[key]
                    for column, key in zip(reference.columns, reference.keys, strict=True)
                    if key in target
                }
        rows[table] = _insert(connection, table, row)
    return {table: rows[table] for table in tables}


def add(connection: psycopg.Connection[Any], table: str, /, **given: object) -> dict[str, Any]:
    """One row, as superuser: what is given, and something for whatever else it needs."""
    row = {c.name: _value(connection, table, c) for c in _columns(connection, table) if c.needed}
    return _insert(connection, table, {**row, **given})


def state(connection: psycopg.Connection[Any], tenant_id: uuid.UUID) -> str:
    """Everything a tenant has in this database; the same text as long as nothing of it changes."""
    tables = [*tenant_tables(connection), *SHARED]
    ours = connection.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where a.attname = 'tenant_id' and c.relkind = 'r' and c.relname = any(%s)",
        [tables],
    )
    each = [
        sql.SQL("select {} || (select coalesce(string_agg(t::text, '|' order by t::text), '')"
                " from {} t where tenant_id = {})").format(
            sql.Literal(name), sql.Identifier(name), sql.Literal(tenant_id)
        )
        for (name,) in ours
    ]  # fmt: skip
    rows = [row[0] for row in connection.execute(sql.SQL(" union all ").join(each))]
    return "\n".join([*rows, *_persons(connection, tenant_id), *_about(connection, tenant_id)])


def _persons(connection: psycopg.Connection[Any], tenant_id: uuid.UUID) -> list[str]:
    """What its members have as people, whatever the tenant."""
    tables = connection.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where a.attname = 'user_id' and c.relkind = 'r' and c.relname = any(%s)",
        [["totp", "passkey", "recovery_code", "login_session"]],
    )
    known = [(name, "user_id") for (name,) in tables]
    if not known:
        return []
    members = "select user_id from tenant_member where tenant_id = {}"
    each = [
        sql.SQL("select {} || coalesce(string_agg(t::text, '|' order by t::text), '')"
                " from {} t where {} in (" + members + ")").format(
            sql.Literal(name), sql.Identifier(name), sql.Identifier(key), sql.Literal(tenant_id)
        )
        for name, key in [*known, ("user", "id")]
    ]  # fmt: skip
    return [row[0] for row in connection.execute(sql.SQL(" union all ").join(each))]


def _about(connection: psycopg.Connection[Any], tenant_id: uuid.UUID) -> list[str]:
    """What names it by other columns: itself, and what is still to be done for it."""
    each = [
        "select 'jobs' || coalesce(string_agg(id || ' ' || status, '|' order by id), '')"
        " from procrastinate_jobs where position(%(id)s in args::text) > 0"
    ]
    if connection.execute("select to_regclass('tenant')").fetchone() != (None,):
        each.append("select 'itself' || t::text from tenant t where id = %(id)s::uuid")
    query = " union all ".join(each)
    return [row[0] for row in connection.execute(query.encode(), {"id": str(tenant_id)})]


def _parents_first(tables: list[str], known: list[Reference]) -> Iterator[str]:
    waiting = list(tables)
    while waiting:
        blocked = {
            k.table
            for k in known
            if k.target in waiting and k.table in waiting and k.table != k.target
        }
        ready = [table for table in waiting if table not in blocked]
        assert ready, f"references in a circle: {waiting}"
        yield from ready
        waiting = [table for table in waiting if table in blocked]


def _columns(connection: psycopg.Connection[Any], table: str) -> list[Column]:
    rows = connection.execute(
        """
        select attname, typname, atttypmod, attnotnull and not atthasdef and attidentity = ''
        from pg_attribute join pg_type t on t.oid = atttypid
        where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
        """,
        [f'"{table}"'],
    )
    return [Column(*row) for row in rows]


def _value(connection: psycopg.Connection[Any], table: str, column: Column) -> object:
    if column.type in {"text", "varchar"}:
        return _allowed_word(connection, table, column.name) or str(new_id())
    values: dict[str, object] = {
        "uuid": new_id(),
        "int4": new_id().int % 2**31,  # not the same in two tenants: some are keys
        "int8": 1,
        "float8": 0.0,
        "bool": False,
        "jsonb": "{}",
        "bytea": b"x",
        "_text": [],
        "_varchar": [],
        "timestamptz": "now",
        "vector": str([1.0] * max(column.length, 1)),
    }
    return values[column.type]


def _allowed_word(connection: psycopg.Connection[Any], table: str, column: str) -> str | None:
    checks = connection.execute(
        "select pg_get_constraintdef(oid) from pg_constraint "
        "where contype = 'c' and conrelid = %s::regclass",
        [f'"{table}"'],
    )
    for (definition,) in checks:
        if re.search(rf"\b{column}\b", definition) and (word := re.search(r"'(\w+)'", definition)):
            return word[1]
    return None


def _insert(connection: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> dict[str, Any]:
    statement = sql.SQL("insert into {} ({}) values ({}) returning *").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    cursor = connection.execute(statement, list(row.values()))
    assert cursor.description
    names = [column.name for column in cursor.description]
    (values,) = cursor.fetchall()
    return dict(zip(names, values, strict=True))
