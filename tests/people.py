"""People with a password, their browsers, and the letters they get."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import psycopg
from fastapi import FastAPI

from monster.dashboard import database
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import COOKIE, CSRF_HEADER
from monster.dashboard.tenancy.service import create_tenant_with_owner
from monster.dashboard.worker import create_worker
from monster.kit import passwords, tenancy
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import KEY, client, dashboard_settings

PAGE = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin"}
FORM = PAGE | OURS


@dataclass(frozen=True)
class Person:
    email: str = field(default_factory=lambda: f"ada.{new_id().hex}@example.com")
    password: str = "correct horse battery"

    def says(self, **changes: str) -> dict[str, str]:
        return {"email": self.email, "password": self.password} | changes

    def registers(self, **changes: str) -> dict[str, str]:
        return self.says(name="Ada Lovelace", company="Acme") | changes


async def settle(sessions: SessionMaker, person: Person, cost: int = 4) -> Person:
    """As the owner of a workspace."""
    hashed = await passwords.hash_password(person.password, cost=cost)
    async with tenancy.outside(sessions) as session:
        await create_tenant_with_owner(session, "Acme", person.email, "Ada", hashed)
    return person


async def send(app: FastAPI, path: str, form: Mapping[str, str]) -> httpx.Response:
    """A form, from a browser that nobody is signed in with."""
    return await client(app).post(path, data=dict(form), headers=FORM)


async def sign_in(app: FastAPI, person: Person, **headers: str) -> httpx.AsyncClient:
    """A browser on one of our pages, with what a page of ours carries."""
    browser = client(app)
    browser.headers.update(OURS | headers)
    answer = await browser.post("/sign-in", data=person.says())
    assert answer.status_code == 303, answer.text
    page = (await browser.get("/settings/profile", headers=PAGE)).text
    browser.headers[CSRF_HEADER] = str(re.findall(r'name="csrf" value="([^"]+)"', page)[0])
    return browser


def token_of(browser: httpx.AsyncClient) -> str:
    return str(browser.cookies[COOKIE])


def run(postgres: Embedded, statement: str, *values: object) -> list[tuple[object, ...]]:
    """As the owner of the database."""
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as owner:
        cursor = owner.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def disguise(postgres: Embedded, person: Person, admin: Person) -> None:
    """From here on every session of the person is one that the platform admin acts in."""
    run(postgres, 'update "user" set is_admin = true where email = %s', admin.email)
    run(
        postgres,
        """
        update login_session s set impersonator_id = a.id from "user" a, "user" u
        where s.user_id = u.id and u.email = %s and a.email = %s
        """,
        person.email,
        admin.email,
    )


def audited(postgres: Embedded, person: Person) -> list[tuple[object, ...]]:
    """(action, kind, principal, details) in the log of the person's own workspace."""
    return run(
        postgres,
        """
        select a.action, a.resource_type, a.principal, a.details
        from audit_log a join "user" u on u.tenant_id = a.tenant_id
        where lower(u.email) = lower(%s) order by seq
        """,
        person.email,
    )


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str

    @property
    def link(self) -> str:
        (link,) = re.findall(r"https?://\S+\?\S+", self.text)
        return link

    @property
    def path(self) -> str:
        return self.link.removeprefix("http://127.0.0.1:8700")

    @property
    def token(self) -> str:
        return self.link.partition("token=")[2]


@dataclass(frozen=True)
class Post:
    """The worker's part: every letter is written, and kept where a test can read it."""

    postgres: Embedded
    sessions: SessionMaker
    engine: FastAPI

    async def deliver(self, **settings: object) -> None:
        """Does all jobs there are, then stops."""
        url = self.postgres.url(database.NAME, database.ROLE)
        told = dashboard_settings(url, **({"dev_mail": True} | settings))
        worker = create_worker(told, self.sessions, HttpEngine(client(self.engine), KEY))
        async with worker.open_async():
            await worker.run_worker_async(
                wait=False, install_signal_handlers=False, listen_notify=False
            )

    async def to(self, email: str) -> list[Letter]:
        """All letters so far, oldest first."""
        await self.deliver()
        rows = run(
            self.postgres,
            "select subject, text, html from dev_mail where lower(recipient) = lower(%s) "
            "order by id",
            email,
        )
        return [Letter(*map(str, row)) for row in rows]

    async def last(self, email: str) -> Letter:
        return (await self.to(email))[-1]
