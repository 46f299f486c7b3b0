"""Files of conversations, through the front door and as tools use them."""

import asyncio
import uuid

import httpx
import pytest

from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.files import service
from monster.engine.files.service import ConversationFiles
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import Files, MemoryFiles
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.talk import publish

READ, WRITE = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_WRITE


async def begin(tenant: Tenant, caller: httpx.AsyncClient) -> str:
    agent = await publish(tenant, [])
    answer = await caller.post("/v1/conversations", json={"agent_id": agent, "title": "Files"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def tool_files(tenant: Tenant, conversation_id: str) -> ConversationFiles:
    scope = Scope(tenant.id, "engine", frozenset(), tenant.user_id)
    sessions = tenant.engine.state.sessions
    return ConversationFiles(sessions, scope, uuid.UUID(conversation_id), new_id())


async def test_attach_list_read_replace_delete(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(READ, WRITE)
    url = f"/v1/conversations/{await begin(tenant, caller)}/files"

    first = await caller.put(f"{url}/sales%20%C3%BC.csv", content=b"a,b\n1,2\n")
    second = await caller.put(f"{url}/sales%20%C3%BC.csv", content=b"a,b\n3,4\n")
    with statements.exactly(3):  # set the tenant, the conversation, its files
        listed = (await caller.get(url)).json()
    read = await caller.get(f"/v1/files/{first.json()['id']}")

    assert first.status_code == 200, first.text
    assert first.json()["mime_type"] == "text/csv"
    assert [(f["name"], f["size"], f["source"]) for f in listed] == [("sales ü.csv", 8, "upload")]
    assert second.json()["id"] == first.json()["id"]
    assert read.content == b"a,b\n3,4\n"
    assert read.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''sales%20")
    assert (await caller.delete(f"/v1/files/{first.json()['id']}")).status_code == 204
    assert (await caller.get(url)).json() == []


async def test_what_is_not_ones_own_does_not_exist(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    caller = tenant.caller(READ, WRITE)
    conversation = await begin(tenant, caller)
    made = (await caller.put(f"/v1/conversations/{conversation}/files/a.txt", content=b"x")).json()
    colleague = tenant.caller(READ, WRITE, user_id=new_id())
    for stranger in (other.caller(READ, WRITE), colleague):
        for method, path in (
            ("GET", f"/v1/conversations/{conversation}/files"),
            ("PUT", f"/v1/conversations/{conversation}/files/b.txt"),
            ("GET", f"/v1/files/{made['id']}"),
            ("DELETE", f"/v1/files/{made['id']}"),
        ):
            assert (await stranger.request(method, path)).status_code == 404, path
    reader = tenant.caller(READ)
    assert (await reader.delete(f"/v1/files/{made['id']}")).status_code == 403


@pytest.mark.parametrize("name", ["..", ".hidden", "a%2Fb", "a%5Cb", "nul%00", "%20", "x" * 201])
async def test_a_name_is_one_segment(tenant: Tenant, name: str) -> None:
    caller = tenant.caller(READ, WRITE)
    conversation = await begin(tenant, caller)
    answer = await caller.put(f"/v1/conversations/{conversation}/files/{name}", content=b"x")
    assert 400 <= answer.status_code < 500, answer.text
    assert (await caller.get(f"/v1/conversations/{conversation}/files")).json() == []


async def test_there_is_an_end(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 3)
    monkeypatch.setattr(service, "LARGEST_SUM", 10)
    caller = tenant.caller(READ, WRITE)
    url = f"/v1/conversations/{await begin(tenant, caller)}/files"
    at_once = await asyncio.gather(*(caller.put(f"{url}/{n}.txt", content=b"x") for n in range(6)))
    large = await caller.put(f"{url}/{(await caller.get(url)).json()[0]['name']}", content=b"x" * 9)

    assert sorted(answer.status_code for answer in at_once) == [200, 200, 200, 409, 409, 409]
    assert (large.status_code, large.json()["error"]["code"]) == (413, "file_too_large")


async def test_both_kinds_keep_the_same_promises(tenant: Tenant) -> None:
    conversation = await begin(tenant, tenant.caller(READ, WRITE))
    kinds: list[Files] = [MemoryFiles(), tool_files(tenant, conversation)]
    for files in kinds:
        written = await files.write("chart.png", b"\x89PNG", "image/png")
        await files.write("chart.png", b"again", "image/png")
        assert (written.name, written.size) == ("chart.png", 4)
        assert await files.read("chart.png") == b"again"
        assert [(one.name, one.size) for one in await files.list()] == [("chart.png", 5)]
        with pytest.raises(ToolFailed):
            await files.read("other.png")
    with pytest.raises(ToolFailed):
        await kinds[1].write("../x", b"", "text/plain")


async def test_tools_see_the_files_of_their_own_conversation(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    one, two = await begin(tenant, caller), await begin(tenant, caller)
    await tool_files(tenant, one).write("a.txt", b"one", "text/plain")
    assert await tool_files(tenant, two).list() == []
    listed = (await caller.get(f"/v1/conversations/{one}/files")).json()
    assert [(file["name"], file["source"]) for file in listed] == [("a.txt", "tool")]
