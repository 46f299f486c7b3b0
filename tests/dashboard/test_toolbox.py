"""The tools of an agent: the JSON API, and its screens with scripts and without."""

import uuid
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from monster.contracts.tokens import Permission
from monster.engine.tools.jira import Jira
from monster.kit.ids import new_id
from tests.builders import Tenant, create_agent, publish
from tests.mcp import remote

PAGE = {"Accept": "text/html"}
HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}
JIRA = str(Jira.factory_id())


@pytest.fixture
async def member(tenant: Tenant) -> AsyncGenerator[httpx.AsyncClient]:
    async with tenant.member(user_id=tenant.user_id) as http:
        yield http


async def connection(tenant: Tenant, **changes: object) -> str:
    values = {"jira_url": "https://acme.example", "jira_username": "ada", "jira_token": "t" * 12}
    body = {"system_name": "jira", "name": f"JIRA {new_id()}", "values": values} | changes
    answer = await tenant.caller(Permission.CREDENTIALS_WRITE).post("/v1/credentials", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def attach(member: httpx.AsyncClient, agent_id: str, **changes: object) -> httpx.Response:
    body: dict[str, Any] = {"tool_factory_id": JIRA, "name": "jira"} | changes
    return await member.post(f"/api/agents/{agent_id}/tools", json=body)


async def test_attach_list_change_publish_detach(tenant: Tenant, member: httpx.AsyncClient) -> None:
    agent = (await create_agent(member))["id"]
    url = f"/api/agents/{agent}/tools"
    made = await attach(member, agent, credential_id=await connection(tenant), approval="always")
    second = await attach(member, agent, name="other", functions=["search"])
    assert (made.status_code, second.status_code) == (201, 201), made.text
    assert (await member.get(url)).json() == [made.json(), second.json()]
    assert [one["position"] for one in (made.json(), second.json())] == [0, 1]

    await publish(member, agent)
    changed = await member.patch(f"{url}/{second.json()['id']}", json={"approval": "never"})
    assert changed.json()["approval"] == "never"
    assert changed.json()["functions"] == ["search"]
    assert (await member.delete(f"{url}/{made.json()['id']}")).status_code == 204
    assert [one["name"] for one in (await member.get(url)).json()] == ["other"]


BAD: list[tuple[dict[str, Any], int, str, str]] = [
    ({"name": "J IRA"}, 422, "invalid", "name"),
    ({"name": "x" * 41}, 422, "invalid", "name"),
    ({"approval": "sometimes"}, 422, "invalid", "approval"),
    ({"functions": ["fly"]}, 422, "bad_functions", "functions"),
    ({"config": {"color": "red"}}, 422, "bad_config", "config.color"),
    ({"tool_factory_id": str(new_id())}, 404, "reference_missing", "tool_factory_id"),
    ({"credential_id": str(new_id())}, 404, "reference_missing", "credential_id"),
    ({"tool_factory_id": 7}, 422, "invalid", "tool_factory_id"),
    ({"color": "red"}, 422, "invalid", "color"),
]


@pytest.mark.parametrize(("changes", "status", "code", "field"), BAD)
async def test_bad_input_is_named(
    member: httpx.AsyncClient, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    agent = (await create_agent(member))["id"]
    answer = await attach(member, agent, **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (status, code, field)
    assert (await member.get(f"/api/agents/{agent}/tools")).json() == []


async def test_a_connection_to_another_system_is_refused(
    tenant: Tenant, member: httpx.AsyncClient
) -> None:
    body = {"system_name": "openai", "name": "Model", "values": {"api_key": "sk-none"}}
    caller = tenant.caller(Permission.CREDENTIALS_WRITE)
    other = (await caller.post("/v1/credentials", json=body)).json()["id"]
    agent = (await create_agent(member))["id"]
    answer = await attach(member, agent, credential_id=other)
    assert answer.json()["error"]["code"] == "wrong_connection"


async def test_a_name_is_given_once_and_there_is_an_end(member: httpx.AsyncClient) -> None:
    agent = (await create_agent(member))["id"]
    for n in range(40):
        assert (await attach(member, agent, name=f"jira{n}")).status_code == 201
    full = await attach(member, agent, name="more")
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many_tools")
    tools = (await member.get(f"/api/agents/{agent}/tools")).json()
    url = f"/api/agents/{agent}/tools/{tools[0]['id']}"
    for place in (True, "3", -1):
        refused = await member.patch(url, json={"position": place})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "position")
    taken = await member.patch(url, json={"name": "jira1"})
    assert (taken.status_code, taken.json()["error"]["field"]) == (409, "name")


async def test_others_have_no_say(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    agent = (await create_agent(tenant.member()))["id"]
    made = (await attach(tenant.member(), agent)).json()
    for who, status in ((other.member(), 404), (tenant.member("viewer"), 403)):
        assert (await attach(who, agent, name="mine")).status_code == status
        url = f"/api/agents/{agent}/tools/{made['id']}"
        assert (await who.patch(url, json={"approval": "never"})).status_code == status
        assert (await who.delete(url)).status_code == status
    hidden = (await create_agent(tenant.member(), name="Hidden", scope="private"))["id"]
    assert (await attach(tenant.member(), hidden)).status_code == 404


async def test_from_the_library_to_a_published_tool(
    tenant: Tenant, member: httpx.AsyncClient
) -> None:
    agent = (await create_agent(member))["id"]
    path = f"/agents/{agent}/tools"
    ours = await connection(tenant)
    assert "It has no tools yet" in (await member.get(path, headers=PAGE)).text
    library = await member.get(f"{path}/add?q=issue", headers=HTMX)
    assert f"{path}/new?factory={JIRA}" in library.text
    assert "Nothing is called like that" in (await member.get(f"{path}/add?q=zzz")).text
    form = await member.get(f"{path}/new?factory={JIRA}", headers=PAGE)
    assert 'value="jira"' in form.text

    fields: dict[str, Any] = {"name": "jira", "credential_id": ours, "approval": "always"}
    fields["functions"] = ["search", "create"]
    made = await member.post(f"{path}/new?factory={JIRA}", data=fields, headers=PAGE)
    assert (made.status_code, made.headers["Location"]) == (303, path)
    page = (await member.get(path, headers=PAGE)).text
    assert "create · write" in page
    assert "Asks before every change" in page
    publish_page = (await member.get(f"/agents/{agent}/publish", headers=PAGE)).text
    assert "Tool jira: create, search; approval: always" in publish_page
    assert (await member.post(f"/agents/{agent}/publish", data={"note": ""})).status_code == 303


async def test_what_was_typed_stays_and_what_is_wrong_is_said(member: httpx.AsyncClient) -> None:
    agent = (await create_agent(member))["id"]
    url = f"/agents/{agent}/tools/new?factory={JIRA}"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "No Good", "functions": ["search"]}, "A short name"),
        ({"name": "jira"}, "Choose at least one"),
        ({"name": "jira", "functions": ["search"], "credential_id": "x"}, "Choose a connection"),
        ({"name": "jira", "functions": ["fly"]}, "has no fly"),
    ]
    for changes, said in wrong:
        form = {"approval": "never", "credential_id": "", **changes}
        answer = await member.post(url, data=form, headers=PAGE)
        assert answer.status_code == 422
        assert said.lower() in answer.text.lower(), said
        assert f'value="{changes["name"]}"' in answer.text
    await attach(member, agent)
    taken = await member.post(
        url, data={"name": "jira", "functions": ["search"], "approval": "never"}, headers=PAGE
    )
    assert "has a tool named" in taken.text


