"""The home page and the command palette, as members of a tenant see them."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from monster.contracts.tokens import Permission
from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.settings import Settings
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import PRIVATE_PEM, Tenant, client, create_agent, make_spec
from tests.connecting import connect, connected
from tests.process import MASTER_KEY

HTML = {"Accept": "text/html"}


async def _home(member: httpx.AsyncClient) -> str:
    answer = await member.get("/", headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


async def _talk(tenant: Tenant, member: httpx.AsyncClient, title: str) -> None:
    """A conversation of the tenant's usual person with an agent that the dashboard knows."""
    agent = await create_agent(member, name=f"Agent for {title}")
    path = f"/v1/agents/{agent['id']}"
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    await publisher.put(path, json=make_spec().model_dump(mode="json"))
    talker = tenant.caller(Permission.CONVERSATIONS_WRITE)
    body = {"agent_id": agent["id"], "title": title}
    answer = await talker.post("/v1/conversations", json=body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", ["/", "/palette?q=a"])
async def test_a_stranger_is_sent_to_sign_in(dashboard: FastAPI, path: str) -> None:
    answer = await client(dashboard).get(path, headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")


async def test_a_new_owner_sees_the_first_steps(tenant: Tenant) -> None:
    page = await _home(tenant.member("owner"))
    assert "Hello, Ada" in page
    assert "0 of 5 done" in page
    assert page.count("btn-primary") == 1


async def test_steps_are_done_when_they_are(tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    await _talk(tenant, member, "Lamps")
    page = await _home(member)
    assert "2 of 5 done" in page
    assert len(re.findall(r'class="step step-done', page)) == 2


async def test_a_viewer_is_not_told_to_build(tenant: Tenant) -> None:
    page = await _home(tenant.member("viewer"))
    assert "steps to a useful agent" not in page
    assert 'class="btn btn-secondary" href="/agents/new"' not in page


async def test_it_shows_what_is_mine_and_not_another_tenants(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    for tenant in two_tenants:
        member = tenant.member("owner", tenant.user_id)
        await _talk(tenant, member, f"Talk of {tenant.id}")
    for tenant, other in (two_tenants, two_tenants[::-1]):
        page = await _home(tenant.member("owner", tenant.user_id))
        assert page.count(f"Agent for Talk of {tenant.id}") == 2  # beside the talk, and by itself
        assert str(other.id) not in page


async def test_a_talk_outlives_its_agent(tenant: Tenant) -> None:
    agent_id = str(new_id())
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    await publisher.put(f"/v1/agents/{agent_id}", json=make_spec().model_dump(mode="json"))
    talker = tenant.caller(Permission.CONVERSATIONS_WRITE)
    await talker.post("/v1/conversations", json={"agent_id": agent_id, "title": "Old times"})
    page = await _home(tenant.member("owner", tenant.user_id))
    assert "Old times" in page
    assert "Its agent was deleted" in page


async def test_statements_do_not_grow_with_what_is_listed(
    tenant: Tenant, statements: Statements
) -> None:
    member = tenant.member("owner", tenant.user_id)
    counts = list[int]()
    for number in range(3):
        await _talk(tenant, member, f"Talk {number}")
        statements.clear()
        await _home(member)
        counts.append(len(statements))
    assert counts == counts[:1] * 3


@pytest.fixture
async def alone(postgres: Embedded, engine: FastAPI) -> AsyncIterator[Tenant]:
    """A tenant of a dashboard whose engine does not answer."""
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        signing_key=SecretStr(PRIVATE_PEM),
        account_key=SecretStr(MASTER_KEY),
        engine_url="http://127.0.0.1:9",  # the port for what nobody listens to
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Tenant(app, engine)


async def test_without_an_engine_the_rest_is_there(alone: Tenant) -> None:
    member = alone.member()
    await create_agent(member, name="Scout of the hills")
    page = await _home(member)
    assert "The engine does not answer" in page
    assert "Scout of the hills" in page
    assert "steps to a useful agent" not in page


async def _found(member: httpx.AsyncClient, words: str) -> list[str]:
    answer = await member.get("/palette", params={"q": words}, headers=HTML)
    assert answer.status_code == 200
    return re.findall(r"<span>([^<]*)</span>", answer.text)


async def test_the_palette_finds_agents_by_words(tenant: Tenant) -> None:
    member = tenant.member()
    for name in ("Order desk", "Order triage", "100% sure"):
        await create_agent(member, name=name)
    assert set(await _found(member, "order")) == {"Order desk", "Order triage"}
    assert await _found(member, "TRI ord") == ["Order triage"]
    assert await _found(member, "0%") == ["100% sure"]
    assert await _found(member, "_") == []
    assert await _found(member, " ") == []


async def test_the_palette_finds_what_one_may_see(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    await create_agent(ours.member(), name="Shared secret", scope="shared")
    await create_agent(ours.member(), name="Private secret", scope="private")
    assert await _found(ours.member(), "secret") == ["Shared secret"]
    assert await _found(theirs.member(), "secret") == []


@pytest.mark.parametrize("words", ["\x00", "a" * 201])
async def test_the_palette_refuses_what_cannot_be_searched(tenant: Tenant, words: str) -> None:
    answer = await tenant.member().get("/palette", params={"q": words})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "q"


async def test_connections_that_need_somebody_are_named(tenant: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    await connect(owner, "http://127.0.0.1:9", name="Nobody there")
    shown = await _home(owner)
    assert "1 connection needs you" in shown
    assert "Nobody there: agents that use it cannot work there." in shown

    await connect(owner, "http://127.0.0.1:9", name="Nor there")
    assert "2 connections need you" in await _home(owner)
    assert 'href="/connections?status=trouble"' in await _home(owner)

    await connected(owner, name="This works")
    assert "2 connections need you" in await _home(owner)
    assert "need you" not in await _home(tenant.member("viewer"))
