"""OpenAPI documents become tools; what cannot be one says so, and nothing hangs."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from monster.contracts.custom_tools import OpenApiSource
from monster.contracts.tokens import Permission
from monster.engine.custom_tools import document, openapi
from monster.engine.custom_tools.errors import BadDocument
from monster.engine.custom_tools.openapi import Source
from monster.kit.addresses import Guard
from tests.builders import Tenant
from tests.systems.web_servers import KEY, Api, Pages

URL = "/v1/tool_factories"
PETS = (Path(__file__).parent / "petstore.yaml").read_text()
READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE


async def preview(caller: httpx.AsyncClient, **source: str) -> dict[str, Any]:
    answer = await caller.post(f"{URL}/openapi/preview", json=source)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_document_is_shown_operation_by_operation(tenant: Tenant) -> None:
    found = await preview(tenant.caller(READ, WRITE), document=PETS)
    operations = {one["id"]: one for one in found["operations"]}
    assert (found["name"], found["version"]) == ("Pets", "1.0")
    assert found["servers"] == ["https://pets.example/v2"]
    assert list(operations) == [
        *("listPets", "addPet", "get_pets_pet_id", "replace_pet", "listPets_2", "grow"),
    ]
    assert [one["effect"] for one in operations.values()].count("read") == 2
    listed = operations["listPets"]["parameters"]["properties"]
    assert list(listed) == ["limit", "tags", "X_Trace"]
    assert listed["limit"]["default"] == "2020-01-01"
    added = operations["addPet"]["parameters"]
    assert added["required"] == ["name"]
    assert added["properties"]["kind"] == {"type": ["string", "null"], "enum": ["cat", "dog", None]}
    grown = operations["grow"]["parameters"]["properties"]
    assert list(grown) == ["path", "label", "children"]
    replaced = operations["replace_pet"]["parameters"]["properties"]
    assert list(replaced) == ["pet_id", "name", "pet_id_2"]
    assert found["notes"] == [
        "The authentication 'other' (mutualTLS) cannot be used.",
        "POST /pets/{pet-id}/photo cannot be used: its body is multipart/form-data",
    ]
    assert found["oauth"]["token_url"] == "https://pets.example/token"
    assert list(found["auth_config"]) == [
        *("strategy_token", "strategy_key", "strategy_inquery", "strategy_login", "strategy_oauth"),
    ]


async def test_what_is_chosen_becomes_a_tool_that_works(tenant: Tenant) -> None:
    caller, served = tenant.caller(READ, WRITE), Api()
    async with served.serving():
        chosen = {"operations": ["get_pets_pet_id", "addPet"], "name": "Pets"}
        body = {"document": PETS, "base_url": f"{served.url}/v1", **chosen}
        made = (await caller.post(f"{URL}/openapi", json=body)).json()
        assert [one["name"] for one in made["tools"]] == ["get_pets_pet_id", "addPet"]
        for strategy, values in {
            "strategy_token": {"token": KEY},
            "strategy_inquery": {"inquery": KEY},
            "strategy_login": {"login_username": "ada", "login_password": KEY},
        }.items():
            wanted = {"tool_factory_id": made["id"], "name": strategy, "strategy": strategy}
            answer = await caller.post("/v1/credentials", json=wanted | {"values": values})
            assert answer.status_code == 201, answer.text
            who = {"name": "who", "description": "Who.", "path": "/who"}
            functions = [*made["config"]["functions"], who]
            account: dict[str, Any] = {"account": "who", "functions": functions}
            await caller.patch(f"{URL}/{made['id']}", json=account)
            tested = (await caller.post(f"/v1/credentials/{answer.json()['id']}/test")).json()
            assert tested["status"] == "active", tested
            await caller.patch(
                f"{URL}/{made['id']}",
                json={"account": "", "functions": made["config"]["functions"]},
            )


@pytest.mark.parametrize("service", ["engine", "dashboard"])
async def test_our_own_documents(
    service: str, tenant: Tenant, engine: FastAPI, dashboard: FastAPI
) -> None:
    app = engine if service == "engine" else dashboard
    own = app.openapi()
    read = openapi.preview(_read(json.dumps(own)))
    total = sum(len(item) for item in own["paths"].values())
    cannot = [note for note in read.notes if "cannot be used" in note]
    assert total > 20
    assert len(read.operations) + len(cannot) == total
    assert len(read.operations) > total * 0.8
    body = {
        "document": json.dumps(own),
        "name": "Ourselves",
        "base_url": "https://monster.example",
        "operations": [one.id for one in read.operations if "{" not in one.path][:50],
    }
    answer = await tenant.caller(READ, WRITE).post(f"{URL}/openapi", json=body)
    assert answer.status_code == 201, answer.text[:500]


def _read(text: str, url: str = "") -> openapi.Read:
    return openapi._read(text, url)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


async def test_swagger_2(tenant: Tenant) -> None:
    pets = {
        "swagger": "2.0",
        "info": {"title": "Old pets", "version": "1"},
        "host": "pets.example",
        "basePath": "/v1",
        "schemes": ["https"],
        "paths": {
            "/pets/{id}": {
                "post": {
                    "operationId": "update",
                    "parameters": [
                        {"name": "id", "in": "path", "type": "integer", "required": True},
                        {"name": "name", "in": "formData", "type": "string"},
                    ],
                },
                "put": {
                    "operationId": "put",
                    "parameters": [{"name": "pet", "in": "body", "schema": {"type": "array"}}],
                },
            }
        },
        "securityDefinitions": {"basic": {"type": "basic"}},
    }
    found = await preview(tenant.caller(READ, WRITE), document=json.dumps(pets))
    assert found["servers"] == ["https://pets.example/v1"]
    assert [one["id"] for one in found["operations"]] == ["update", "put"]
    assert list(found["operations"][0]["parameters"]["properties"]) == ["id", "name"]
    assert list(found["operations"][1]["parameters"]["properties"]) == ["id", "body"]
    assert list(found["auth_config"]) == ["strategy_basic"]


async def test_a_document_by_its_address(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    served = Pages(pages={"/pets.yaml": ("text/yaml", PETS.encode())})
    async with served.serving():
        found = await preview(caller, url=f"{served.url}/pets.yaml")
        assert len(found["operations"]) == 6
        gone = await caller.post(f"{URL}/openapi/preview", json={"url": f"{served.url}/none"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (424, "document_unreachable")


def _bomb() -> str:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for here, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{here}: &{here} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


BAD = {
    "aliases": _bomb(),
    "no object": "[1, 2]",
    "nothing": "",
    "text": "just words: [",
    "deep": "[" * 1000 + "]" * 1000,
    "deep yaml": "openapi: 3.0.0\npaths: " + "{a: " * 500 + "1" + "}" * 500,
    "python": "openapi: !!python/object/apply:os.system ['true']",
    "other": '{"swagger": "1.2"}',
    "no paths": '{"openapi": "3.0.0"}',
    "remote": '{"openapi":"3.0.0","paths":{"/a":{"$ref":"http://127.0.0.1/x"}}}',
    "file": '{"openapi":"3.0.0","paths":{"/a":{"$ref":"file:///etc/passwd"}}}',
    "circle": '{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}',
    "lost": '{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/none"}}}',
    "dates": "2020-01-01",
    "nul": '{"openapi": "3.0.0", "info": {"title": "\\u0000"}, "paths": {}}',
    "half a character": '{"openapi": "3.0.0", "info": {"title": "\\ud800"}, "paths": {}}',
    "no number": "openapi: 3.0.0\npaths: {}\nx: .nan",
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_document(tenant: Tenant, name: str) -> None:
    answer = await tenant.caller(READ, WRITE).post(
        f"{URL}/openapi/preview", json={"document": BAD[name]}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_document"), name


async def test_what_cannot_be_imported(tenant: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    good = {"document": PETS, "name": "Pets", "operations": ["addPet"]}
    changes: list[tuple[dict[str, Any], str]] = [
        ({"operations": ["none"]}, "operations"),
        ({"operations": []}, "operations"),
        ({"url": "https://x.example"}, "document"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"document": PETS.replace("pets.example/", "pets example/")}, "base_url"),
        ({"document": "", "url": "ftp://x.example/pets.yaml"}, "url"),
    ]
    for change, field in changes:
        answer = await caller.post(f"{URL}/openapi", json=good | change)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text


async def test_references_that_grow_come_to_an_end() -> None:
    """Each schema refers ten times to the next: written out, it would be 10^12 nodes."""
    wide = {
        f"S{n}": {
            "type": "object",
            "properties": {f"p{k}": {"$ref": f"#/components/schemas/S{n + 1}"} for k in range(10)},
        }
        for n in range(12)
    }
    wide["S12"] = {"type": "object", "properties": {}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    text = json.dumps(
        {
            "openapi": "3.0.0",
            "paths": {"/a": {"post": {"requestBody": body}}},
            "components": {"schemas": wide},
        }
    )
    read = await Source(Guard()).read(OpenApiSource(document=text))
    assert len(json.dumps(openapi.preview(read).model_dump())) < 1_000_000


_JUNK: list[Any] = [None, 1, "x", [], {}, [1], {"$ref": 7}, {"$ref": "#/info"}, True, {"a": {}}]


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    if isinstance(node, dict):
        inside = list(cast("dict[Any, Any]", node).items())
    elif isinstance(node, list):
        inside = list(enumerate(cast("list[Any]", node)))
    else:
        inside = []
    return [path, *(one for key, child in inside for one in _places(child, (*path, key)))]


_WHOLE = document.parse(PETS)
_ALL = _places(_WHOLE)[1:]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_ALL), st.sampled_from(_JUNK)), min_size=1, max_size=3))
def test_no_damage_to_a_document_breaks_us(damage: list[tuple[tuple[Any, ...], Any]]) -> None:
    broken = copy.deepcopy(_WHOLE)
    for path, junk in damage:
        with suppress(KeyError, IndexError, TypeError):  # damaged above it already
            node: Any = broken
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = copy.deepcopy(junk)
    with suppress(BadDocument):
        openapi.preview(_read(json.dumps(broken)))
