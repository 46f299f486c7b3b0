"""Somebody who is invited, and the links they get: minted here, where no mail is read."""

import uuid
from dataclasses import dataclass, field

import httpx
import psycopg
from fastapi import FastAPI
from sqlalchemy import select

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.models import OneTimeToken
from monster.kit import tenancy
from monster.kit.ids import new_id
from tests.builders import Tenant, owner_conninfo

PAGE = {"Accept": "text/html"}
OURS = PAGE | {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "correct horse"


@dataclass(frozen=True)
class Known:
    """A person of a tenant, signed in; their address can be written to."""

    tenant: Tenant
    role: str = "editor"
    user_id: uuid.UUID = field(default_factory=new_id)

    @property
    def email(self) -> str:
        return f"{self.user_id}@example.com"

    def browser(self) -> httpx.AsyncClient:
        http = self.tenant.member(self.role, self.user_id)
        change(self.tenant.dashboard, VERIFIED, self.user_id)
        return http


VERIFIED = 'update "user" set email_verified = true where id = %s'


def change(app: FastAPI, statement: str, *values: object) -> None:
    """In the dashboard's database, past its walls."""
    with psycopg.connect(owner_conninfo(app), autocommit=True) as connection:
        connection.execute(statement.encode(), values)


async def invite(http: httpx.AsyncClient, email: str = "", role: str = "editor") -> dict[str, str]:
    body = {"email": email or f"{new_id()}@example.com", "role": role}
    answer = await http.post("/api/invitations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def link(app: FastAPI, invitation_id: str) -> str:
    """The token that the mail carries."""
    async with tenancy.outside(app.state.sessions) as session:
        rows = select(OneTimeToken.id).where(OneTimeToken.invitation_id == uuid.UUID(invitation_id))
        token_id = (await session.scalars(rows)).one()
        made = await identity.mint(session, token_id)
    assert made
    return made[0]


async def member_id(http: httpx.AsyncClient, user_id: uuid.UUID) -> str:
    for member in (await http.get("/api/members?limit=200")).json():
        if member["user_id"] == str(user_id):
            return member["id"]
    raise AssertionError(f"{user_id} is no member")
