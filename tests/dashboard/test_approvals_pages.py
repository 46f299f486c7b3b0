"""Calls that wait, in the chat and on the page of approvals: with scripts, and without."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import orjson
import pytest

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests.builders import Tenant, client, create_agent, publish
from tests.engine.test_api_keys import make, new_contact
from tests.process import FACTORY, TOOLS
from tests.processes import World, world_to_act_upon
from tests.talk import SSE, Script, Seen, read_events

HTML = {"Accept": "text/html"}
DONE = {"text": "All done."}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_to_act_upon() as there:
        yield there


def asking(world: World, *tools: str) -> Script:
    return [{"calls": [[tool, {"url": world.url}] for tool in tools or ("always",)]}, DONE]


async def agent(tenant: Tenant, member: httpx.AsyncClient, script: Script) -> str:
    """Published, delivered as the job would, with every tool there is."""
    body = {"model": "script:test", "instruction": orjson.dumps(script).decode()}
    agent_id: str = (await create_agent(member, name="Scout", **body))["id"]
    await publish(member, agent_id)
    spec = AgentSpec(
        version=1,
        user_id=new_id(),
        scope="shared",
        name="Scout",
        model=body["model"],
        instruction=body["instruction"],
        inside=tuple(TOOLS),
    )
    engine = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.is_success, answer.text
    return agent_id


async def ask(tenant: Tenant, member: httpx.AsyncClient, script: Script) -> list[Seen]:
    agent_id = await agent(tenant, member, script)
    answer = await member.post(
        f"/chat/{agent_id}/runs", data={"message": "Send it."}, headers=SSE, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return read_events(answer.text)


async def show(member: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await member.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return answer.text


def forms(page: str) -> list[dict[str, str]]:
    """What each card's form would send, besides the button that is pressed."""
    found = re.findall(r'<form method="post" action="[^"]*answers".*?</form>', page, re.DOTALL)
    field = r'<input type="hidden" name="(\w+)" value="([^"]*)"'
    return [dict(re.findall(field, form)) for form in found]


async def follow(member: httpx.AsyncClient, run_id: str, last: str = "0") -> list[Seen]:
    headers = {"Last-Event-ID": last}
    return read_events((await member.get(f"/chat/runs/{run_id}/events", headers=headers)).text)


def html_of(events: list[Seen]) -> str:
    return "".join(event.data.get("html", "") for event in events)


