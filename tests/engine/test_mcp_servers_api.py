"""MCP servers through the front door: who may say what about them, and where secrets go."""

from typing import Any

import httpx
import psycopg
import pytest

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit.embedded import Embedded
from monster.kit.testing import Statements
from tests.builders import Tenant, client

READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE
PLATFORM = Permission.SYSTEM_WRITE
URL = "/v1/mcp_servers"
VALUE = "s3cret-of-a-server"
PROGRAM = {"transport": "stdio", "command": "mcp-server", "args": ["--quiet"]}


async def create(caller: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    body = {"name": "Tickets", "url": "https://mcp.example.com/mcp"} | changes
    answer = await caller.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_create_read_list_change_delete(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(
        caller,
        headers={"X-Api-Key": VALUE, "X-Team": "${TEAM}"},
        environments={"TEAM": "blue-team-1"},
    )
    assert (made["headers"], made["environments"]) == (["X-Api-Key", "X-Team"], ["TEAM"])
    assert (made["auth"], made["tools"], made["found"]) == ("none", [], None)
    with statements.exactly(2):  # set the tenant, select
        listed = await caller.get(URL)
    assert listed.json() == [made]
    assert (await caller.get(f"{URL}/{made['id']}")).json() == made

    change = {"name": "Issues", "headers": {"X-Api-Key": ""}, "timeout_seconds": 5}
    changed = (await caller.patch(f"{URL}/{made['id']}", json=change)).json()
    assert (changed["name"], changed["timeout_seconds"]) == ("Issues", 5)
    assert (changed["headers"], changed["environments"]) == (["X-Team"], ["TEAM"])

    factories = (await caller.get("/v1/tool_factories")).json()
    (factory,) = [one for one in factories if one["id"] == made["id"]]
    assert (factory["kind"], factory["name"]) == ("mcp_server", "Issues")
    assert VALUE not in str(factory)
    assert (await caller.delete(f"/v1/tool_factories/{made['id']}")).status_code == 204
    gone = await caller.get(f"{URL}/{made['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "mcp_server_not_found")


async def test_secrets_are_sealed_and_go_with_the_server(
    tenant: Tenant, postgres: Embedded
) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, headers={"X-Api-Key": VALUE}, environments={"KEY": VALUE})
    query = "select key, ciphertext from secret where tenant_id = %s order by key"
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as connection:
        rows = connection.execute(query, [tenant.id]).fetchall()
        row = connection.execute("select tool_factory::text from tool_factory").fetchall()
        await caller.delete(f"/v1/tool_factories/{made['id']}")
        left = connection.execute(query, [tenant.id]).fetchall()
    assert {key.partition(":")[2] for key, _ in rows} == {"KEY", "header:X-Api-Key"}
    assert all(VALUE.encode() not in ciphertext for _, ciphertext in rows)
    assert VALUE not in str(row)
    assert left == []


async def test_a_program_takes_a_platform_admin(tenant: Tenant) -> None:
    editor, admin = tenant.caller(READ, WRITE), tenant.caller(READ, WRITE, PLATFORM)
    refused = await editor.post(URL, json={"name": "Files", **PROGRAM})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")

    made = await create(admin, url=None, **PROGRAM)
    changes: list[dict[str, object]] = [
        {"command": "sh"},
        {"args": ["-c", "id"]},
        {"environments": {"LD_PRELOAD": "x.so"}},
    ]
    for change in changes:
        answer = await editor.patch(f"{URL}/{made['id']}", json=change)
        assert answer.status_code == 403, change
        assert (await admin.patch(f"{URL}/{made['id']}", json=change)).status_code == 200, change
    named = await editor.patch(f"{URL}/{made['id']}", json={"name": "Folders"})
    assert named.status_code == 200


async def test_secrets_do_not_follow_to_another_address(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, headers={"X-Api-Key": VALUE}, environments={"KEY": VALUE})
    url = f"{URL}/{made['id']}"
    moved = (await caller.patch(url, json={"url": "https://evil.example/mcp"})).json()
    assert (moved["headers"], moved["environments"]) == ([], [])

    again = {"url": "https://mcp.example.com/mcp", "headers": {"X-Api-Key": VALUE}}
    assert (await caller.patch(url, json=again)).json()["headers"] == ["X-Api-Key"]
    same = {"url": "https://mcp.example.com/mcp", "name": "Other"}
    assert (await caller.patch(url, json=same)).json()["headers"] == ["X-Api-Key"]


async def test_nor_do_the_connections_of_people(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, auth="token")
    credential = {"tool_factory_id": made["id"], "name": "Mine", "values": {"token": VALUE}}
    assert (await caller.post("/v1/credentials", json=credential)).status_code == 201
    answer = await caller.patch(f"{URL}/{made['id']}", json={"url": "https://evil.example/mcp"})
    code = answer.json()["error"]["code"]
    assert (answer.status_code, code) == (409, "mcp_server_has_connections")


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    made = await create(tenant.caller(READ, WRITE))
    stranger = other.caller(READ, WRITE, PLATFORM)
    assert (await stranger.get(URL)).json() == []
    bodies: list[tuple[str, str, dict[str, object] | None]] = [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine now"}),
        ("POST", "/discover", {}),
        ("POST", "/accept", {"digest": "0" * 64}),
        ("POST", "/register", {"redirect_uri": "https://evil.example/connections/oauth/callback"}),
    ]
    for method, path, body in bodies:
        answer = await stranger.request(method, f"{URL}/{made['id']}{path}", json=body)
        assert answer.status_code == 404, path
    await create(stranger)  # the same name under another tenant is another server
    assert (await tenant.caller(READ).get(f"{URL}/{made['id']}")).json() == made


async def test_each_permission_opens_its_own_door(tenant: Tenant) -> None:
    reader, writer = tenant.caller(READ), tenant.caller(WRITE)
    made = await create(writer)
    url = f"{URL}/{made['id']}"
    assert (await writer.get(URL)).status_code == 403
    assert (await writer.get(url)).status_code == 403
    for path, body in (("", {"name": "x"}), ("/accept", {"digest": "0" * 64})):
        method = "POST" if path else "PATCH"
        assert (await reader.request(method, url + path, json=body)).status_code == 403
    assert (
        await reader.post(URL, json={"name": "x", "url": "https://a.example"})
    ).status_code == 403
    assert (await client(tenant.engine).get(URL)).status_code == 401


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": None}, "url"),
    ({"url": "ftp://a.example"}, "url"),
    ({"url": "https://user:secret@a.example/mcp"}, "url"),
    ({"url": "https://${HOST}/mcp", "environments": {"HOST": "x"}}, "url"),
    ({"url": "https://a.example/${NOBODY}"}, "url"),
    ({"url": "https://[1/mcp"}, "url"),
    ({"headers": {"X-Key": "${NOBODY}"}}, "headers.X-Key"),
    ({"headers": {"X-Key": "a\r\nX-Other: b"}}, "headers.X-Key"),
    ({"headers": {"Host": "b.example"}}, "headers.Host"),
    ({"headers": {"bad name": "x"}}, "headers.bad name.[key]"),
    ({"environments": {"KEY": "nul\0"}}, "environments.KEY"),
    ({"command": "sh"}, "command"),
    ({"auth": "values"}, "parameters"),
    ({"parameters": {"KEY": "What"}}, "parameters"),
    (
        {"auth": "values", "parameters": {"KEY": ""}, "environments": {"KEY": "x"}},
        "parameters.KEY",
    ),
    ({**PROGRAM}, "url"),
    ({**PROGRAM, "url": None, "command": None}, "command"),
    ({**PROGRAM, "url": None, "auth": "oauth"}, "auth"),
    ({**PROGRAM, "url": None, "args": ["nul\0"]}, "args.0"),
    (
        {**PROGRAM, "url": None, "auth": "values", "parameters": {"LD_PRELOAD": ""}},
        "parameters.LD_PRELOAD",
    ),
    ({"timeout_seconds": 0}, "timeout_seconds"),
    ({"allowed": ["no spaces"]}, "allowed.0"),
    ({"transport": "sse"}, "transport"),
    ({"kind": "mcp_server"}, "kind"),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=[field for _, field in BAD])
async def test_bad_input(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    caller = tenant.caller(READ, WRITE, PLATFORM)
    body = {"name": "Tickets", "url": "https://mcp.example.com/mcp"} | changes
    answer = await caller.post(URL, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field
    assert VALUE not in answer.text
    assert (await caller.get(URL)).json() == []


async def test_half_a_character_is_no_secret(tenant: Tenant) -> None:
    body = rb'{"name": "x", "url": "https://a.example", "environments": {"KEY": "a\ud800"}}'
    headers = {"Content-Type": "application/json"}
    answer = await tenant.caller(WRITE).post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "environments.KEY")


async def test_names_are_taken_once(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    await create(caller)
    other = await create(caller, name="Other")
    for answer in (
        await caller.post(URL, json={"name": "Tickets", "url": "https://a.example"}),
        await caller.patch(f"{URL}/{other['id']}", json={"name": "Tickets"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (
            409,
            "mcp_server_name_taken",
        )


async def test_a_server_inside_is_out_of_reach(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    for address in (
        "http://169.254.169.254/mcp",
        "http://10.1.2.3/mcp",
        "http://[::ffff:a01:203]/",
    ):
        made = await create(caller, name=address, url=address)
        answer = await caller.post(f"{URL}/{made['id']}/discover", json={})
        assert answer.status_code == 424
        assert "not a public address" in answer.json()["error"]["message"]
        seen = (await caller.get(f"{URL}/{made['id']}")).json()
        assert seen["status"] == "failing"
        assert "not a public address" in seen["last_error"]
