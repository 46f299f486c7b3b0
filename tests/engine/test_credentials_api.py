"""Credentials through the front door: values go in and never come out."""

import asyncio
import io
import logging
from typing import Any

import httpx
import psycopg
import pytest

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit import logs
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.upstream import SSE, WIRES, OpenAI, Wire, refuse, reply_json, upstream

READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE
VALUE = "sk-0a1b2c3d4e5f"
URL = "/v1/credentials"


async def create(caller: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    base_url = changes.pop("base_url", None)
    values = {"api_key": VALUE} | ({"base_url": base_url} if base_url else {})
    body: dict[str, Any] = {"system_name": "openai", "name": "Main", "scope": "shared"}
    body |= {"values": values} | changes
    answer = await caller.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_create_read_list_delete(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, base_url="https://models.example/v1/")
    second = await create(caller, name="Second")

    with statements.exactly(2):  # set the tenant, select
        listed = await caller.get(URL)
    rest = await caller.get(URL, params={"after": made["id"], "limit": 1})
    read = await caller.get(f"{URL}/{made['id']}")

    assert listed.json() == [made, second]
    assert rest.json() == [second]
    assert read.json() == made
    assert made["secrets"] == ["api_key"]
    assert made["config"]["base_url"] == "https://models.example/v1"
    assert (made["status"], made["user_id"]) == ("active", str(tenant.user_id))
    assert (await caller.delete(f"{URL}/{made['id']}")).status_code == 204
    for method in ("GET", "DELETE"):
        answer = await caller.request(method, f"{URL}/{made['id']}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "credential_not_found")


async def test_what_is_stored_is_sealed_and_goes_with_its_credential(
    tenant: Tenant, postgres: Embedded
) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller)
    query = "select key, ciphertext from secret where tenant_id = %s"
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as connection:
        ((key, ciphertext),) = connection.execute(query, [tenant.id]).fetchall()
        await caller.delete(f"{URL}/{made['id']}")
        left = connection.execute(query, [tenant.id]).fetchall()

    assert key == f"{made['id']}:api_key"
    assert VALUE.encode() not in ciphertext
    assert left == []


async def test_the_first_two_of_a_tenant_may_come_at_once(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    async with upstream(OpenAI.names) as served:
        made = await asyncio.gather(
            *(create(caller, name=f"n{n}", base_url=served.url) for n in range(8))
        )
        tried = await asyncio.gather(*(caller.post(f"{URL}/{m['id']}/test") for m in made))
    assert {answer.json()["status"] for answer in tried} == {"active"}


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    made = await create(tenant.caller(WRITE))
    stranger = other.caller(READ, WRITE)

    assert (await stranger.get(URL)).json() == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/models")):
        answer = await stranger.request(method, f"{URL}/{made['id']}{path}")
        assert answer.status_code == 404, path
    await create(stranger)  # the same name under another tenant is another credential
    assert (await tenant.caller(READ).get(f"{URL}/{made['id']}")).json() == made


async def test_a_private_one_is_its_owners(tenant: Tenant) -> None:
    made = await create(tenant.caller(WRITE), scope="private")
    colleague = tenant.caller(READ, WRITE, user_id=new_id())

    assert (await colleague.get(URL)).json() == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/models")):
        answer = await colleague.request(method, f"{URL}/{made['id']}{path}")
        assert answer.status_code == 404, path
    assert (await tenant.caller(READ).get(URL)).json() == [made]


async def test_each_permission_opens_its_own_door(tenant: Tenant) -> None:
    reader, writer = tenant.caller(READ), tenant.caller(WRITE)
    url = f"{URL}/{(await create(writer))['id']}"
    body = {"system_name": "openai", "name": "x", "values": {"api_key": VALUE}}

    for answer in (
        await reader.post(URL, json=body),
        await reader.delete(url),
        await reader.post(f"{url}/test"),
        await writer.get(URL),
        await writer.get(url),
        await writer.get(f"{url}/models"),
    ):
        assert answer.status_code == 403, answer.request.url


BAD: list[tuple[dict[str, Any], str]] = [
    ({"values": {"api_key": "two words"}}, "values.api_key"),
    ({"values": {"api_key": "nul\0"}}, "values.api_key"),
    ({"values": {"api_key": "line\nline"}}, "values.api_key"),
    ({"values": {"api_key": "ü"}}, "values.api_key"),
    ({"values": {"api_key": "x" * 9000}}, "values.api_key"),
    ({"values": {"api_key": VALUE, "token": "x"}}, "values.token"),
    ({"values": {"api_key": 5}}, "values.api_key"),
    ({"values": None}, "values"),
    ({"system_name": None}, "tool_factory_id"),
    ({"tool_factory_id": str(new_id())}, "tool_factory_id"),
    ({"strategy": "strategy_magic"}, "strategy"),
    ({"system_name": "anthropic", "values": {}}, "values.api_key"),
    ({"system_name": "anthropic", "values": {"api_key": " "}}, "values.api_key"),
    ({"name": " "}, "name"),
    ({"name": "\0"}, "name"),
    ({"scope": "public"}, "scope"),
    *(
        ({"values": {"base_url": url}}, "values.base_url")
        for url in (
            "ftp://x",
            "http://",
            "http://user:word@host",
            "http://host?key=1",
            "http://host:99999",
            "http://[::1",
            "http://a b",
        )
    ),
    ({"color": "red"}, "color"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
async def test_bad_input_is_named(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    body = {"system_name": "openai", "name": "Main", "values": {"api_key": VALUE}} | changes
    answer = await tenant.caller(READ, WRITE).post(URL, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
    assert VALUE not in answer.text


async def test_a_name_is_given_once(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    await create(caller)
    body = {"system_name": "google", "name": "Main", "values": {"api_key": "another"}}
    answer = await caller.post(URL, json=body)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "credential_name_taken"
    assert answer.json()["error"]["field"] == "name"


async def test_a_server_of_ones_own_may_do_without_a_key(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    async with upstream(OpenAI.names) as served:
        made = await create(caller, values={"base_url": served.url})
        answer = await caller.get(f"{URL}/{made['id']}/models")
    assert made["secrets"] == []
    assert answer.json() == ["large", "small"]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.system)
async def test_a_test_says_whether_it_works(tenant: Tenant, wire: Wire) -> None:
    caller = tenant.caller(READ, WRITE)
    held: list[int] = []

    async def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(tenant.engine.state.sessions.kw["bind"].pool.checkedout())
        writer.write(wire.names)

    async with upstream(refuse(401, f"{VALUE} is \0 no key"), look) as served:
        made = await create(caller, system_name=wire.system, base_url=served.url)
        failing = (await caller.post(f"{URL}/{made['id']}/test")).json()
        active = (await caller.post(f"{URL}/{made['id']}/test")).json()
        models = (await caller.get(f"{URL}/{made['id']}/models")).json()

    assert failing["status"] == "failing"
    assert failing["last_error"] == "the provider says: ••• is  no key"
    assert (active["status"], active["last_error"]) == ("active", None)
    assert active["account"] == (None if wire.system == "google" else "acme")
    assert models == ["large", "small"]
    assert held == [0, 0]  # no connection waits for a provider


@pytest.mark.parametrize(
    "answer", [SSE, b"", b"SSH-2.0\r\n", reply_json([]), reply_json({"data": 5}), refuse(500, "x")]
)
async def test_a_provider_that_fails_is_no_failure_of_ours(tenant: Tenant, answer: bytes) -> None:
    caller = tenant.caller(READ, WRITE)
    async with upstream(answer) as served:
        made = await create(caller, base_url=served.url)
        tried = await caller.post(f"{URL}/{made['id']}/test")
        models = await caller.get(f"{URL}/{made['id']}/models")
    away = await caller.post(f"{URL}/{made['id']}/test")  # it is switched off by now

    assert (tried.status_code, tried.json()["status"]) == (200, "failing")
    assert (models.status_code, models.json()["error"]["code"]) == (424, "provider_failed")
    assert "cannot be reached" in away.json()["last_error"]


async def test_private_addresses_are_out_of_reach(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, base_url="http://169.254.169.254/latest/meta-data")
    tried = await caller.post(f"{URL}/{made['id']}/test")
    assert "`outbound_allow`" in tried.json()["last_error"]


async def test_no_value_is_ever_told(tenant: Tenant) -> None:
    root = logging.getLogger()
    before, level, stream = root.handlers[:], root.level, io.StringIO()
    root.handlers.clear()
    logs.configure(stream=stream, level="DEBUG")
    caller = tenant.caller(READ, WRITE)
    try:
        async with upstream(refuse(401, f"what is {VALUE}?")) as served:
            made = await create(caller, base_url=served.url)
            url = f"{URL}/{made['id']}"
            answers = [
                await caller.get(URL),
                await caller.get(url),
                await caller.post(f"{url}/test"),
                await caller.get(f"{url}/models"),
                await caller.post(URL, json={"name": VALUE * 100, "values": VALUE}),
                await caller.get(url),
            ]
        logging.getLogger("monster").error("by mistake: %r", {"Authorization": f"Bearer {VALUE}"})
    finally:
        root.handlers[:], root.level = before, level
    assert VALUE not in str(made) + "".join(answer.text for answer in answers)
    assert "by mistake" in stream.getvalue()
    assert VALUE not in stream.getvalue()


async def test_a_sealed_value_in_another_place_does_not_open(
    tenant: Tenant, postgres: Embedded
) -> None:
    caller = tenant.caller(READ, WRITE)
    rich, poor = (await create(caller, name="y"))["id"], (await create(caller, name="x"))["id"]
    swap = """
        update secret set ciphertext = (select ciphertext from secret where credential_id = %s)
        where credential_id = %s
    """
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as connection:
        connection.execute(swap, [rich, poor])
    answer = await caller.post(f"{URL}/{poor}/test")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "secrets_sealed")


async def test_unknown_ids_do_not_exist(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    for path in (f"{new_id()}", f"{new_id()}/models"):
        assert (await caller.get(f"{URL}/{path}")).status_code == 404
    assert (await caller.get(f"{URL}/7")).status_code == 422
