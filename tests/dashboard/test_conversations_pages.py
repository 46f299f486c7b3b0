"""Chat through the front door, with a real engine behind it."""

import asyncio
import re
import uuid
from typing import Any

import httpx
import orjson
import pytest

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests.builders import Tenant, client, create_agent, publish
from tests.talk import SSE, Script, Seen, read_events

HELLO: Script = [{"text": "**Hello** <b>you</b>.\n\nSee `[1]`."}]
TOOLS: Script = [
    {"text": "Let me look.", "calls": [["refuse", {"what": "lamps"}]]},
    {"text": "Sorry."},
]
HTML = {"Accept": "text/html"}


async def agent(tenant: Tenant, member: httpx.AsyncClient, script: Script) -> str:
    """Published, and delivered as the job would."""
    body = {"model": "script:test", "instruction": orjson.dumps(script).decode()}
    agent_id: str = (await create_agent(member, name=f"Scout {new_id()}", **body))["id"]
    await publish(member, agent_id)
    await deliver(tenant, agent_id, body)
    return agent_id


async def deliver(tenant: Tenant, agent_id: str, body: dict[str, str]) -> None:
    spec = AgentSpec(
        version=1,
        user_id=uuid.UUID(int=1),
        scope="shared",
        name="Scout",
        model=body["model"],
        instruction=body["instruction"],
        inside=("refuse",),
    )
    engine = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.is_success, answer.text


async def post(
    member: httpx.AsyncClient, agent_id: str, message: str = "hi", **form: str
) -> httpx.Response:
    body = {"message": message, **form}
    return await member.post(f"/chat/{agent_id}/runs", data=body, headers=SSE, timeout=30)