async def test_change_ask_and_detach_on_the_page(member: httpx.AsyncClient) -> None:
    agent = (await create_agent(member))["id"]
    made = (await attach(member, agent)).json()
    path = f"/agents/{agent}/tools/{made['id']}"
    assert 'value="create" checked' in (await member.get(path, headers=PAGE)).text

    form = {"name": "tracker", "approval": "never", "functions": ["read"], "credential_id": ""}
    assert (await member.post(path, data=form, headers=PAGE)).status_code == 303
    asked = await member.post(f"{path}/approval", data={"approval": "always"}, headers=HTMX)
    assert (asked.status_code, "tracker" in asked.text) == (200, True)
    assert (await member.post(f"{path}/approval", data={"approval": "x"})).status_code == 422
    (tool,) = (await member.get(f"/api/agents/{agent}/tools")).json()
    assert (tool["name"], tool["approval"], tool["functions"]) == ("tracker", "always", ["read"])
    gone = await member.post(f"{path}/detach", headers=PAGE)
    assert gone.status_code == 303
    assert (await member.get(path, headers=PAGE)).status_code == 404


async def test_viewers_look_and_change_nothing(tenant: Tenant) -> None:
    agent = (await create_agent(tenant.member()))["id"]
    await attach(tenant.member(), agent)
    viewer = tenant.member("viewer")
    page = await viewer.get(f"/agents/{agent}/tools", headers=PAGE)
    assert (page.status_code, "Add a tool" in page.text) == (200, False)
    assert (await viewer.get(f"/agents/{agent}/tools/add", headers=PAGE)).status_code == 403
    unknown = f"/agents/{agent}/tools/{uuid.UUID(int=1)}"
    assert (await tenant.member().get(unknown, headers=PAGE)).status_code == 404


