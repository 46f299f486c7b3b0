"""The screen of the audit log: who did what, filters, pages, verification."""

import re
import uuid

import httpx
import psycopg
import pytest

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.audit import audited
from tests.builders import Tenant, create_agent, owner_conninfo, publish

PAGE = {"Accept": "text/html"}
HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}

_ROW = """
    insert into audit_log (tenant_id, id, principal, user_id, impersonator_id, action,
        resource_type, resource_id, details, ip_address, user_agent)
    values (%(tenant)s, %(id)s, %(principal)s, %(user)s, %(behind)s, %(action)s, %(type)s,
        %(resource)s, %(details)s, %(ip)s, %(agent)s)
"""


def write(tenant: Tenant, **changes: object) -> uuid.UUID:
    """A row as some part of the dashboard would have left it."""
    row: dict[str, object] = {
        "tenant": tenant.id, "id": new_id(), "principal": "system", "user": None, "behind": None,
        "action": "UPDATE", "type": "thing", "resource": "t1", "details": "{}", "ip": None,
        "agent": None,
    } | changes  # fmt: skip
    with psycopg.connect(owner_conninfo(tenant.dashboard), autocommit=True) as owner:
        owner.execute(_ROW, row)
    assert isinstance(row["id"], uuid.UUID)
    return row["id"]


async def look(member: httpx.AsyncClient, path: str = "/audit") -> str:
    answer = await member.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_it_says_who_did_what_and_what_was_before(tenant: Tenant) -> None:
    admin = tenant.member("admin", tenant.user_id)
    agent = await create_agent(admin, name="<Scout>")
    headers = {"User-Agent": "Firefox on Linux"}
    await admin.patch(f"/api/agents/{agent['id']}", json={"description": "New"}, headers=headers)
    await publish(admin, agent["id"])
    index = await tenant.caller(*Permission).post("/v1/indexes", json={"name": "Handbook"})
    assert index.status_code == 201

    page = await look(admin)
    for said in (
        "<strong>Ada</strong> created the agent <strong>&lt;Scout&gt;</strong>",
        "<strong>Ada</strong> changed the agent <strong>&lt;Scout&gt;</strong>",
        "<strong>Ada</strong> published the agent <strong>&lt;Scout&gt;</strong>",
        "<strong>Ada</strong> created the index <strong>Handbook</strong>",
        '<span class="diff-sign">-</span><code>description: </code>',
        '<span class="diff-sign">+</span><code>description: New</code>',
        "Firefox on Linux",
        '<span class="log-from">127.',
        "dashboard, row 2",
        "engine, row 1",
        "the first row",
    ):
        assert said in page, said
    assert "<Scout>" not in page


async def test_whoever_it_was_has_a_name(tenant: Tenant) -> None:
    admin = tenant.member("admin", tenant.user_id)
    gone, key = new_id(), new_id()
    write(tenant, principal="user", user=gone)
    write(tenant, principal=f"api_key:{key}")
    write(tenant, principal="scim", type="member")
    write(tenant, principal="anonymous", action="LOGIN_FAILED", details='{"email": "x@y.example"}')
    write(tenant, principal="user", user=tenant.user_id, behind=gone, action="DELETE")
    write(tenant, type="credential", details='{"before": {"name": "Ours"}}')
    write(tenant, action="NEVER_HEARD_OF", details='{"a": [1, {"b": null}]}')

    page = await look(admin)
    for said in (
        f"<strong>Somebody who left ({gone.hex[-8:]})</strong> changed the thing",
        f"<strong>API key {str(key)[-8:]}</strong> changed the thing",
        "<strong>Directory sync</strong> changed the member",
        "<strong>Somebody</strong> failed to sign in <strong>x@y.example</strong>",
        "<strong>Platform admin</strong> as <strong>Ada</strong> deleted the thing",
        "<strong>Monster</strong> changed the connection <strong>Ours</strong>",
        "<strong>Monster</strong> never_heard_of the thing",
        "a: [1,{&#34;b&#34;:null}]",
    ):
        assert said in page, said


