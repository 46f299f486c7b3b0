"""The screens about contacts, and the JSON behind them, with the real engine."""

import html
import json
import re
from typing import Any

import httpx
import psycopg
import pytest

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client, make_spec, owner_conninfo
from tests.dashboard.test_agent_pages import HTMX, PAGE

NAME = "Grace <Hopper>"


async def create(member: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    answer = await member.post("/api/contacts", json={"name": NAME, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def converse(tenant: Tenant, contact_id: str, *questions: str) -> str:
    """What a program asked for the contact; the conversation's id."""
    agent_id, talk = str(new_id()), None
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    await publisher.put(f"/v1/agents/{agent_id}", json=make_spec().model_dump(mode="json"))
    body = {"name": "Shop", "permissions": ["runs:write"], "contact_id": contact_id}
    made = (await tenant.member("admin").post("/api/api-keys", json=body)).json()
    program = client(tenant.engine, made["key"])
    for question in questions:
        asked = {"message": question, "conversation_id": talk}
        answer = await program.post(f"/v1/agents/{agent_id}/runs", json=asked)
        assert answer.status_code == 200, answer.text
        talk = answer.json()["conversation_id"]
    return str(talk)


async def test_from_an_empty_list_to_a_contact(tenant: Tenant) -> None:
    member = tenant.member()
    assert "There is no contact yet" in (await member.get("/contacts", headers=PAGE)).text
    assert (await member.get("/contacts/new", headers=PAGE)).status_code == 200
    form = {"name": NAME, "ext_id": "crm/7", "meta": '{"plan": "pro"}'}

    made = await member.post("/contacts", data=form, headers=PAGE)

    path = made.headers["Location"]
    page = html.unescape((await member.get(path, headers=PAGE)).text)
    assert "Nothing was said yet" in page
    assert '"plan": "pro"' in page
    assert html.escape(NAME) in (await member.get("/contacts", headers=PAGE)).text
    changed = await member.post(path, data=form | {"ext_id": "", "meta": ""}, headers=PAGE)
    assert changed.status_code == 303
    found = (await member.get(f"/api{path}")).json()
    assert (found["ext_id"], found["meta"]) == (None, {})


WRONG = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"ext_id": "x" * 501}, "ext_id"),
    ({"ext_id": "taken"}, "ext_id"),
    ({"meta": "{"}, "meta"),
    ({"meta": "[1]"}, "meta"),
    ({"meta": '{"a": NaN}'}, "meta"),
    ({"meta": '{"a": "\\u0000"}'}, "meta"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    tenant: Tenant, changes: dict[str, str], field: str
) -> None:
    member = tenant.member()
    await create(member, ext_id="taken")
    other = await create(member)
    form = {"name": "Typed", "ext_id": "mine", "meta": '{"typed": 1}', **changes}

    for path in ("/contacts", f"/contacts/{other['id']}"):
        answer = await member.post(path, data=form, headers=PAGE)

        assert answer.status_code in {409, 422}
        assert f'id="{field}-error"' in answer.text
        for name, text in form.items():
            assert name == field or html.escape(text, quote=True).replace("&quot;", "&#34;") in (
                answer.text
            )
    assert (await member.get(f"/api/contacts/{other['id']}")).json() == other


async def test_an_id_that_no_field_can_show_stays(tenant: Tenant) -> None:
    member = tenant.member()
    made = await create(member, ext_id="two\nlines")
    form = {"name": "New", "ext_id": "twolines", "meta": "{}"}

    await member.post(f"/contacts/{made['id']}", data=form, headers=PAGE)

    found = (await member.get(f"/api/contacts/{made['id']}")).json()
    assert (found["name"], found["ext_id"]) == ("New", "two\nlines")


async def test_what_was_said_is_read_and_not_written(tenant: Tenant) -> None:
    member = tenant.member()
    contact = await create(member)
    talk = await converse(tenant, contact["id"], "Where is <my> lamp?", "And when?")
    path = f"/contacts/{contact['id']}/conversations/{talk}"

    assert path in (await member.get(f"/contacts/{contact['id']}", headers=PAGE)).text
    page = (await member.get(path, headers=PAGE)).text

    assert "Where is &lt;my&gt; lamp?" in page
    assert page.index("lamp?") < page.index("And when?")
    assert "data-composer" not in page
    assert (await member.get(f"/conversations/{talk}", headers=PAGE)).status_code == 404
    another = await create(member)
    wrong = f"/contacts/{another['id']}/conversations/{talk}"
    assert (await member.get(wrong, headers=PAGE)).status_code == 404
    listed = (await member.get(f"/api/contacts/{contact['id']}/conversations")).json()
    assert [one["id"] for one in listed] == [talk]


async def test_a_long_conversation_has_pages(tenant: Tenant) -> None:
    member = tenant.member()
    contact = await create(member)
    talk = await converse(tenant, contact["id"], "the first one")
    copies = """
        with more as (
            insert into run (tenant_id, id, conversation_id, agent_version, message, status,
                response)
            select tenant_id, ('ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
                conversation_id, 1, 'question ' || n, 'completed', 'x'
            from run, generate_series(1, 150) n where conversation_id = %(talk)s
            returning tenant_id, id, conversation_id, message, right(id::text, 12)::int as n
        )
        insert into message (tenant_id, conversation_id, seq, run_id, role, parts)
        select tenant_id, conversation_id, 2 * n + k, id, case k when 1 then 'user' else
            'assistant' end, jsonb_build_array(jsonb_build_object('type', 'text', 'text', message))
        from more, generate_series(1, 2) k
    """
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as connection:
        connection.execute(copies, {"talk": talk})
    path = f"/contacts/{contact['id']}/conversations/{talk}"

    newest = (await member.get(path, headers=PAGE)).text
    older = re.search(r'href="\?before=([^"]+)"', newest)
    assert older
    rest = (await member.get(path, params={"before": older[1]}, headers=PAGE)).text

    asked = r'<p class="as-written">(question \d+|the first one)</p>'
    assert re.findall(asked, rest) + re.findall(asked, newest) == [
        "the first one",
        *(f"question {n}" for n in range(1, 151)),
    ]


async def test_export(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    contact = await create(admin)
    await converse(tenant, contact["id"], "Where is my lamp?")
    url = f"/api/contacts/{contact['id']}/export"
    assert url in (await admin.get(f"/contacts/{contact['id']}", headers=PAGE)).text

    answer = await admin.get(url)

    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.json()["contact"] == contact
    assert "Where is my lamp?" in json.dumps(answer.json()["messages"])
    missing = await admin.get(f"/api/contacts/{new_id()}/export")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "contact_not_found")


async def test_erase_takes_the_name_and_gives_a_receipt(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    contact = await create(admin)
    await converse(tenant, contact["id"], "hi", "again")
    path = f"/contacts/{contact['id']}/erase"
    page = (await admin.get(path, headers=PAGE)).text
    assert "1 conversation with 4 messages" in page

    refused = await admin.post(path, data={"word": "Grace"}, headers=PAGE)
    kept = await admin.get(f"/api/contacts/{contact['id']}")
    answer = await admin.post(path, data={"word": NAME}, headers=PAGE)

    assert (refused.status_code, kept.status_code) == (422, 200)
    assert 'id="word-error"' in refused.text
    assert answer.status_code == 200
    assert "&#34;sha256&#34;" in answer.text
    assert html.escape(NAME) not in answer.text
    assert (await admin.get(f"/api/contacts/{contact['id']}")).status_code == 404
    assert (await admin.get(path, headers=PAGE)).status_code == 404


async def test_erase_over_the_api(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    contact = await create(admin)
    counts = (await admin.get(f"/api/contacts/{contact['id']}/holdings")).json()
    receipt = (await admin.post(f"/api/contacts/{contact['id']}/erase")).json()
    assert (receipt["contact_id"], receipt["counts"]) == (contact["id"], counts)


ROUTES = [
    ("GET", "/contacts"),
    ("GET", "/contacts/new"),
    ("POST", "/contacts"),
    ("GET", "/contacts/{id}"),
    ("POST", "/contacts/{id}"),
    ("GET", "/contacts/{id}/conversations/{id}"),
    ("GET", "/contacts/{id}/erase"),
    ("POST", "/contacts/{id}/erase"),
    ("GET", "/api/contacts"),
    ("POST", "/api/contacts"),
    ("PUT", "/api/contacts/by-ext-id"),
    ("GET", "/api/contacts/{id}"),
    ("PATCH", "/api/contacts/{id}"),
    ("GET", "/api/contacts/{id}/conversations"),
    ("GET", "/api/contacts/{id}/holdings"),
    ("GET", "/api/contacts/{id}/export"),
    ("POST", "/api/contacts/{id}/erase"),
]
BODIES = {"POST": {"name": "x"}, "PUT": {"ext_id": "x"}, "PATCH": {"name": "x"}}


def body(method: str, path: str) -> dict[str, Any]:
    wants = path.startswith("/api") and method in BODIES and "erase" not in path
    return {"json": BODIES[method]} if wants else {}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_each_takes_its_role(tenant: Tenant, method: str, path: str) -> None:
    contact = await create(tenant.member())
    roles = ["viewer", "editor"] if "erase" in path or "export" in path else ["viewer"]
    for role in roles:
        url = path.format(id=contact["id"])
        answer = await tenant.member(role).request(method, url, **body(method, path))
        assert answer.status_code == 403, (role, answer.text)
    assert (await tenant.member().get("/api/contacts")).json() == [contact]


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in ROUTES if "{id}" in p])
async def test_another_tenants_contact_does_not_exist(
    two_tenants: tuple[Tenant, Tenant], method: str, path: str
) -> None:
    tenant, other = two_tenants
    contact = await create(tenant.member())

    answer = await other.member("owner").request(
        method, path.format(id=contact["id"]), **body(method, path)
    )

    assert answer.status_code == 404, answer.text
    assert (await tenant.member().get("/api/contacts")).json() == [contact]


async def test_the_list_searches_and_pages(tenant: Tenant, statements: Statements) -> None:
    member = tenant.member()
    for number in range(31):
        await create(member, name=f"Person {number:02}", ext_id=f"id-{number:02}")
    await member.get("/contacts", headers=PAGE)

    with statements.exactly(4):  # who asks in two, the engine in two
        first = (await member.get("/contacts", headers=PAGE)).text
    after = re.search(r"after=([\w-]{36})", first)
    assert after
    rest = (await member.get("/contacts", params={"after": after[1]}, headers=PAGE)).text
    found = (await member.get("/contacts", params={"q": "D-07"}, headers=HTMX)).text

    assert "Person 00" not in first
    assert "Person 00" in rest
    assert "<html" not in found
    assert re.findall(r"Person \d\d", found) == ["Person 07"]
    assert (
        "No contact matches"
        in (await member.get("/contacts", params={"q": "zz"}, headers=HTMX)).text
    )


async def test_put_by_ext_id(tenant: Tenant) -> None:
    member = tenant.member()
    made = (await member.put("/api/contacts/by-ext-id", json={"ext_id": "a/ö"})).json()
    again = await member.put("/api/contacts/by-ext-id", json={"ext_id": "a/ö", "name": "Ö"})
    assert (again.json()["id"], again.json()["name"]) == (made["id"], "Ö")
    found = (await member.get("/api/contacts", params={"ext_id": "a/ö"})).json()
    assert [one["id"] for one in found] == [made["id"]]
