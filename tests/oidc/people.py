"""A dashboard whose workspaces sign in with companies on loopback, and how tests go through it."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psycopg
from fastapi import FastAPI

from monster.kit.ids import new_id
from tests.builders import ORIGIN, Tenant, owner_conninfo
from tests.oidc.company import CLIENT, SECRET, Company

PAGE = {"Accept": "text/html"}
CALLBACK = "/sign-in/sso/callback"


def rows(app: FastAPI, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """As the owner of the database."""
    with psycopg.connect(owner_conninfo(app), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def log(tenant: Tenant, action: str) -> list[dict[str, Any]]:
    query = "select details from audit_log where tenant_id = %s and action = %s order by seq"
    return [details for (details,) in rows(tenant.dashboard, query, tenant.id, action)]


async def add_provider(tenant: Tenant, issuer: str, **changes: object) -> dict[str, Any]:
    """Set up by an admin."""
    body = {"name": "Company", "issuer": issuer, "client_id": CLIENT, "client_secret": SECRET}
    answer = await tenant.member("admin").post("/api/identity-providers", json=body | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def stranger(tenant: Tenant) -> httpx.AsyncClient:
    """In a browser of their own, at an address of their own: how often one may try is counted."""
    number = f"{new_id().int & (1 << 64) - 1:016x}"
    address = "2001:db8::" + ":".join(number[i : i + 4] for i in range(0, 16, 4))
    sender = httpx.ASGITransport(
        tenant.dashboard, raise_app_exceptions=False, client=(address, 40_000)
    )
    return httpx.AsyncClient(transport=sender, base_url=ORIGIN)


class Came(NamedTuple):
    browser: httpx.AsyncClient
    answer: httpx.Response


async def begin(
    tenant: Tenant, browser: httpx.AsyncClient | None = None, onward: str = "/"
) -> tuple[httpx.AsyncClient, str]:
    """The browser, and where it is sent."""
    browser = browser or stranger(tenant)
    answer = await browser.get(f"/sign-in/sso/{tenant.id}", params={"next": onward}, headers=PAGE)
    assert answer.status_code == 303, answer.text
    return browser, answer.headers["Location"]


async def come_back(browser: httpx.AsyncClient, address: str) -> Came:
    """With what the provider gave."""
    parts = urlsplit(address)
    return Came(browser, await browser.get(f"{parts.path}?{parts.query}", headers=PAGE))


async def come(tenant: Tenant, company: Company, login: str, onward: str = "/") -> Came:
    """All the way through."""
    browser, url = await begin(tenant, onward=onward)
    return await come_back(browser, await company.sign_in(url, login))


async def role_of(tenant: Tenant, email: str) -> str | None:
    query = """select role from tenant_member m join "user" u on u.id = m.user_id
        where m.tenant_id = %s and u.email = %s"""
    found = rows(tenant.dashboard, query, tenant.id, email)
    return found[0][0] if found else None
