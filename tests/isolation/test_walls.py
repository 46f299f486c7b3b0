"""Tenants are apart in the database itself: every table and every reference, from the catalogue."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from monster.dashboard import database as dashboard
from monster.engine import database as engine
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests import catalogue

DATABASES = {module.NAME: module.ROLE for module in (dashboard, engine)}


@dataclass
class Filled:
    """A database in which two tenants have a row in every table; nothing of it is committed."""

    owner: psycopg.Connection[Any]
    role: str
    tenants: dict[uuid.UUID, dict[str, dict[str, Any]]]

    def become_application(self, tenant_id: uuid.UUID | None) -> None:
        """From here on as the role that serves, which row-level security binds."""
        self.owner.execute(sql.SQL("set local role {}").format(sql.Identifier(self.role)))
        if tenant_id:
            setting = "select set_config('app.tenant_id', %s, true)"
            self.owner.execute(setting, [str(tenant_id)])

    def seen(self, table: str) -> list[uuid.UUID]:
        query = sql.SQL("select tenant_id from {}").format(sql.Identifier(table))
        return [row[0] for row in self.owner.execute(query)]


@pytest.fixture(params=DATABASES)
def filled(request: pytest.FixtureRequest, postgres: Embedded) -> Iterator[Filled]:
    name: str = request.param
    with psycopg.connect(postgres.conninfo(name)) as owner:
        tenants = {tenant: catalogue.fill(owner, tenant) for tenant in (new_id(), new_id())}
        yield Filled(owner, DATABASES[name], tenants)
        owner.rollback()


def test_there_is_something_to_check(filled: Filled) -> None:
    first, second = filled.tenants.values()
    assert len(first) >= 2
    for table in first:
        assert len(filled.seen(table)) >= 2, table
        assert first[table]["tenant_id"] != second[table]["tenant_id"]


def test_without_a_tenant_no_row_of_any_table_is_seen(filled: Filled) -> None:
    tables = catalogue.tenant_tables(filled.owner)
    filled.become_application(None)
    assert {table: filled.seen(table) for table in tables} == {table: [] for table in tables}


def test_with_a_tenant_only_its_own_rows_are_seen(filled: Filled) -> None:
    tables = catalogue.tenant_tables(filled.owner)
    mine = next(iter(filled.tenants))
    filled.become_application(mine)
    assert {table: filled.seen(table) for table in tables} == {table: [mine] for table in tables}


def test_no_reference_crosses_tenants(filled: Filled) -> None:
    """As superuser, whom no policy binds: the keys alone must refuse it."""
    mine, theirs = filled.tenants
    tables = catalogue.tenant_tables(filled.owner)
    references = [r for r in catalogue.references(filled.owner) if r.table in tables]
    assert references
    for reference in references:
        if reference.target in catalogue.COMMON:
            continue
        assert reference.target in tables, f"{reference.name} leads out of the walls"
        assert "tenant_id" in reference.columns, reference.name
        column, key = reference.columns[-1], reference.keys[-1]
        stolen = filled.tenants[theirs][reference.target][key]
        siblings = set(catalogue.ONE_OF.get(reference.table, ()))
        others = siblings - {column} if column in siblings else ()
        emptied = [sql.SQL("{} = null").format(sql.Identifier(other)) for other in others]
        changes = [sql.SQL("{} = %s").format(sql.Identifier(column)), *emptied]
        steal = sql.SQL("update {} set {} where tenant_id = %s").format(
            sql.Identifier(reference.table), sql.SQL(", ").join(changes)
        )
        filled.owner.execute("savepoint before")
        filled.owner.execute("set constraints all immediate")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            filled.owner.execute(steal, [stolen, mine])
        filled.owner.execute("rollback to savepoint before")
