"""The screens about connections, with the real engine and a provider on loopback behind."""

import re

import httpx
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests.builders import Tenant, client, create_agent, publish
from tests.connecting import HTMX, KEY, NEW, address, connect, connected, factory
from tests.upstream import OpenAI, refuse, upstream

NOTHING = "Nothing is connected"
WORKS = "Working"
JIRA = {
    "name": "Ours in JIRA",
    "jira_token": "a token",
    "jira_username": "ada@example.com",
    "jira_url": "https://acme.invalid",
    "api_key": "",
}


async def test_an_empty_list_says_what_to_do(tenant: Tenant) -> None:
    editor = await tenant.member().get("/connections")
    viewer = await tenant.member("viewer").get("/connections")

    assert NOTHING in editor.text
    assert 'href="/connections/systems?category=Models"' in editor.text
    assert NOTHING in viewer.text
    assert "Connect a model" not in viewer.text.partition("<main")[2].partition("</main>")[0]


async def test_a_new_connection_is_tested_at_once(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(OpenAI.names) as provider:
        answer = await connect(member, f"{provider.url}/v1")
        assert provider.asked[0].headers["authorization"] == f"Bearer {KEY}"

    assert answer.status_code == 303
    shown = await member.get(address(answer))
    assert "Ours works. You are acme." in shown.text
    assert WORKS in shown.text
    assert provider.url in shown.text
    assert "Set, never shown" in shown.text
    listed = await member.get("/connections")
    assert KEY not in shown.text + listed.text
    assert WORKS in listed.text
    assert "acme" in listed.text


async def test_a_refused_key_says_why_and_is_replaced(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(refuse(401, "this key is unknown"), OpenAI.names) as provider:
        where = address(await connect(member, f"{provider.url}/v1"))
        shown = (await member.get(where)).text
        assert "Ours does not work" in shown
        assert "this key is unknown" in shown

        form = {"name": "Ours", "values.api_key": "sk-another", "values.base_url": provider.url}
        answer = await member.post(where, data=form, headers=HTMX)

        assert answer.headers["HX-Redirect"] == where
        assert provider.asked[-1].headers["authorization"] == "Bearer sk-another"
        assert provider.asked[-1].line.startswith("GET /models")
    shown = (await member.get(where)).text
    assert "does not work" not in shown
    assert "sk-another" not in shown


async def test_what_is_left_empty_stays(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(OpenAI.names) as provider:
        where = address(await connect(member, f"{provider.url}/v1"))
        form = {"name": "Renamed", "scope": "private", "values.api_key": "",
                "values.base_url": f"{provider.url}/v1"}  # fmt: skip
        assert (await member.post(where, data=form)).status_code == 303
        assert len(provider.asked) == 1  # nothing new is to be tested
        assert (await member.post(f"{where}/test")).status_code == 303
        assert provider.asked[-1].headers["authorization"] == f"Bearer {KEY}"

    shown = (await member.get(where)).text
    assert "Renamed" in shown
    assert "Only me" in shown


async def test_after_success_one_is_back_where_one_was(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(refuse(500, "busy"), OpenAI.names) as provider:
        answer = await connect(member, provider.url, back="/agents?q=a b")
        assert answer.headers["Location"].startswith("/connections/")
        where = address(answer)

        answer = await connect(member, provider.url, name="Other", back="/agents?q=1")
        assert re.fullmatch(r"/agents\?q=1&credential=[\w-]{36}", answer.headers["Location"])

        for bad in ("https://evil.example", "//evil.example", "/\\evil.example"):
            answer = await member.post(f"{where}/test", params={"back": bad})
            assert re.fullmatch(r"/\?credential=[\w-]{36}", answer.headers["Location"])
            assert "evil" not in (await member.get(where, params={"back": bad})).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\0b"),
        ("values.base_url", "api.example.com"),
        ("values.base_url", "https://user:password@api.example.com"),
        ("values.api_key", "no key has spaces"),
        ("values.api_key", "ключ"),
    ],
)
async def test_bad_input_is_shown_at_the_field(tenant: Tenant, field: str, value: str) -> None:
    member = tenant.member()
    form = {"name": "Typed", "values.base_url": "https://typed.example", "values.api_key": KEY}
    form |= {field: value}

    for headers in ({}, HTMX):
        answer = await member.post(
            NEW, params={"factory": factory("openai")}, data=form, headers=headers
        )
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert field == "name" or "Typed" in answer.text
        assert field == "values.base_url" or "https://typed.example" in answer.text
        assert form["values.api_key"] not in answer.text
        assert ("<html" in answer.text) == (not headers)
    assert NOTHING in (await member.get("/connections")).text


async def test_bad_changes_are_shown_at_the_field_and_change_nothing(tenant: Tenant) -> None:
    member = tenant.member()
    where = await connected(member)

    for field, value in [
        ("name", ""),
        ("values.base_url", "ftp://x"),
        ("values.api_key", "two words"),
    ]:
        form = {"name": "Changed", field: value}
        answer = await member.post(where, data=form)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert "two words" not in answer.text
    assert "Changed" not in (await member.get(where)).text


async def test_a_name_that_is_taken_is_shown_at_the_field(tenant: Tenant) -> None:
    member = tenant.member()
    await connected(member)

    answer = await connect(member, "https://api.example.com/v1")

    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


async def test_a_provider_wants_a_key_but_a_server_of_ones_own_may_not(tenant: Tenant) -> None:
    member = tenant.member()

    answer = await connect(member, "", system="anthropic", api_key=" ")
    assert answer.status_code == 422
    assert 'id="values.api_key-error"' in answer.text
    assert "This is needed." in answer.text

    await connected(member, api_key="")


async def test_delete_says_what_it_takes_with_it(tenant: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    where = await connected(owner)
    await _agent(owner, where, "Scout")
    await _agent(owner, where, "Secret plan", scope="private")
    colleague = tenant.member()

    mine, theirs = [(await one.get(f"{where}/delete")).text for one in (owner, colleague)]
    assert "2 agents name it and need another: Scout and Secret plan" in mine
    assert "2 agents name it and need another: Scout and 1 other" in theirs
    assert "Secret plan" not in theirs + (await colleague.get(where)).text

    answer = await colleague.post(f"{where}/delete")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/connections")
    assert NOTHING in (await owner.get("/connections")).text
    assert (await owner.post(f"{where}/delete")).status_code == 404


async def _agent(member: httpx.AsyncClient, where: str, name: str, **more: str) -> str:
    """Published with the connection, then changed to do without."""
    credential_id = where.rpartition("/")[2]
    agent_id = (await create_agent(member, name=name, **more))["id"]
    config = {"type": "llm", "credential_id": credential_id}
    changed = await member.patch(f"/api/agents/{agent_id}", json={"config": config})
    assert changed.status_code == 200, changed.text
    await publish(member, agent_id)
    await member.patch(f"/api/agents/{agent_id}", json={"config": {"type": "llm"}})
    return agent_id


async def test_trouble_names_the_agents_that_wait(tenant: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    async with upstream(OpenAI.names, refuse(401, "the key was revoked")) as provider:
        where = address(await connect(owner, provider.url))
        agent_id = await _agent(owner, where, "Scout")
        await owner.post(f"{where}/test")

    listed, shown = (await owner.get("/connections")).text, (await owner.get(where)).text
    for page in (listed, shown):
        assert "the key was revoked. Scout cannot work without it." in page.casefold().replace(
            "scout", "Scout"
        )
    assert f'href="/agents/{agent_id}"' in shown
    assert "1 agent" in listed


async def test_agents_that_have_it_as_a_tool_are_named(tenant: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    where = address(await connect(owner, "", system="jira", **JIRA))
    agent_id = (await create_agent(owner, name="Planner"))["id"]
    tool = {"name": "jira", "tool_factory_id": factory("jira"), "credential_id": where[-36:]}
    made = await owner.post(f"/api/agents/{agent_id}/tools", json=tool)
    assert made.status_code == 201, made.text
    assert "Planner" in (await owner.get(where)).text

    await publish(owner, agent_id)
    await owner.delete(f"/api/agents/{agent_id}/tools/{made.json()['id']}")
    assert "Planner" in (await owner.get(where)).text  # it is published with it

    await publish(owner, agent_id)
    assert "Planner" not in (await owner.get(where)).text


async def test_search_and_filters(tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    await connected(member, name="Alpha")
    await connected(member, name="Beta", scope="private")
    await connect(member, "https://no.such.host.invalid", name="Gamma")
    await connected(tenant.member(), name="Delta")

    async def names(**asked: str) -> set[str]:
        answer = await member.get("/connections", params=asked, headers=HTMX)
        assert answer.status_code == 200
        assert "<html" not in answer.text
        return set(re.findall(r">(Alpha|Beta|Gamma|Delta)</a>", answer.text))

    assert await names() == {"Alpha", "Beta", "Gamma", "Delta"}
    assert await names(q="ALPH") == {"Alpha"}
    assert await names(status="trouble") == {"Gamma"}
    assert await names(status="active", whose="mine") == {"Alpha", "Beta"}
    assert await names(whose="shared") == {"Delta"}
    assert await names(category="Models") == {"Alpha", "Beta", "Gamma", "Delta"}
    assert await names(category="Files") == set()
    assert await names(after=str(new_id())) == {"Alpha", "Beta", "Gamma", "Delta"}
    assert (await member.get("/connections?status=odd")).status_code == 422


async def test_a_long_list_goes_on(tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    engine = tenant.caller(*Permission)
    for number in range(52):
        body = {"system_name": "openai", "name": f"Key {number:02}"}
        assert (await engine.post("/v1/credentials", json=body)).status_code == 201

    first = (await member.get("/connections")).text
    onward = re.search(r'href="(/connections\?after=[\w-]+)"', first)
    assert onward
    second = (await member.get(onward[1])).text
    assert ("Key 49" in first, "Key 50" in first) == (True, False)
    assert ("Key 49" in second, "Key 51" in second) == (False, True)


async def test_private_is_private(tenant: Tenant) -> None:
    where = await connected(tenant.member(), scope="private")
    colleague = tenant.member()

    assert NOTHING in (await colleague.get("/connections")).text
    assert (await colleague.get(where)).status_code == 404
    assert (await colleague.post(f"{where}/delete")).status_code == 404


async def test_a_viewer_looks_and_changes_nothing(tenant: Tenant) -> None:
    where = await connected(tenant.member())
    viewer = tenant.member("viewer")

    assert "Ours" in (await viewer.get("/connections")).text
    shown = await viewer.get(where)
    assert shown.status_code == 200
    assert 'method="post" action="/connections' not in shown.text
    assert (await viewer.get("/connections/systems")).status_code == 200
    assert (await viewer.get(NEW)).status_code == 403
    assert (await viewer.get(f"{where}/delete")).status_code == 403
    assert (await connect(viewer, "https://api.example.com/v1")).status_code == 403
    for do in ("", "/test", "/delete", "/authorize", "/device"):
        assert (await viewer.post(f"{where}{do}")).status_code == 403


async def test_what_is_another_tenants_does_not_exist(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    member, stranger = tenant.member(), other.member()
    where = await connected(member)

    for target in (where, f"/connections/{new_id()}"):
        assert (await stranger.get(target)).status_code == 404
        assert (await stranger.get(f"{target}/delete")).status_code == 404
        for do in ("", "/test", "/delete"):
            assert (await stranger.post(f"{target}{do}")).status_code == 404
    assert "Ours" not in (await stranger.get("/connections")).text
    assert "Ours" in (await member.get("/connections")).text


async def test_an_id_that_is_none(tenant: Tenant) -> None:
    for do in ("test", "delete"):
        assert (await tenant.member().post(f"/connections/none/{do}")).status_code == 422


async def test_a_stranger_is_led_to_the_door(dashboard: FastAPI) -> None:
    stranger, some = client(dashboard), f"/connections/{new_id()}"
    for method, path in [
        ("GET", "/connections"),
        ("GET", "/connections/systems"),
        ("GET", NEW),
        ("POST", NEW),
        ("GET", some),
        ("POST", some),
        ("POST", f"{some}/test"),
        ("POST", f"{some}/delete"),
    ]:
        assert (await stranger.request(method, path)).status_code == 401
        answer = await stranger.request(method, path, headers={"Accept": "text/html"})
        assert answer.headers["Location"].startswith("/sign-in")