async def test_an_empty_log_says_what_will_be_here(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    assert "Nothing has happened yet" in await look(admin)
    nothing = await look(admin, "/audit?q=x")
    assert "Nothing matches" in nothing
    assert "Clear the filters" in nothing


async def test_the_list_is_filtered_and_keeps_what_was_chosen(tenant: Tenant) -> None:
    admin = tenant.member("owner", tenant.user_id)
    await create_agent(admin, name="Mine")
    colleague = new_id()
    await create_agent(tenant.member("editor", colleague), name="Theirs")
    write(tenant, type="member", resource="m1", ip="203.0.113.7")
    await tenant.caller(*Permission).post("/v1/indexes", json={"name": "Handbook"})

    for query, seen, unseen in (
        (f"person={colleague}", "Theirs", "Mine"),
        ("kind=member", "m1", "Mine"),
        ("service=engine", "Handbook", "Mine"),
        ("service=dashboard", "Mine", "Handbook"),
        ("action=UPDATE", "m1", "Mine"),
        ("q=203.0.113.7", "m1", "Mine"),
        ("q=theirs&person=&action=&kind=&service=&days=7", "Theirs", "Mine"),
    ):
        answer = await admin.get(f"/audit?{query}", headers=HTMX)
        assert "<html" not in answer.text
        assert seen in answer.text, query
        assert unseen not in answer.text, query
    page = await look(admin, f"/audit?person={colleague}&kind=agent&days=30&q=th")
    for chosen in (str(colleague), "agent", "30"):
        assert f'<option value="{chosen}" selected>' in page
    assert 'value="th"' in page
    link = re.search(r'href="(/api/audit/export\?format=csv&amp;[^"]+)"', page)
    assert link
    exported = await admin.get(link[1].replace("&amp;", "&"))
    assert exported.status_code == 200
    assert "Theirs" in exported.text
    assert "Mine" not in exported.text


@pytest.mark.parametrize("query", ["person=x", "days=3", "service=x", "after=x", "q=%00", "z=1"])
async def test_a_wrong_address_is_refused(tenant: Tenant, query: str) -> None:
    answer = await tenant.member("admin").get(f"/audit?{query}", headers=PAGE)
    assert answer.status_code == 422


async def test_the_list_pages_both_ways(tenant: Tenant, statements: Statements) -> None:
    admin = tenant.member("admin", tenant.user_id)
    rows = [str(write(tenant, resource=f"t{n}")) for n in range(120)]

    def shown(page: str) -> list[str]:
        return re.findall(r'id="row-([^"]+)"', page)

    # session, role; tenant, page; (engine:) tenant, page; tenant, names; tenant, people, names,
    # kinds
    with statements.exactly(12):
        first = await look(admin)
    assert "Newer" not in first
    older = r'href="(/audit\?[^"]*after=[^"]*)"'
    newer = r'href="(/audit\?[^"]*before=[^"]*)"'
    second = await look(admin, _link(older, first))
    third = await look(admin, _link(older, second))
    assert shown(first) + shown(second) + shown(third) == rows[::-1]
    assert not re.search(older, third)
    back = await look(admin, _link(newer, third))
    assert shown(back) == shown(second)
    start = await look(admin, _link(newer, back))
    assert shown(start) == shown(first)
    assert not re.search(newer, start)
    with statements.exactly(8):
        await admin.get("/audit", headers=HTMX)


def _link(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found
    return found[1].replace("&amp;", "&")


async def test_the_log_is_verified_on_the_spot(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    await create_agent(admin)
    whole = await admin.get("/audit/verify", headers=HTMX)
    assert "All 1 rows are intact" in whole.text
    assert "<html" not in whole.text
    assert "All 1 rows are intact" in await look(admin, "/audit/verify")

    row_id = write(tenant)
    with psycopg.connect(owner_conninfo(tenant.dashboard), autocommit=True) as owner:
        owner.execute("update audit_log set resource_id = '<b>' where id = %s", [row_id])
        broken = await admin.get("/audit/verify", headers=HTMX)
        owner.execute("update audit_log set resource_id = 't1' where id = %s", [row_id])
    assert "The log was changed from outside" in broken.text
    assert "1 break in a chain of 2 rows" in broken.text
    assert "<code>Dashboard, row 2 (" in broken.text
    assert f"UPDATE thing &lt;b&gt;, id {row_id}): this row was changed." in broken.text


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    await create_agent(tenant.member(), name="Secret plan")
    stranger = other.member("owner")
    assert "Secret plan" not in await look(stranger)
    assert "Secret plan" in await look(tenant.member("owner"))
    assert "All 0 rows" in await look(stranger, "/audit/verify")


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_it_takes_an_admin(tenant: Tenant, role: str) -> None:
    member = tenant.member(role)
    for path in ("/audit", "/audit/verify"):
        assert (await member.get(path, headers=PAGE)).status_code == 403
    assert '<li><a href="/audit"' not in await look(member, "/agents")
    assert '<li><a href="/audit"' in await look(tenant.member("admin"), "/agents")
    assert audited(tenant.dashboard, tenant.id) == []
