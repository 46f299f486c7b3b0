"""Screens about agents, as a browser sees them, with scripts and without."""

from typing import Any

import httpx
import pytest

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, create_agent, publish

PAGE = {"Accept": "text/html"}
HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}
TABS = ["", "/model", "/knowledge", "/versions"]


async def submit(member: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    return await member.post(path, data=form, headers=PAGE)


async def make_index(tenant: Tenant, name: str = "Handbook") -> str:
    caller = tenant.caller(Permission.KNOWLEDGE_WRITE)
    answer = await caller.post("/v1/indexes", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def make_connection(tenant: Tenant) -> str:
    body = {"system_name": "anthropic", "name": "Ours", "values": {"api_key": "sk-none"}}
    answer = await tenant.caller(Permission.CREDENTIALS_WRITE).post("/v1/credentials", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def draft(member: httpx.AsyncClient, agent_id: str) -> dict[str, Any]:
    return (await member.get(f"/api/agents/{agent_id}")).json()


INSTRUCTIONS = {"name": "Scout", "description": "", "instruction": "", "scope": "shared"}


async def test_from_an_empty_list_to_a_published_agent(tenant: Tenant) -> None:
    member = tenant.member()
    assert "There is no agent yet" in (await member.get("/agents", headers=PAGE)).text
    assert (await member.get("/agents/new", headers=PAGE)).status_code == 200

    made = await submit(member, "/agents", name="<Scout>", description="Finds", scope="private")
    assert made.status_code == 303
    path = made.headers["Location"]
    page = await member.get(path, headers=PAGE)
    assert "&lt;Scout&gt;" in page.text
    assert "Not published yet" in page.text

    form = INSTRUCTIONS | {"instruction": "Be brief.\r\nBe kind."}
    assert (await submit(member, f"{path}/instructions", **form)).status_code == 303
    published = await submit(member, f"{path}/publish", note="First")
    assert (published.status_code, published.headers["Location"]) == (303, f"{path}/versions")

    versions = (await member.get(f"{path}/versions", headers=PAGE)).text
    assert "Version 1 is published" in versions
    assert "First · Ada" in versions
    assert "Unpublished changes" not in versions
    assert (await draft(member, path.removeprefix("/agents/")))["instruction"] == (
        "Be brief.\nBe kind."
    )
    assert "Scout" in (await member.get("/agents?q=scout", headers=HTMX)).text
    assert "No agent matches" in (await member.get("/agents?q=x%25", headers=PAGE)).text


async def test_what_changed_is_shown_before_it_is_published(tenant: Tenant) -> None:
    member = tenant.member()
    agent = await create_agent(member, instruction="One.\nTwo.")
    await publish(member, agent["id"])
    path = f"/agents/{agent['id']}"

    await submit(member, f"{path}/instructions", **INSTRUCTIONS | {"instruction": "One.\nThree."})

    for page in (await member.get(path, headers=PAGE), await member.get(f"{path}/publish")):
        assert "Changes since version 1" in page.text
        assert "<code>Two.</code>" in page.text
        assert "<code>Three.</code>" in page.text
    assert "Unpublished changes" in (await member.get(path, headers=PAGE)).text


async def test_another_tenant_gets_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    agent = await create_agent(tenant.member())
    path, stranger = f"/agents/{agent['id']}", other.member("owner")

    for tab in [*TABS, "/publish", "/delete"]:
        assert (await stranger.get(path + tab, headers=PAGE)).status_code == 404
    for action, form in {
        "/instructions": INSTRUCTIONS,
        "/model": {"source": "builtin"},
        "/knowledge/detach": {"index_id": str(new_id())},
        "/publish": {},
        "/delete": {},
    }.items():
        assert (await submit(stranger, path + action, **form)).status_code == 404, action
    assert "Scout" not in (await stranger.get("/agents", headers=PAGE)).text
    assert await draft(tenant.member(), agent["id"]) == agent


async def test_a_viewer_reads_and_changes_nothing(tenant: Tenant) -> None:
    agent = await create_agent(tenant.member())
    path, viewer = f"/agents/{agent['id']}", tenant.member("viewer")

    for tab in TABS:
        page = await viewer.get(path + tab, headers=PAGE)
        assert page.status_code == 200
        assert 'data-open="publish"' not in page.text
        assert "delete-agent" not in page.text
    assert '<fieldset class="stack" disabled>' in (await viewer.get(path, headers=PAGE)).text
    assert "New agent" not in (await viewer.get("/agents", headers=HTMX)).text
    for tab in ("/agents/new", f"{path}/publish", f"{path}/delete"):
        assert (await viewer.get(tab, headers=PAGE)).status_code == 403
    for action, form in {
        "/agents": {"name": "Mole", "scope": "private"},
        f"{path}/instructions": INSTRUCTIONS,
        f"{path}/model": {"source": "builtin"},
        f"{path}/knowledge": {"index_id": str(new_id())},
        f"{path}/knowledge/detach": {"index_id": str(new_id())},
        f"{path}/publish": {},
        f"{path}/delete": {},
    }.items():
        assert (await submit(viewer, action, **form)).status_code == 403, action


@pytest.mark.parametrize(
    ("path", "form", "wrong"),
    [
        ("/agents", {"name": " ", "scope": "private"}, "name"),
        ("/agents", {"name": "a\0b", "scope": "private"}, "name"),
        ("/agents", {"name": "Taken", "scope": "private"}, "name"),
        ("/agents", {"name": "A", "description": "x" * 501, "scope": "private"}, "description"),
        ("/instructions", INSTRUCTIONS | {"name": ""}, "name"),
        ("/instructions", INSTRUCTIONS | {"name": "Taken"}, "name"),
        ("/instructions", INSTRUCTIONS | {"instruction": "a\0b"}, "instruction"),
        ("/instructions", INSTRUCTIONS | {"instruction": "x" * 100_001}, "instruction"),
        ("/model", {"source": "x"}, "source"),
        ("/model", {"source": str(new_id()), "model_name": "m"}, "source"),
        ("/publish", {"note": "x" * 501}, "note"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    tenant: Tenant, path: str, form: dict[str, str], wrong: str
) -> None:
    member = tenant.member()
    agent = await create_agent(member, instruction="Before.")
    await create_agent(member, name="Taken")
    whole = path if path == "/agents" else f"/agents/{agent['id']}{path}"

    page = await submit(member, whole, **form)
    part = await member.post(whole, data=form, headers=HTMX)

    assert page.status_code in {409, 422}
    assert f'id="{wrong}-error"' in page.text
    assert f'id="{wrong}-error"' in part.text
    assert await draft(member, agent["id"]) == agent


async def test_a_field_that_is_left_is_saved_and_the_head_follows(tenant: Tenant) -> None:
    member = tenant.member()
    agent = await create_agent(member)
    await publish(member, agent["id"])
    path = f"/agents/{agent['id']}/instructions"

    form = INSTRUCTIONS | {"name": "Pathfinder"}
    saved = await member.post(path, data=form, headers=HTMX | {"HX-Target": "p#saved"})

    assert saved.status_code == 200
    assert "Saved as a draft" in saved.text
    assert "<textarea" not in saved.text  # nothing typed since is overwritten
    assert '<hx-partial hx-target="#agent-head"' in saved.text
    assert "Unpublished changes" in saved.text
    assert "Pathfinder" in saved.text
    mended = await member.post(path, data=form, headers=HTMX | {"HX-Target": "form#agent-form"})
    assert "<textarea" in mended.text


async def test_knowledge_is_attached_and_detached(tenant: Tenant) -> None:
    member = tenant.member(user_id=tenant.user_id)
    index, agent = await make_index(tenant), await create_agent(member)
    path = f"/agents/{agent['id']}/knowledge"
    assert "Handbook (0 documents)" in (await member.get(path, headers=PAGE)).text

    for _ in range(2):
        assert (await submit(member, path, index_id=index)).status_code == 303
    config = (await draft(member, agent["id"]))["config"]
    assert config["knowledge"]["indexes"] == [index]
    assert "Detach Handbook" in (await member.get(path, headers=PAGE)).text
    assert "Knowledge: Handbook" in (await member.get(path, headers=PAGE)).text
    await publish(member, agent["id"])

    assert (await submit(member, f"{path}/detach", index_id=index)).status_code == 303
    assert (await draft(member, agent["id"]))["config"]["knowledge"]["indexes"] == []


async def test_knowledge_of_others_cannot_be_attached(tenant: Tenant, other: Tenant) -> None:
    member = tenant.member()
    agent, theirs = await create_agent(member), await make_index(other)
    for index in (theirs, str(new_id()), "x", ""):
        answer = await submit(member, f"/agents/{agent['id']}/knowledge", index_id=index)
        assert answer.status_code == 422
    assert (await draft(member, agent["id"])) == agent


async def test_an_index_that_is_gone_stops_the_next_version_only(tenant: Tenant) -> None:
    member = tenant.member(user_id=tenant.user_id)
    index, agent = await make_index(tenant), await create_agent(member)
    path = f"/agents/{agent['id']}"
    await submit(member, f"{path}/knowledge", index_id=index)
    await tenant.caller(Permission.KNOWLEDGE_WRITE).delete(f"/v1/indexes/{index}")

    assert "cannot be seen" in (await member.get(f"{path}/knowledge", headers=PAGE)).text
    refused = await submit(member, f"{path}/publish")
    assert refused.status_code == 422
    assert "It cannot be published like this" in refused.text
    assert (await submit(member, f"{path}/instructions", **INSTRUCTIONS)).status_code == 303
    assert (await submit(member, f"{path}/model", source="builtin")).status_code == 303
    assert (await submit(member, f"{path}/knowledge/detach", index_id=index)).status_code == 303
    assert (await submit(member, f"{path}/publish")).status_code == 303


async def test_a_model_that_came_by_the_api_is_kept(tenant: Tenant) -> None:
    member = tenant.member()
    agent = await create_agent(member, model="openai:small")
    path = f"/agents/{agent['id']}/model"
    assert "openai:small (as it is)" in (await member.get(path, headers=PAGE)).text

    assert (await submit(member, path, source="kept")).status_code == 303
    assert (await draft(member, agent["id"]))["model"] == "openai:small"
    assert (await submit(member, path, source="builtin")).status_code == 303
    assert (await draft(member, agent["id"]))["model"] == "builtin:quote"


async def test_a_connection_is_chosen_with_one_of_its_models(tenant: Tenant, other: Tenant) -> None:
    member = tenant.member(user_id=tenant.user_id)
    mine, theirs = await make_connection(tenant), await make_connection(other)
    path = f"/agents/{(await create_agent(member))['id']}/model"
    assert "Ours (anthropic)" in (await member.get(path, headers=PAGE)).text

    unnamed = await submit(member, path, source=mine)
    assert 'id="model_name-error"' in unnamed.text
    assert (await submit(member, path, source=theirs, model_name="m")).status_code == 422
    assert (await submit(member, path, source=mine, model_name=" opus ")).status_code == 303

    chosen = await draft(member, path.split("/")[2])
    assert chosen["model"] == "anthropic:opus"
    assert chosen["config"]["credential_id"] == mine
    assert 'value="opus"' in (await member.get(path, headers=PAGE)).text
    assert (
        "Connection: Ours"
        in (await member.get(path.replace("/model", "/publish"), headers=PAGE)).text
    )


async def test_deleting_asks_and_then_deletes(tenant: Tenant) -> None:
    member = tenant.member()
    agent = await create_agent(member)
    path = f"/agents/{agent['id']}"
    assert "cannot be undone" in (await member.get(f"{path}/delete", headers=PAGE)).text
    assert 'id="delete-agent"' in (await member.get(path, headers=PAGE)).text

    gone = await submit(member, f"{path}/delete")

    assert (gone.status_code, gone.headers["Location"]) == (303, "/agents")
    assert (await member.get(path, headers=PAGE)).status_code == 404


async def test_the_list_costs_the_same_for_any_number(
    tenant: Tenant, statements: Statements
) -> None:
    member = tenant.member()
    for number in range(32):
        await create_agent(member, name=f"Agent {number:02}")

    with statements.exactly(6):  # session, role; tenant, page, folders, how many are in each
        page = await member.get("/agents", headers=PAGE)

    assert "Agent 31" in page.text
    assert "Agent 01" not in page.text
    (after,) = {part.split('"')[0] for part in page.text.split("after=")[1:]}
    assert "Agent 01" in (await member.get(f"/agents?after={after}", headers=PAGE)).text