async def ask(
    member: httpx.AsyncClient, agent_id: str, message: str = "hi", **form: str
) -> list[Seen]:
    answer = await post(member, agent_id, message, **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert "Content-Encoding" not in answer.headers
    return read_events(answer.text)


async def show(member: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await member.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return answer.text


def html_of(events: list[Seen]) -> str:
    return "".join(event.data.get("html", "") for event in events)


def error(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]


async def test_an_answer_streams_and_stays(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)

    events = await ask(member, agent_id, "What <i>is</i> it?\r\nTell me.")
    started = events[0].data
    page = await show(member, f"/conversations/{started['conversation']}")

    assert [event.type for event in events[-2:]] == ["message.completed", "run.completed"]
    assert "".join(e.data["text"] for e in events if "text" in e.data) == HELLO[0]["text"] + " "
    for html in (html_of(events), page):
        assert html.count("<strong>Hello</strong> &lt;b&gt;you&lt;/b&gt;.") == 1
        assert "What &lt;i&gt;is&lt;/i&gt; it?\nTell me." in html
        assert html.count(f'id="answer-{started["run"]}"') == 1
    assert "data-run" not in page


async def test_a_tool_call_is_a_card_that_gets_its_result(tenant: Tenant) -> None:
    member = tenant.member()
    events = await ask(member, await agent(tenant, member, TOOLS))

    cards = [re.findall(r'id="(call-[^"]+)"', event.data.get("html", "")) for event in events]
    assert len([card for card in cards if card]) == 2
    assert len({card for found in cards for card in found}) == 1
    page = await show(member, f"/conversations/{events[0].data['conversation']}")
    for html in (html_of(events), page):
        assert "not today" in html
        assert "Failed" in html
        assert "<span>lamps</span>" in html


async def test_a_conversation_goes_on(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)
    first = await ask(member, agent_id, "one")
    talk = first[0].data["conversation"]

    second = await ask(member, agent_id, "two", conversation_id=talk)

    assert second[0].data["conversation"] == talk
    page = await show(member, f"/conversations/{talk}")
    assert page.index(">one<") < page.index(">two<")
    assert f'value="{talk}"' in page
    assert f'href="/conversations/{talk}" aria-current="page"' in page
    begun = await show(member, f"/chat/threads?current={talk}")
    assert "<html" not in begun
    assert f'href="/conversations/{talk}" aria-current="page"' in begun


async def test_without_scripts_the_page_waits_for_the_answer(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)

    answer = await member.post(f"/chat/{agent_id}/runs", data={"message": "hi"}, headers=HTML)

    assert answer.status_code == 303
    assert "<strong>Hello</strong>" in await show(member, answer.headers["Location"])


async def test_coming_back_goes_on_where_it_broke(tenant: Tenant) -> None:
    member = tenant.member()
    events = await ask(member, await agent(tenant, member, TOOLS))
    url = f"/chat/runs/{events[0].data['run']}/events"

    for cut in range(len(events)):
        answer = await member.get(url, headers={"Last-Event-ID": events[cut].id})
        rest = read_events(answer.text)
        assert [e for e in rest if e.type != "message.delta"][:-1] == [
            e for e in events[cut + 1 :] if e.type != "message.delta"
        ][:-1]
        assert [e.type for e in rest[-1:]] == [e.type for e in events[cut + 1 :][-1:]]
        text = "".join(e.data["text"] for e in [*events[: cut + 1], *rest] if "text" in e.data)
        assert text == "Let me look. Sorry. "


async def test_a_page_loaded_in_mid_answer_follows_the_rest(tenant: Tenant) -> None:
    """What is being answered is not rendered by the page: its events bring all of it, once."""
    member = tenant.member()
    agent_id = await agent(tenant, member, [{"text": "a b c d", "delay": 0.2}])
    asked = asyncio.create_task(ask(member, agent_id, "slow"))
    active = page = ""
    async with asyncio.timeout(10):
        while not active:
            talks = re.findall(r'"/conversations/([^"]+)"', await show(member, "/chat"))
            page = await show(member, f"/conversations/{talks[0]}") if talks else ""
            active = "".join(re.findall(r'data-run="([^"]+)"', page))

    assert ">slow<" not in page.split('class="talk"')[1]
    rest = read_events((await member.get(f"/chat/runs/{active}/events")).text)
    assert ">slow<" in html_of(rest)
    assert "<p>a b c d</p>" in html_of(rest)
    assert rest[-1].type == (await asked)[-1].type == "run.completed"


async def test_stop(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, [{"text": "a b c", "delay": 1}])
    asked = asyncio.create_task(ask(member, agent_id, "slow"))
    talks: list[str] = []
    async with asyncio.timeout(10):
        while not talks:
            talks = re.findall(r'"/conversations/([^"]+)"', await show(member, "/chat"))
    (active,) = re.findall(r'data-run="([^"]+)"', await show(member, f"/conversations/{talks[0]}"))

    assert (await member.post(f"/chat/runs/{active}/cancel")).status_code == 202

    assert (await asked)[-1].type == "run.cancelled"
    page = await show(member, f"/conversations/{talks[0]}")
    assert "Stopped. You can ask again at any time." in page
    assert "data-run" not in page


async def test_a_failure_is_a_sentence_that_stays(tenant: Tenant) -> None:
    member = tenant.member()
    events = await ask(member, await agent(tenant, member, [{"fail": "overloaded"}]))
    page = await show(member, f"/conversations/{events[0].data['conversation']}")
    for html in (html_of(events), page):
        assert "The model did not answer: overloaded. Check its connection, then ask again." in html
        assert "waiting-bad" in html


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("", "write a message first"),
        (" \r\n ", "write a message first"),
        ("x" * 100_001, "a message has at most 100,000 characters"),
        ("a\0b", "the message holds characters that cannot be stored"),
    ],
)
async def test_bad_messages_are_told(tenant: Tenant, message: str, sentence: str) -> None:
    member = tenant.member()
    answer = await post(member, await agent(tenant, member, HELLO), message)

    assert (answer.status_code, error(answer)["message"]) == (422, sentence)
    assert error(answer)["field"] == "message"


async def test_bad_ids_are_told(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)

    assert error(await post(member, str(new_id())))["code"] == "agent_not_found"
    assert (await post(member, "x")).status_code == 422
    assert (await post(member, agent_id, conversation_id="x")).status_code == 422
    unknown = await post(member, agent_id, conversation_id=str(new_id()))
    assert error(unknown)["code"] == "conversation_not_found"
    for path in ("conversations", "passages", "chat"):
        assert (await member.get(f"/{path}/{new_id()}", headers=HTML)).status_code == 404
        assert (await member.get(f"/{path}/x", headers=HTML)).status_code == 422
    assert (await member.get(f"/chat/runs/{new_id()}/events")).status_code == 404
    assert (await member.post(f"/chat/runs/{new_id()}/cancel")).status_code == 404
    seven = await member.get(f"/chat/runs/{new_id()}/events", headers={"Last-Event-ID": "seven"})
    assert seven.status_code == 422


async def test_an_agent_answers_when_it_is_published_and_delivered(tenant: Tenant) -> None:
    member = tenant.member()
    body = {"model": "script:test", "instruction": orjson.dumps(HELLO).decode()}
    agent_id = (await create_agent(member, **body))["id"]

    draft = await post(member, agent_id)
    assert (draft.status_code, error(draft)["code"]) == (409, "agent_not_published")
    assert "data-composer" not in await show(member, f"/chat/{agent_id}")
    await publish(member, agent_id)
    underway = await post(member, agent_id)
    assert (underway.status_code, error(underway)["code"]) == (409, "agent_on_its_way")
    await deliver(tenant, agent_id, body)
    assert (await ask(member, agent_id))[-1].type == "run.completed"


