"""Platform admins and tenants: through the API and the screens."""

import time
import uuid

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from monster.contracts.tokens import Permission
from monster.dashboard.closing import jobs as closing
from monster.dashboard.closing.schemas import DeleteTenant, PassOnState
from monster.dashboard.engine_client import HttpEngine
from monster.kit.db import SessionMaker
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests import admins
from tests.builders import KEY, Tenant, client, create_agent

URL = "/api/admin/tenants"


@pytest.fixture
def admin_id() -> uuid.UUID:
    return new_id()


@pytest.fixture
def admin(dashboard: FastAPI, admin_id: uuid.UUID) -> httpx.AsyncClient:
    return admins.sign_in(dashboard, admin_id)


async def make(admin: httpx.AsyncClient, name: str, email: str = "boss@example.com") -> str:
    answer = await admin.post(URL, json={"name": name, "email": email})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_nobody_else_finds_anything_here(tenant: Tenant, dashboard: FastAPI) -> None:
    owner = tenant.member("owner", tenant.user_id)
    paths = dashboard.openapi()["paths"]
    operations = {
        (method.upper(), path)
        for path, item in paths.items()
        for method in item
        if path.startswith(("/admin", "/api/admin"))
    }
    assert len(operations) > 35
    for method, path in operations:
        values = {"of": "engine", "job_id": 1, "tenant_id": tenant.id, "user_id": tenant.user_id}
        body = {"name": "Acme"} | ({"email": "a@b"} if path.endswith("/tenants") else {})
        body = {"reason": "why"} if path.endswith("impersonate") else body
        answer = await owner.request(method, path.format(**values), json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    page = await owner.get("/", headers={"Accept": "text/html"})
    assert 'href="/admin"' not in page.text


async def test_the_application_makes_nobody_an_admin(sessions: SessionMaker) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with sessions.begin() as session:
            await session.execute(text('update "user" set is_admin = true'))


async def test_a_tenant_is_made_with_an_invitation_for_its_owner(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    word = new_id().hex
    tenant_id = await make(admin, f"Harbour {word}", f"{word}@example.com")

    shown = (await admin.get(f"{URL}/{tenant_id}")).json()
    assert (shown["name"], shown["members"], shown["agents"]) == (f"Harbour {word}", 0, 0)
    (invitation,) = admins.query(
        tenant.dashboard, "select * from invitation where tenant_id = %s", tenant_id
    )
    assert (invitation["role"], invitation["email"]) == ("owner", f"{word}@example.com")
    (token,) = admins.query(
        tenant.dashboard, "select * from one_time_token where tenant_id = %s", tenant_id
    )
    assert (token["kind"], token["invitation_id"]) == ("invite", invitation["id"])
    (job,) = admins.query(
        tenant.dashboard,
        "select args from procrastinate_jobs where args->>'about' = %s",
        str(token["id"]),
    )
    assert job["args"]["letter"] == "invite"
    here = admins.log(tenant, uuid.UUID(tenant_id), admin_id)
    assert [row["action"] for row in here] == ["CREATE", "INVITE"]
    (told,) = admins.log(tenant, admins.PLATFORM, admin_id)
    assert (told["action"], told["details"]) == ("CREATE", {"name": f"Harbour {word}"})
    assert tenant_id not in str(told)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "email": "a@b"}, "name"),
        ({"name": "x" * 201, "email": "a@b"}, "name"),
        ({"name": "A", "email": "nobody"}, "email"),
        ({"name": "A\0", "email": "a@b"}, "name"),
        ({"name": "A"}, "email"),
    ],
)
async def test_what_makes_no_tenant_is_said_at_its_field(
    admin: httpx.AsyncClient, body: dict[str, str], field: str
) -> None:
    answer = await admin.post(URL, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    form = await admin.post("/admin/tenants", data=body)
    assert form.status_code == 422
    assert f'id="{field}-error"' in form.text


async def test_the_list_is_searched_sorted_and_paged_by_key(admin: httpx.AsyncClient) -> None:
    word = new_id().hex
    made = {name: await make(admin, f"{name} {word}") for name in ("beta", "Alpha", "gamma")}

    async def names(**params: str) -> list[str]:
        answer = await admin.get(URL, params={"q": word, **params})
        assert answer.status_code == 200, answer.text
        return [tenant["name"].split()[0] for tenant in answer.json()]

    assert await names() == ["gamma", "Alpha", "beta"]
    assert await names(sort="name") == ["Alpha", "beta", "gamma"]
    assert await names(sort="name", limit="2", after=made["Alpha"]) == ["beta", "gamma"]
    assert await names(after=made["Alpha"]) == ["beta"]
    assert await names(q=f"beta {word}") == ["beta"]
    assert await names(q="%") == []
    assert await names(after=str(new_id()), sort="name") == []
    for wrong in ({"sort": "size"}, {"limit": "0"}, {"after": "x"}, {"q": "x" * 201}):
        assert (await admin.get(URL, params=wrong)).status_code == 422


async def test_the_list_takes_as_many_statements_for_one_as_for_many(
    admin: httpx.AsyncClient, tenant: Tenant, statements: Statements
) -> None:
    await create_agent(tenant.member("owner", tenant.user_id))
    tenant.member("viewer")
    word = new_id().hex
    for n in range(3):
        await make(admin, f"{n} {word}")
    with statements.exactly(4):  # session; enter the person, page, counts
        listed = await admin.get(URL, params={"q": word})
    assert len(listed.json()) == 3
    with statements.exactly(4):
        everything = await admin.get(URL, params={"limit": 200})
    counted = {one["id"]: (one["members"], one["agents"]) for one in everything.json()}
    assert counted[str(tenant.id)] == (2, 1)


async def test_a_thousand_tenants_are_listed_fast(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    word = new_id().hex
    admins.query(
        tenant.dashboard,
        "insert into tenant (id, name, email, slug) select gen_random_uuid(), %s || n, 'a@b',"
        " %s || n from generate_series(1, 1000) n",
        word,
        word,
    )
    times = list[float]()
    for _ in range(5):
        begun = time.perf_counter()
        answer = await admin.get("/admin", params={"sort": "name"})
        times.append(time.perf_counter() - begun)
        assert answer.status_code == 200
    admins.query(tenant.dashboard, "delete from tenant where slug like %s", word + "%")
    assert min(times) < 0.15  # 50 ms on a machine that does nothing else


async def test_members_are_listed_and_paged(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    people = sorted(new_id() for _ in range(3))
    for person in people:
        tenant.member("editor", person)
    url = f"{URL}/{tenant.id}/members"
    listed = (await admin.get(url)).json()
    assert [one["user_id"] for one in listed] == [str(person) for person in people]
    rest = await admin.get(url, params={"after": str(people[0]), "limit": 1})
    assert [one["user_id"] for one in rest.json()] == [str(people[1])]
    page = await admin.get(f"/admin/tenants/{tenant.id}")
    assert page.text.count("/admin/users/") >= 3
    for path in (f"{URL}/{new_id()}", f"{URL}/{new_id()}/members", f"/admin/tenants/{new_id()}"):
        assert (await admin.get(path)).status_code == 404


async def test_suspended_nobody_gets_in_and_nothing_runs(
    admin: httpx.AsyncClient,
    admin_id: uuid.UUID,
    tenant: Tenant,
    sessions: SessionMaker,
    engine: FastAPI,
) -> None:
    member = tenant.member("owner", tenant.user_id)
    real_engine = HttpEngine(client(engine), KEY)
    assert (await member.get("/api/agents")).status_code == 200
    for _ in range(2):  # a second time changes nothing
        assert (await admin.post(f"{URL}/{tenant.id}/suspend")).status_code == 204
    refused = await member.get("/api/agents")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "workspace_suspended")
    jobs = admins.query(
        tenant.dashboard,
        "select args from procrastinate_jobs where task_name = %s and args->>'tenant_id' = %s",
        PassOnState.name,
        str(tenant.id),
    )
    assert len(jobs) == 1
    await closing.pass_on_state(sessions, real_engine, PassOnState(tenant_id=tenant.id))
    there = await tenant.caller(Permission.CONVERSATIONS_READ).get("/v1/conversations")
    assert (there.status_code, there.json()["error"]["code"]) == (403, "workspace_suspended")

    assert (await admin.post(f"{URL}/{tenant.id}/resume")).status_code == 204
    await closing.pass_on_state(sessions, real_engine, PassOnState(tenant_id=tenant.id))
    assert (await member.get("/api/agents")).status_code == 200
    there = await tenant.caller(Permission.CONVERSATIONS_READ).get("/v1/conversations")
    assert there.status_code == 200
    for log in (tenant.id, admins.PLATFORM):
        rows = admins.log(tenant, log, admin_id)
        assert [row["action"] for row in rows] == ["SUSPEND", "RESUME"]


async def test_the_state_of_a_tenant_that_is_gone_is_not_passed_on(
    tenant: Tenant, sessions: SessionMaker, engine: FastAPI
) -> None:
    real_engine = HttpEngine(client(engine), KEY)
    await closing.pass_on_state(sessions, real_engine, PassOnState(tenant_id=tenant.id))
    there = await tenant.caller(Permission.CONVERSATIONS_READ).get("/v1/conversations")
    assert there.status_code == 200


async def test_a_tenant_is_deleted_by_its_name(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    tenant.member("owner", tenant.user_id)
    url = f"{URL}/{tenant.id}"
    for body in ({"name": "acme"}, {"name": ""}, {}):
        wrong = await admin.request("DELETE", url, json=body)
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "name")
    page = await admin.get(f"/admin/tenants/{tenant.id}/delete")
    assert "1 member" in page.text
    typed = await admin.post(f"/admin/tenants/{tenant.id}/delete", data={"name": "Akme"})
    assert typed.status_code == 422
    assert 'value="Akme"' in typed.text

    gone = await admin.post(f"/admin/tenants/{tenant.id}/delete", data={"name": "Acme"})
    assert (gone.status_code, gone.headers["Location"]) == (303, "/admin")
    assert (await admin.get(url)).status_code == 404
    assert (await admin.request("DELETE", url, json={"name": "Acme"})).status_code == 404
    (told,) = admins.log(tenant, admins.PLATFORM, admin_id)
    assert (told["action"], told["details"]) == ("DELETE", {"name": "Acme"})
    (job,) = admins.query(
        tenant.dashboard,
        "select task_name from procrastinate_jobs where args->>'tenant_id' = %s",
        str(tenant.id),
    )
    assert job["task_name"] == DeleteTenant.name
