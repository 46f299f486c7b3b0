"""The screens about API keys, and the JSON behind them, with the real engine."""

import html
import re
from typing import Any

import httpx
import psycopg
import pytest

from monster.contracts.tokens import Permission
from monster.dashboard.keys import schemas
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client, create_agent, make_spec, owner_conninfo, publish
from tests.dashboard.test_agent_pages import HTMX, PAGE

LIST = "/settings/api-keys"
FORM: dict[str, Any] = {"name": "Shop", "permissions": ["runs:write", "runs:read"]}


async def make(member: httpx.AsyncClient, **changes: Any) -> httpx.Response:  # noqa: ANN401
    return await member.post(LIST, data=FORM | changes, headers=PAGE)


async def create(member: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    body = {"name": "Shop", "permissions": ["runs:write"], **changes}
    answer = await member.post("/api/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def shown_key(page: str) -> str:
    found = re.search(r"mk_[A-Za-z0-9_-]{66}", page)
    assert found, page
    return found[0]


async def shared_agent(tenant: Tenant, member: httpx.AsyncClient) -> str:
    """In the dashboard, and delivered to the engine by hand: no worker runs here."""
    agent = await create_agent(member, name=f"Scout {new_id()}")
    await publish(member, agent["id"])
    body = make_spec().model_dump(mode="json")
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    await publisher.put(f"/v1/agents/{agent['id']}", json=body)
    return agent["id"]


async def test_from_an_empty_list_to_a_key_that_works(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    agent_id = await shared_agent(tenant, admin)
    assert "There is no key yet" in (await admin.get(LIST, headers=PAGE)).text
    assert agent_id in (await admin.get(f"{LIST}/new", headers=PAGE)).text

    made = await make(admin, agent_ids=[agent_id], budget_tokens="5000", requests_per_minute="60")

    assert made.status_code == 200, made.text
    key = shown_key(made.text)
    example = html.unescape(made.text)
    assert f"/v1/agents/{agent_id}/runs" in example
    assert f"Authorization: Bearer {key}" in example
    listed = (await admin.get(LIST, headers=PAGE)).text
    assert key not in listed
    assert key[26:32] in listed
    assert "Ask agents" in listed
    assert "0 of 5,000" in listed
    program = client(tenant.engine, key)
    run = await program.post(f"/v1/agents/{agent_id}/runs", json={"message": "hi"})
    assert run.json()["status"] in {"completed", "failed"}
    assert (await program.get("/v1/agents")).status_code == 403


async def test_a_key_for_one_contact(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    body = {"name": "Grace", "ext_id": "crm-7"}
    contact = (await admin.post("/api/contacts", json=body)).json()

    unknown = await make(admin, contact="nobody")
    made = await make(admin, contact="crm-7", expires="30")

    assert unknown.status_code == 422
    assert 'id="contact-error"' in unknown.text
    assert 'value="nobody"' in unknown.text
    assert made.status_code == 200
    (key,) = (await admin.get("/api/api-keys")).json()
    assert key["contact_id"] == contact["id"]
    assert key["expires_at"] > key["created_at"]


WRONG: list[tuple[dict[str, Any], int]] = [
    ({"name": " "}, 422),
    ({"permissions": []}, 422),
    ({"permissions": ["api_keys:write"]}, 422),
    ({"agent_ids": ["x"]}, 422),
    ({"agent_ids": [str(new_id())]}, 404),
    ({"requests_per_minute": "0"}, 422),
    ({"requests_per_minute": "many"}, 422),
    ({"budget_tokens": "-1"}, 422),
    ({"expires": "yesterday"}, 422),
]


@pytest.mark.parametrize(("changes", "status"), WRONG)
async def test_what_is_wrong_stands_at_its_field(
    tenant: Tenant, changes: dict[str, Any], status: int
) -> None:
    admin, field = tenant.member("admin"), next(iter(changes))
    answer = await make(admin, **{"name": "Typed", **changes})

    assert answer.status_code == status
    assert f'id="{field}-error"' in answer.text
    assert field == "name" or 'value="Typed"' in answer.text
    assert (await admin.get("/api/api-keys")).json() == []


async def test_limits_are_changed_later(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    agent_id = await shared_agent(tenant, admin)
    made = await create(admin, budget_tokens=10, agent_ids=[agent_id])
    path = f"{LIST}/{made['id']}"
    page = (await admin.get(path, headers=PAGE)).text
    assert 'value="10"' in page
    assert re.search(rf'value="{agent_id}" checked', page)

    form = {"name": "New", "budget_tokens": "", "requests_per_minute": "9"}
    wrong = await admin.post(path, data=form | {"requests_per_minute": "x"}, headers=PAGE)
    right = await admin.post(path, data=form, headers=PAGE)

    assert wrong.status_code == 422
    assert right.status_code == 303
    changed = (await admin.get(f"/api/api-keys/{made['id']}")).json()
    assert (changed["name"], changed["budget_tokens"]) == ("New", None)
    assert (changed["requests_per_minute"], changed["agent_ids"]) == (9, [])


async def test_revoke(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    made = await create(admin)
    path = f"{LIST}/{made['id']}/revoke"
    assert f'action="{path}"' in (await admin.get(LIST, headers=PAGE)).text
    assert f'action="{path}"' in (await admin.get(path, headers=PAGE)).text

    answer = await admin.post(path, headers=PAGE)

    assert answer.headers["Location"] == LIST
    listed = (await admin.get(LIST, headers=PAGE)).text
    assert "Revoked" in listed
    assert f'action="{path}"' not in listed
    assert (await client(tenant.engine, made["key"]).get("/v1/agents")).status_code == 401


ROUTES = [
    ("GET", LIST),
    ("GET", f"{LIST}/new"),
    ("POST", LIST),
    ("GET", f"{LIST}/{{id}}"),
    ("POST", f"{LIST}/{{id}}"),
    ("GET", f"{LIST}/{{id}}/revoke"),
    ("POST", f"{LIST}/{{id}}/revoke"),
    ("GET", "/api/api-keys"),
    ("POST", "/api/api-keys"),
    ("GET", "/api/api-keys/{id}"),
    ("PATCH", "/api/api-keys/{id}"),
    ("DELETE", "/api/api-keys/{id}"),
]


@pytest.mark.parametrize("role", ["viewer", "editor"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_it_takes_an_admin(tenant: Tenant, method: str, path: str, role: str) -> None:
    made = await create(tenant.member("admin"))
    body: dict[str, Any] = {}
    if path.startswith("/api") and method in {"POST", "PATCH"}:
        name = {"name": "x"}
        body = {"json": name | {"permissions": ["runs:read"]} if method == "POST" else name}

    answer = await tenant.member(role).request(method, path.format(id=made["id"]), **body)

    assert answer.status_code == 403, answer.text
    assert (await tenant.member("admin").get("/api/api-keys")).json()[0]["name"] == "Shop"


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in ROUTES if "{id}" in p])
async def test_another_tenants_key_does_not_exist(
    two_tenants: tuple[Tenant, Tenant], method: str, path: str
) -> None:
    tenant, other = two_tenants
    made = await create(tenant.member("admin"))
    body: dict[str, Any] = {"json": {"name": "x"}} if method == "PATCH" else {}

    answer = await other.member("owner").request(method, path.format(id=made["id"]), **body)

    assert answer.status_code == 404, answer.text
    assert (await other.member("owner").get("/api/api-keys")).json() == []


async def test_the_list_searches_and_pages(tenant: Tenant, statements: Statements) -> None:
    admin = tenant.member("admin")
    for number in range(31):
        await create(admin, name=f"Key {number:02}")
    await admin.get(LIST, headers=PAGE)

    with statements.exactly(5):  # who asks in two, the engine in two; no names of agents are needed
        first = (await admin.get(LIST, headers=PAGE)).text
    after = re.search(r"after=([\w-]{36})", first)
    assert after
    rest = (await admin.get(LIST, params={"after": after[1]}, headers=PAGE)).text
    found = (await admin.get(LIST, params={"q": "y 07"}, headers=HTMX)).text

    assert "Key 30" in first
    assert "Key 00" not in first
    assert "Key 00" in rest
    assert "<html" not in found
    assert re.findall(r"Key \d\d", found)[0] == "Key 07"
    assert "No key matches" in (await admin.get(LIST, params={"q": "zz"}, headers=HTMX)).text


@pytest.mark.parametrize("permission", schemas.WORDS)
def test_every_example_fits_what_the_key_may_do(permission: str) -> None:
    shown = schemas.example("http://engine", "mk_x", [permission], None)
    assert not shown or "Bearer mk_x" in shown


async def test_a_spent_budget_is_seen(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    made = await create(admin, budget_tokens=100)
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as connection:
        connection.execute("update api_key set used_tokens = 150 where id = %s", [made["id"]])

    listed = (await admin.get(LIST, headers=PAGE)).text

    assert "Budget spent" in listed
    assert "150 of 100" in listed
