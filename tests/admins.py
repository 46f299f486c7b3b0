"""Platform admins for tests: nothing in the application can make one."""

import hashlib
import secrets
import uuid
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI
from psycopg.rows import dict_row

from monster.kit.ids import new_id
from tests.builders import Tenant, browser, owner_conninfo

PLATFORM = uuid.UUID(int=0)

_SIGNED_IN = """
    with u as (
        insert into "user" (id, email, name, is_active, is_admin)
        values (%(user)s, %(user)s || '@example.com', 'Root', true, true) on conflict do nothing
    )
    insert into login_session (id, user_id, token_hash, csrf, expires_at)
    values (%(id)s, %(user)s, %(hash)s, %(csrf)s, now() + interval '1 hour')
"""


def sign_in(app: FastAPI, user_id: uuid.UUID | None = None) -> httpx.AsyncClient:
    """A platform admin of no tenant."""
    token, csrf = secrets.token_urlsafe(), secrets.token_urlsafe()
    row = {
        "user": user_id or new_id(),
        "id": new_id(),
        "hash": hashlib.sha256(token.encode()).digest(),
        "csrf": csrf,
    }
    with psycopg.connect(owner_conninfo(app), autocommit=True) as connection:
        connection.execute(_SIGNED_IN, row)
    return browser(app, token, csrf)


def query(app: FastAPI, statement: str, *values: object) -> list[dict[str, Any]]:
    """As the owner of the dashboard's database."""
    with psycopg.connect(owner_conninfo(app), autocommit=True) as connection:
        cursor = connection.cursor(row_factory=dict_row).execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def log(tenant: Tenant, tenant_id: uuid.UUID, user_id: uuid.UUID) -> list[dict[str, Any]]:
    """What is written about this person, oldest first: PLATFORM, or the log of a tenant."""
    statement = """
        select action, resource_type, resource_id, user_id, impersonator_id, details from audit_log
        where tenant_id = %s and (user_id = %s or impersonator_id = %s) order by seq
    """
    return query(tenant.dashboard, statement, tenant_id, user_id, user_id)
