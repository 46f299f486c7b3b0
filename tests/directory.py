"""A company's directory, which speaks SCIM."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from monster.kit.ids import new_id
from tests.builders import Tenant, client, owner_conninfo

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True)
class Directory:
    http: httpx.AsyncClient
    token: str
    token_id: str

    async def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, /, **query: str
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/scim+json"} if content else {}
        return await self.http.request(
            method, f"/scim/v2{path}", content=content, headers=headers, params=query
        )

    async def bring(self, address: str = "", **more: object) -> dict[str, Any]:
        body = {"schemas": [USER], "userName": address or new_address(), **more}
        answer = await self.ask("POST", "/Users", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def group(self, *member_ids: str, name: str = "") -> dict[str, Any]:
        members = [{"value": one} for one in member_ids]
        body = {"schemas": [GROUP], "displayName": name or str(new_id()), "members": members}
        answer = await self.ask("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})


async def connect(tenant: Tenant) -> Directory:
    made = await tenant.member("admin").post("/api/scim-tokens", json={"name": "Okta"})
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    # Of those that are shown, only whom a test brings has a name.
    rows(tenant, 'update "user" set name = email where tenant_id = %s', tenant.id)
    return Directory(client(tenant.dashboard, token), token, made.json()["id"])


def new_address() -> str:
    return f"{new_id()}@example.com"


def refused(answer: httpx.Response, status: int, keyword: str | None = None) -> bool:
    """In SCIM's own shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    said = answer.json()
    assert said["schemas"] == [ERROR]
    assert said["status"] == str(status)
    assert said.get("scimType") == keyword, said
    return True


def rows(tenant: Tenant, query: str, *values: object) -> list[Any]:
    """Past the walls; a query of one column."""
    with psycopg.connect(owner_conninfo(tenant.dashboard), autocommit=True) as connection:
        found = connection.execute(query.encode(), values)
        return [row[0] for row in found] if found.description else []


def member_id(tenant: Tenant, role: str) -> str:
    """Of the latest with that role."""
    found: list[uuid.UUID] = rows(
        tenant,
        "select id from tenant_member where tenant_id = %s and role = %s order by id desc",
        tenant.id,
        role,
    )
    return str(found[0])
