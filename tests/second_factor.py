"""People with a password and a second factor, and what they do with them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI
from pyotp.totp import TOTP

from monster.dashboard.tenancy.service import create_tenant_with_owner
from monster.kit import clock, passwords, tenancy
from monster.kit.ids import new_id
from tests.authenticator import Authenticator
from tests.builders import client, owner_conninfo

SECOND = "/api/sessions/second-factor"


def code(error: httpx.Response) -> tuple[int, str]:
    return error.status_code, error.json()["error"]["code"]


def run(app: FastAPI, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(owner_conninfo(app), autocommit=True) as owner:
        cursor = owner.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


class Clock:
    """Stands still in the middle of a half minute, until a test moves it."""

    def __init__(self) -> None:
        now = clock.now()
        self.at = now.replace(second=30 * (now.second // 30) + 15, microsecond=0)

    def now(self) -> datetime:
        return self.at

    def on(self, steps: int) -> None:
        self.at += timedelta(seconds=30 * steps)


@dataclass
class Account:
    """An owner of a workspace of their own."""

    app: FastAPI
    email: str = field(default_factory=lambda: f"{new_id()}@example.com")
    password: str = "correct horse"
    codes: list[str] = field(default_factory=list[str])
    totp: TOTP = field(default_factory=lambda: TOTP("A" * 32))
    passkey: Authenticator = field(default_factory=Authenticator)

    async def settle(self) -> "Account":
        hashed = await passwords.hash_password(self.password, cost=4)
        async with tenancy.outside(self.app.state.sessions) as session:
            await create_tenant_with_owner(session, "Acme", self.email, "Ada Low", hashed)
        return self

    @property
    def id(self) -> str:
        return str(run(self.app, 'select id from "user" where email = %s', self.email)[0][0])

    @property
    def says(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}

    async def enter(self) -> httpx.AsyncClient:
        """With the password alone."""
        answer = await client(self.app).post("/api/sessions", json=self.says)
        assert answer.status_code == 201, answer.text
        return client(self.app, answer.json()["token"])

    async def challenge(self) -> str:
        answer = await client(self.app).post("/api/sessions", json=self.says)
        assert code(answer) == (401, "second_factor_needed")
        return answer.json()["challenge"]

    async def answer(self, code: str, challenge: str = "") -> httpx.Response:
        body = {"challenge": challenge or await self.challenge(), "code": code}
        return await client(self.app).post(SECOND, json=body)

    def now(self, steps: int = 0) -> str:
        """The code that the app shows, so many half minutes from now."""
        return self.totp.at(clock.now(), counter_offset=steps)

    async def with_app(self, http: httpx.AsyncClient) -> httpx.AsyncClient:
        begun = await http.post("/api/factors/totp")
        assert begun.status_code == 201, begun.text
        self.totp = TOTP(begun.json()["secret"])
        done = await http.post("/api/factors/totp/confirm", json={"code": self.now(-1)})
        assert done.status_code == 200, done.text
        self.codes += done.json()["recovery_codes"]
        return http

    async def with_passkey(self, http: httpx.AsyncClient, name: str = "Blue key") -> str:
        added = await http.post("/api/factors/passkeys", json=await self.offer(http, name))
        assert added.status_code == 201, added.text
        self.codes += added.json()["recovery_codes"]
        return added.json()["id"]

    async def offer(self, http: httpx.AsyncClient, name: str = "Blue key") -> dict[str, Any]:
        """A new passkey as its device would have it registered."""
        asked = (await http.post("/api/factors/passkeys/options")).json()
        credential = self.passkey.create(asked["options"])
        return {"name": name, "challenge": asked["challenge"], "credential": credential}

    async def asked(self, challenge: str) -> dict[str, Any]:
        body = {"challenge": challenge}
        answer = await client(self.app).post(f"{SECOND}/passkey/options", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["options"]

    async def sign(self, challenge: str, credential: dict[str, Any]) -> httpx.Response:
        body = {"challenge": challenge, "credential": credential}
        return await client(self.app).post(f"{SECOND}/passkey", json=body)

    def audited(self) -> list[tuple[str, str, str | None]]:
        """(action, resource, factor), oldest first."""
        mine = "select action, resource_type, details->>'factor' from audit_log where user_id = %s"
        return [tuple(row) for row in run(self.app, mine + " order by seq", self.id)]
