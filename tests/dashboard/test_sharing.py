"""What is private is its owner's alone, whatever the role of others."""

import httpx

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests.builders import Tenant, create_agent, publish
from tests.members import PAGE

KEEPER = (
    Permission.KNOWLEDGE_READ,
    Permission.KNOWLEDGE_WRITE,
    Permission.CREDENTIALS_READ,
    Permission.CREDENTIALS_WRITE,
)


async def private_index(owner: httpx.AsyncClient) -> str:
    answer = await owner.post("/v1/indexes", json={"name": "Diary", "scope": "private"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def private_connection(owner: httpx.AsyncClient) -> str:
    body = {"system_name": "openai", "name": "Mine", "values": {"api_key": "sk-none"}}
    answer = await owner.post("/v1/credentials", json=body | {"scope": "private"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_nobody_attaches_what_is_somebody_elses_alone(tenant: Tenant) -> None:
    owner_id = new_id()
    engine = tenant.caller(*KEEPER, user_id=owner_id)
    index, connection = await private_index(engine), await private_connection(engine)
    owner, colleague = tenant.member("editor", owner_id), tenant.member("owner")
    agent = await create_agent(colleague)
    path = f"/api/agents/{agent['id']}"
    for config, field in (
        ({"credential_id": connection}, "config.credential_id"),
        ({"knowledge": {"indexes": [index]}}, "config.knowledge.indexes"),
    ):
        body = {"config": {"type": "llm"} | config}
        for answer in (
            await colleague.patch(path, json=body),
            await colleague.post("/api/agents", json={"name": "New", "model": "m"} | body),
        ):
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (404, "reference_missing")
            assert error["field"] == field
        assert (await owner.patch(path, json=body)).status_code == 200
    assert len((await colleague.get("/api/agents")).json()) == 1


async def test_nobody_sees_runs_moves_or_deletes_a_private_agent_of_another(tenant: Tenant) -> None:
    owner, colleague = tenant.member("editor"), tenant.member("owner")
    agent = await create_agent(owner, scope="private")
    await publish(owner, agent["id"])
    page, api = f"/agents/{agent['id']}", f"/api/agents/{agent['id']}"
    for answer in (
        await colleague.get(page, headers=PAGE),
        await colleague.get(f"{page}/move", headers=PAGE),
        await colleague.post(f"{page}/move", data={"folder_id": ""}, headers=PAGE),
        await colleague.post(f"{page}/delete", headers=PAGE),
        await colleague.get(f"/chat/{agent['id']}", headers=PAGE),
        await colleague.patch(api, json={"folder_id": None}),
        await colleague.delete(api),
        await colleague.get(f"{api}/versions"),
    ):
        assert answer.status_code == 404, answer.request.url
    assert (await owner.get(api)).status_code == 200


async def test_nobody_deletes_an_index_or_a_connection_of_another(tenant: Tenant) -> None:
    owner, colleague = tenant.caller(*KEEPER), tenant.caller(*KEEPER, user_id=new_id())
    index, connection = await private_index(owner), await private_connection(owner)
    for path in (f"/v1/indexes/{index}", f"/v1/credentials/{connection}"):
        for method in ("GET", "DELETE"):
            assert (await colleague.request(method, path)).status_code == 404
        assert (await owner.get(path)).status_code == 200