async def test_rename_and_delete(tenant: Tenant) -> None:
    member = tenant.member()
    events = await ask(member, await agent(tenant, member, HELLO))
    url = f"/conversations/{events[0].data['conversation']}"

    renamed = await member.post(f"{url}/rename", data={"title": "Lamps"})
    assert (renamed.status_code, renamed.headers["Location"]) == (303, url)
    assert "<h1>Lamps</h1>" in await show(member, url)
    assert (await member.post(f"{url}/rename", data={"title": " "})).status_code == 422
    gone = await member.post(f"{url}/delete")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/chat")
    await show(member, url, status=404)


@pytest.mark.parametrize("person", ["other tenant", "colleague"])
async def test_a_chat_is_its_persons_alone(two_tenants: tuple[Tenant, Tenant], person: str) -> None:
    tenant, other = two_tenants
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)
    started = (await ask(member, agent_id))[0].data
    stranger = (other if person == "other tenant" else tenant).member("owner")
    url = f"/conversations/{started['conversation']}"

    for method, path in (
        ("GET", url),
        ("POST", f"{url}/rename"),
        ("POST", f"{url}/delete"),
        ("GET", f"/chat/runs/{started['run']}/events"),
        ("POST", f"/chat/runs/{started['run']}/cancel"),
    ):
        body = {"title": "Mine"} if path.endswith("rename") else None
        answer = await stranger.request(method, path, data=body)
        assert answer.status_code == 404, path
    asked = await post(stranger, agent_id, conversation_id=started["conversation"])
    assert asked.status_code == 404
    assert started["conversation"] not in await show(stranger, "/chat")
    await show(stranger, f"/chat/threads?current={started['conversation']}", status=404)
    await show(member, url)


async def test_the_chat_of_a_deleted_agent_can_be_read(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)
    talk = (await ask(member, agent_id))[0].data["conversation"]
    assert (await member.delete(f"/api/agents/{agent_id}")).status_code == 204

    page = await show(member, f"/conversations/{talk}")

    assert "<strong>Hello</strong>" in page
    assert "A deleted agent" in page
    assert "data-composer" not in page
    assert talk in await show(member, "/chat")


async def test_agents_to_choose_from_are_published_and_visible(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, HELLO)
    draft = (await create_agent(member, name="Draft"))["id"]
    hidden = (await create_agent(tenant.member(), name="Hidden", scope="private"))["id"]

    page = await show(member, "/chat")

    assert f'href="/chat/{agent_id}"' in page
    assert draft not in page
    assert hidden not in page
    await show(member, f"/chat/{hidden}", status=404)


async def test_a_new_chat_says_what_the_published_agent_is_for(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = (await create_agent(member, description="Knows lamps."))["id"]
    assert "Publish this agent first" in await show(member, f"/chat/{agent_id}")

    await publish(member, agent_id)
    changed = {"description": "Knows ships.", "model": "openai:gpt"}
    assert (await member.patch(f"/api/agents/{agent_id}", json=changed)).is_success
    page = await show(member, f"/chat/{agent_id}")

    assert "<p>Knows lamps.</p>" in page
    assert "it quotes its knowledge, and says where each quote stands" in page


async def test_a_long_conversation_has_pages(tenant: Tenant) -> None:
    member = tenant.member()
    agent_id = await agent(tenant, member, [{"text": "ok"}])
    talk = (await ask(member, agent_id, "question 0"))[0].data["conversation"]
    for n in range(1, 103):
        await ask(member, agent_id, f"question {n}", conversation_id=talk)

    newest = await show(member, f"/conversations/{talk}")
    (older,) = re.findall(r'href="(/conversations/[^"]+\?[^"]+)"', newest)
    oldest = await show(member, older.replace("&amp;", "&"))

    asked = [*re.findall(r">question (\d+)<", oldest), *re.findall(r">question (\d+)<", newest)]
    turns = [n for n in asked if n != "0"]
    assert sorted(map(int, set(asked))) == list(range(103))
    assert len(turns) == len(set(turns))
    assert "data-composer" not in oldest


async def test_a_stranger_is_sent_to_sign_in(tenant: Tenant) -> None:
    stranger = client(tenant.dashboard)
    assert (await stranger.get("/chat", headers=HTML)).status_code == 303
    assert (await post(stranger, str(new_id()))).status_code == 401
    member = tenant.member()
    del member.headers["X-CSRF-Token"]
    assert (await post(member, str(new_id()))).status_code == 403