async def test_servers_and_tools_of_the_workspace_are_attached(
    tenant: Tenant, member: httpx.AsyncClient
) -> None:
    """Their own config is how they are reached: it is no choice of an agent."""
    agent, caller = (await create_agent(member))["id"], tenant.caller(*Permission)
    function = {"name": "items", "description": "Lists them.", "path": "/items"}
    custom = {"name": "Shop", "base_url": "https://shop.example", "functions": [function]}
    url = f"/agents/{agent}/tools"
    with remote.served() as where:
        server = {"name": "Naughty", "url": where}
        made = (await caller.post("/v1/mcp_servers", json=server)).json()["id"]
        found = (await caller.post(f"/v1/mcp_servers/{made}/discover", json={})).json()["found"]
        seen = {"digest": found["digest"]}
        await caller.post(f"/v1/mcp_servers/{made}/accept", json=seen)
    tool = (await caller.post("/v1/tool_factories/custom", json=custom)).json()["id"]
    for factory, name, function in ((made, "naughty", "greet"), (tool, "shop", "items")):
        form = await member.get(f"{url}/new?factory={factory}", headers=PAGE)
        assert f'value="{function}"' in form.text
        assert "config." not in form.text
        fields = {"name": name, "approval": "always", "functions": [function]}
        answer = await member.post(f"{url}/new?factory={factory}", data=fields, headers=PAGE)
        assert (answer.status_code, answer.headers.get("Location")) == (303, url), answer.text
        refused = await attach(
            member, agent, tool_factory_id=factory, name="more", config={"url": "https://x.example"}
        )
        assert refused.json()["error"]["code"] == "bad_config"
    await publish(member, agent)
    shown = (await member.get(url, headers=PAGE)).text
    assert "greet · write" in shown
    assert "items · read" in shown


async def test_a_server_that_changed_is_a_click_away(
    tenant: Tenant, member: httpx.AsyncClient
) -> None:
    agent, caller = (await create_agent(member))["id"], tenant.caller(*Permission)
    with remote.served() as where:
        server = await caller.post("/v1/mcp_servers", json={"name": "Naughty", "url": where})
        path = f"/v1/mcp_servers/{server.json()['id']}"
        found = (await caller.post(f"{path}/discover", json={})).json()["found"]
        await caller.post(f"{path}/accept", json={"digest": found["digest"]})
        await attach(member, agent, tool_factory_id=server.json()["id"], name="naughty")
        calm = (await member.get(f"/agents/{agent}/tools", headers=PAGE)).text
        await caller.patch(path, json={"allowed": ["greet"]})
        await caller.post(f"{path}/discover", json={})
        await remote.change(where)
        while (await caller.get(path)).json()["status"] != "failing":  # soon it is known
            await caller.post(f"{path}/discover", json={})
    shown = (await member.get(f"/agents/{agent}/tools", headers=PAGE)).text
    assert "needs a look" not in calm
    assert "The server does not offer what was accepted: look at what has changed." in shown
    assert f'href="/settings/mcp/{server.json()["id"]}"' in shown