async def test_a_call_is_approved_in_the_stream(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    before = await ask(tenant, member, asking(world))
    run_id = before[0].data["run"]
    (form,) = forms(before[-1].data["html"])
    assert before[-1].type == "run.waiting"
    assert before[-1].data["note"] == "It waits for your answer. May Scout use always?"

    answer = await member.post(
        f"/chat/runs/{run_id}/answers", data=form | {"decision": "approve", "note": "fine"}
    )
    after = await follow(member, run_id, before[-1].id)
    again = await follow(member, run_id)

    assert answer.json() == {"html": ""}
    assert [event.type for event in after if event.type != "message.delta"] == [
        "run.resumed",
        "tool.result",
        "message.completed",
        "run.completed",
    ]
    assert "Done" in html_of(after)
    kinds = [event.type for event in again]
    assert "run.waiting" not in kinds  # over: a page that hears everything must not stop there
    assert "run.waited" in kinds
    assert kinds[-1] == "run.completed"
    assert not forms(html_of(again))
    assert len(world.keys) == 1


async def test_without_scripts_forms_do(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, asking(world))
    sent = await member.post(f"/chat/{agent_id}/runs", data={"message": "hi"}, headers=HTML)
    talk = sent.headers["Location"]
    page = await show(member, talk)
    (form,) = forms(page)
    (action,) = re.findall(r'action="([^"]*/answers)"', page)
    assert "data-run" not in page  # nothing is on its way
    assert "Waiting" in page

    answer = await member.post(action, data=form | {"decision": "deny"}, headers=HTML)

    assert (answer.status_code, answer.headers["Location"]) == (303, talk)
    await follow(member, action.split("/")[3])
    page = await show(member, talk)
    assert not forms(page)
    assert "A person did not allow this call" in page
    assert "All done." in page
    assert world.keys == []


async def test_a_run_that_waits_is_stopped_without_scripts(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    started = (await ask(tenant, member, asking(world)))[0].data
    page = await show(member, f"/conversations/{started['conversation']}")
    (action,) = re.findall(r'action="([^"]*/cancel)"', page)

    answer = await member.post(action, headers=HTML)

    assert answer.status_code == 303
    assert (await follow(member, started["run"]))[-1].type == "run.cancelled"
    page = await show(member, answer.headers["Location"])
    assert "Stopped. You can ask again at any time." in page


async def test_what_is_left_to_answer_comes_as_it_stands(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    before = await ask(tenant, member, asking(world, "always", "always"))
    run_id = before[0].data["run"]
    first, second = forms(before[-1].data["html"])

    answer = await member.post(f"/chat/runs/{run_id}/answers", data=first | {"decision": "approve"})

    assert [form["call"] for form in forms(answer.json()["html"])] == [second["call"]]
    assert f'id="answer-{run_id}"' in answer.json()["html"]
    coming_back = await follow(member, run_id)
    assert [form["call"] for form in forms(html_of(coming_back))] == [second["call"]]
    page = await show(member, f"/conversations/{before[0].data['conversation']}")
    assert [form["call"] for form in forms(page)] == [second["call"]]


async def test_what_is_not_connected_leads_to_where_it_is(tenant: Tenant, world: World) -> None:
    world.text = "not connected"
    member = tenant.member()
    before = await ask(tenant, member, asking(world, "plug"))
    run_id, talk = before[0].data["run"], before[0].data["conversation"]
    html = unescape(before[-1].data["html"])
    assert "Jira is not connected" in html
    assert f"/connections/new?factory={FACTORY}&back=%2Fconversations%2F{talk}" in html

    world.text = "here"
    answer = await member.post(f"/chat/runs/{run_id}/answers", data={"decision": "resume"})

    assert answer.json() == {"html": ""}
    assert (await follow(member, run_id))[-1].type == "run.completed"


async def test_the_page_lists_what_waits(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    assert "Nothing waits for you" in await show(member, "/approvals")
    started = (await ask(tenant, member, asking(world)))[0].data

    page = await show(member, "/approvals")
    (form,) = forms(page)
    (action,) = re.findall(r'action="([^"]*/answers)"', page)
    answer = await member.post(action, data=form | {"decision": "approve"}, headers=HTML)

    assert f'href="/conversations/{started["conversation"]}"' in page
    assert "Send it." in page
    assert 'href="/approvals" aria-current="page"' in page
    assert (answer.status_code, answer.headers["Location"]) == (303, "/approvals")
    await follow(member, started["run"])
    assert "Nothing waits for you" in await show(member, "/approvals")
    assert len(world.keys) == 1


async def test_what_waits_for_a_contact_is_the_editors(tenant: Tenant, world: World) -> None:
    editor, viewer = tenant.member("editor"), tenant.member("viewer")
    agent_id = await agent(tenant, editor, asking(world))
    made = await make(tenant, contact_id=await new_contact(tenant))
    program = client(tenant.engine, made["key"])
    run = (await program.post(f"/v1/agents/{agent_id}/runs", json={"message": "hi"})).json()

    assert run["id"] not in await show(viewer, "/approvals")
    page = await show(editor, "/approvals")
    (form,) = forms(page)
    assert "For a contact" in page
    talk = re.findall(r'href="(/contacts/[^"]*/conversations/[^"]*)"', page)[0]
    read = await show(editor, talk)
    assert "It waits until somebody decides whether it goes on." in read
    assert not forms(read)
    path, data = f"/approvals/runs/{run['id']}/answers", form | {"decision": "approve"}
    assert (await viewer.post(path, data=data)).status_code == 404
    assert (await editor.post(path, data=data)).status_code == 303
    assert len(world.keys) <= 1


async def test_the_list_has_pages(tenant: Tenant, world: World) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, asking(world))
    for n in range(21):
        body = {"message": f"question {n}"}
        await member.post(f"/chat/{agent_id}/runs", data=body, headers=SSE)

    newest = await show(member, "/approvals")
    (older,) = re.findall(r'href="(/approvals\?before=[^"]+)"', newest)

    assert len(forms(newest)) == 20
    assert len(forms(await show(member, older))) == 1
    assert ">question 0<" in await show(member, older)


BAD: list[tuple[dict[str, Any], int]] = [
    ({"decision": "perhaps"}, 422),
    ({"decision": "approve", "call": "x"}, 422),
    ({"decision": "approve"}, 422),
    ({"decision": "deny", "note": "x" * 2001}, 422),
    ({"decision": "approve", "arguments_hash": "0"}, 409),
]


@pytest.mark.parametrize(("changes", "status"), BAD)
async def test_bad_answers_are_told(
    tenant: Tenant, world: World, changes: dict[str, Any], status: int
) -> None:
    member = tenant.member()
    before = await ask(tenant, member, asking(world))
    (form,) = forms(before[-1].data["html"])
    if changes == {"decision": "approve"}:
        del form["call"]
    for path in ("chat", "approvals"):
        url = f"/{path}/runs/{before[0].data['run']}/answers"
        assert (await member.post(url, data=form | changes)).status_code == status
    assert world.keys == []


@pytest.mark.parametrize("person", ["other tenant", "colleague"])
async def test_nobody_answers_for_another_person(
    two_tenants: tuple[Tenant, Tenant], world: World, person: str
) -> None:
    tenant, other = two_tenants
    before = await ask(tenant, tenant.member(), asking(world))
    (form,) = forms(before[-1].data["html"])
    stranger = (other if person == "other tenant" else tenant).member("owner")
    for path in ("chat", "approvals"):
        url = f"/{path}/runs/{before[0].data['run']}/answers"
        answer = await stranger.post(url, data=form | {"decision": "approve"})
        assert answer.status_code == 404
    assert form["call"] not in await show(stranger, "/approvals")
    assert world.keys == []
