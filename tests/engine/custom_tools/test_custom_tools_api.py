"""Custom tools through the front door."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from monster.contracts.tokens import Permission
from tests.builders import Tenant
from tests.systems.web_servers import KEY, Api

URL = "/v1/tool_factories"
READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE

ITEM: dict[str, Any] = {
    "name": "get_item",
    "description": "Read an item.",
    "path": "/v1/items/{id}",
    "parameters": [
        {"name": "id", "place": "path", "shape": {"type": "integer"}, "required": True},
        {"name": "expand", "place": "query", "default": "none"},
    ],
}
WHO = {"name": "who", "description": "Who we are.", "path": "/v1/who"}


def tool(url: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "name": "Shop",
        "base_url": url,
        "auth_config": {"strategy_token": {"1. token": "Token"}},
        "headers": {"Authorization": "Bearer {token}"},
        "functions": [ITEM, WHO],
        "account": "who",
        "account_result": "path",
    } | changes


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    served = Api()
    async with served.serving():
        yield served


async def make(caller: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await caller.post(f"{URL}/custom", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_tool_is_made_connected_and_tested(tenant: Tenant, api: Api) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await make(caller, tool(api.url))
    assert (made["kind"], made["type"]) == ("custom", "custom")
    assert [one["name"] for one in made["tools"]] == ["get_item", "who"]
    assert made["tools"][0]["effect"] == "read"
    assert made["tools"][0]["parameters"]["required"] == ["id"]
    body = {"tool_factory_id": made["id"], "name": "Shop", "values": {"token": KEY}}
    credential = (await caller.post("/v1/credentials", json=body)).json()
    tested = (await caller.post(f"/v1/credentials/{credential['id']}/test")).json()
    assert (tested["status"], tested["account"]) == ("active", "/v1/who")
    listed = (await caller.get(URL)).json()
    assert made["id"] in [one["id"] for one in listed]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"headers": {"Authorization": "Bearer abc123"}}, "headers.Authorization"),
    ({"headers": {"Authorization": "Bearer {token}x9"}}, "headers.Authorization"),
    ({"headers": {"X-Api-Key": "sesame"}}, "headers.X-Api-Key"),
    ({"headers": {"Cookie": "session=1"}}, "headers.Cookie"),
    ({"query": {"api_key": "sesame"}}, "query.api_key"),
    ({"basic": ["ada", "sesame"]}, "basic"),
    ({"headers": {"X-A": "{nothing}"}}, "headers.X-A"),
    ({"headers": {"Host": "evil.example"}}, "headers.Host"),
    ({"headers": {"X A": "b"}}, "headers.X A"),
    ({"base_url": "ftp://x"}, "base_url"),
    ({"base_url": "https://user:word@x"}, "base_url"),
    ({"base_url": "https://x?key=1"}, "base_url"),
    ({"functions": [ITEM, ITEM]}, "functions"),
    ({"functions": []}, "functions"),
    ({"functions": [ITEM | {"path": "/v1/items"}]}, "functions.0.path"),
    ({"functions": [ITEM | {"path": "items/{id}"}]}, "functions.0.path"),
    ({"functions": [ITEM | {"result": "a["}]}, "functions.0.result"),
    ({"account": "get_item"}, "account"),
    ({"auth_config": {"strategy_token": "x"}}, "auth_config.strategy_token"),
    (
        {
            "auth_config": {"strategy_token": {"token": "T", "base_url": "U"}},
            "environments": {"own": "secret-of-the-tool"},
        },
        "environments",
    ),
    (
        {"auth_config": {"strategy_token": {"token": {"description": "T", "type": "secret",
                                                      "default": "x"}}}},
        "auth_config.strategy_token.token.default",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), BAD)
async def test_bad_input_is_named(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    body = tool("https://shop.example", **changes)
    answer = await tenant.caller(READ, WRITE).post(f"{URL}/custom", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
    assert "sesame" not in answer.text


PARAMETERS: list[dict[str, Any]] = [
    {"name": "a", "place": "header", "wire": "Authorization"},
    {"name": "a", "place": "header", "wire": "X-Forwarded-For"},
    {"name": "a", "place": "header", "wire": "X-A: 1\r\nX-B"},
    {"name": "a", "place": "header", "wire": "x-key"},
    {"name": "a", "place": "query", "wire": "sig"},
    {"name": "a", "place": "query", "shape": {"type": "nope"}},
    {"name": "a", "place": "query", "shape": {"$ref": "#/x"}},
    {"name": "a", "place": "query", "shape": {"items": {"$ref": "http://127.0.0.1/x"}}},
    {"name": "a", "place": "query", "shape": {"pattern": "(a+"}},
    {"name": "a", "place": "nowhere"},
]


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_what_is_no_parameter(tenant: Tenant, parameter: dict[str, Any]) -> None:
    function = WHO | {"parameters": [parameter]}
    changes = {"headers": {"X-Key": "{token}"}, "query": {"sig": "{token}"}}
    body = tool("https://shop.example", functions=[function], account="", **changes)
    answer = await tenant.caller(READ, WRITE).post(f"{URL}/custom", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"].startswith("functions.0.parameters.0"), answer.text


async def test_secrets_of_the_tool_are_never_told(tenant: Tenant, api: Api) -> None:
    caller = tenant.caller(READ, WRITE)
    body = tool(
        api.url,
        auth_config={},
        headers={"Authorization": "Bearer {own}"},
        environments={"own": KEY},
        account="",
    )
    made = await make(caller, body)
    changed = await caller.patch(f"{URL}/{made['id']}", json={"description": "Another"})
    trail = await tenant.caller(Permission.AUDIT_READ).get("/v1/audit")
    assert changed.json()["description"] == "Another"
    assert changed.json()["config"] == made["config"]
    assert KEY not in str(made) + changed.text + trail.text
    assert made["id"] in trail.text


async def test_nobody_moves_a_tool_away_under_the_secrets_of_others(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    own = tool("https://shop.example", environments={"own": "a secret of the tool"})
    made = await make(caller, own | {"headers": {"X-Key": "{own}", "Authorization": "{token}"}})
    url = f"{URL}/{made['id']}"
    moved = {"base_url": "https://evil.example"}
    answer = await caller.patch(url, json=moved)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "environments")
    again = moved | {"environments": {"own": "another secret"}}
    assert (await caller.patch(url, json=again)).status_code == 200
    body = {"tool_factory_id": made["id"], "name": "Shop", "values": {"token": KEY}}
    assert (await caller.post("/v1/credentials", json=body)).status_code == 201
    answer = await caller.patch(url, json=again | {"base_url": "https://worse.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "tool_factory_in_use")


async def test_names_are_given_once_and_kinds_stay(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    first = await make(caller, tool("https://a.example"))
    second = await make(caller, tool("https://a.example", name="Other"))
    taken = await caller.post(f"{URL}/custom", json=tool("https://b.example"))
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "tool_factory_name_taken")
    renamed = await caller.patch(f"{URL}/{second['id']}", json={"name": first["name"]})
    assert (renamed.status_code, renamed.json()["error"]["code"]) == (
        409,
        "tool_factory_name_taken",
    )


async def test_others_have_none_of_it(tenant: Tenant, other: Tenant) -> None:
    made = await make(tenant.caller(READ, WRITE), tool("https://a.example"))
    url = f"{URL}/{made['id']}"
    stranger = other.caller(READ, WRITE)
    assert (await stranger.patch(url, json={"name": "Mine"})).status_code == 404
    assert (await tenant.caller(READ).patch(url, json={"name": "Mine"})).status_code == 403
    reader = tenant.caller(READ)
    assert (await reader.post(f"{URL}/custom", json=tool("https://a.example"))).status_code == 403


async def test_a_function_is_tried(tenant: Tenant, other: Tenant, api: Api) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await make(caller, tool(api.url))
    url = f"{URL}/{made['id']}/try"
    call: dict[str, Any] = {"function": "get_item", "arguments": {"id": 7}}
    missing = (await caller.post(url, json=call)).json()
    assert missing == {"result": None, "error": "connect Shop"}
    body = {"tool_factory_id": made["id"], "name": "Shop", "values": {"token": KEY}}
    credential = (await caller.post("/v1/credentials", json=body)).json()
    tried = (await caller.post(url, json=call | {"credential_id": credential["id"]})).json()
    assert tried["error"] is None
    assert tried["result"]["path"] == "/v1/items/7"
    wrong = (await caller.post(url, json=call | {"arguments": {"id": "x"}})).json()
    assert "not right" in wrong["error"]
    trail = await tenant.caller(Permission.AUDIT_READ).get("/v1/audit")
    assert "get_item" in trail.text
    stranger = other.caller(READ, WRITE)
    assert (await stranger.post(url, json=call)).status_code == 404
    theirs = await make(stranger, tool(api.url))
    answer = await stranger.post(
        f"{URL}/{theirs['id']}/try", json=call | {"credential_id": credential["id"]}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "credential_not_found")
    assert (await tenant.caller(READ).post(url, json=call)).status_code == 403
