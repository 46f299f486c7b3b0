"""A secret store in a database of its own, with processes' worth of stores over it."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from monster.engine import database
from monster.engine.access.scope import Scope
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.local_keys import SetKeys
from monster.engine.secrets.master_keys import MasterKeys
from monster.engine.secrets.rotation import Rotation
from monster.engine.secrets.schemas import Owner
from monster.engine.secrets.service import Secrets
from monster.kit import crypto, db, migrations, tenancy
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded, create_database
from monster.kit.ids import new_id
from tests import catalogue


def scope_of(tenant_id: uuid.UUID) -> Scope:
    return Scope(tenant_id, "user", frozenset())


@dataclass
class Store:
    """`conninfo` is the owner's; `url` and `sessions` are the application's."""

    conninfo: str
    sessions: SessionMaker
    places: Sequence[MasterKeys]

    @property
    def url(self) -> str:
        return self.sessions.kw["bind"].url.render_as_string(hide_password=False)

    @property
    def secrets(self) -> Secrets:
        """As another process would have it: nothing is remembered yet."""
        return Secrets(self.sessions, Keyring(self.places))

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.sessions, Keyring(self.places))

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """As the owner of the tables, who sees them all."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def owner(self, tenant_id: uuid.UUID) -> Owner:
        """A new credential."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            row = catalogue.add(connection, "credential", tenant_id=tenant_id)
        return Owner("credential", row["id"])

    async def put(self, tenant_id: uuid.UUID, owner: Owner, **values: str) -> None:
        secrets, scope = self.secrets, scope_of(tenant_id)
        async with tenancy.transaction(self.sessions, tenant_id) as session:
            await secrets.put(session, scope, owner, values)

    async def get(self, tenant_id: uuid.UUID, owner: Owner) -> dict[str, str]:
        secrets, scope = self.secrets, scope_of(tenant_id)
        async with tenancy.transaction(self.sessions, tenant_id) as session:
            return await secrets.get(session, scope, owner)

    async def kept(self, **values: str) -> tuple[uuid.UUID, Owner]:
        """By a new credential of a new tenant."""
        tenant_id = new_id()
        owner = self.owner(tenant_id)
        await self.put(tenant_id, owner, **values)
        return tenant_id, owner


_TEMPLATE = "secrets_template"


@asynccontextmanager
async def store(postgres: Embedded, *places: MasterKeys) -> AsyncGenerator[Store]:
    create_database(postgres.conninfo("postgres"), _TEMPLATE)
    migrations.upgrade(postgres.url(_TEMPLATE), database.MIGRATIONS)  # the first time
    name = f"secrets_{new_id().hex}"
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {_TEMPLATE}".encode())
    async with store_at(postgres.conninfo(name), postgres.url(name, database.ROLE), *places) as new:
        yield new


@asynccontextmanager
async def store_at(conninfo: str, url: str, *places: MasterKeys) -> AsyncGenerator[Store]:
    """In a database that is there."""
    engine = db.make_engine(url, pool_size=10)
    default = (SetKeys(crypto.new_master_key()),)
    yield Store(conninfo, db.make_sessions(engine), places or default)
    await engine.dispose()
