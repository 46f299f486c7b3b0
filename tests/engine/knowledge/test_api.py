"""Indexes and documents through the front door."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import ENGINE, ServiceClaims
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.limits import MIB
from monster.kit.testing import Statements
from tests.builders import Tenant, client, sign
from tests.knowledge import (
    GUIDE,
    READ,
    UPLOAD_LIMIT,
    WRITE,
    keeper,
    make_index,
    read,
    search,
    send,
    upload,
    work,
)

# Every operation: its permission, method, path.
OPERATIONS = [
    (READ, "GET", "/v1/indexes"),
    (WRITE, "POST", "/v1/indexes"),
    (READ, "GET", "/v1/indexes/{index}"),
    (WRITE, "DELETE", "/v1/indexes/{index}"),
    (READ, "GET", "/v1/indexes/{index}/documents"),
    (WRITE, "POST", "/v1/indexes/{index}/documents"),
    (READ, "POST", "/v1/indexes/{index}/search"),
    (READ, "GET", "/v1/documents/{document}"),
    (WRITE, "DELETE", "/v1/documents/{document}"),
    (WRITE, "POST", "/v1/documents/{document}/retry"),
    (READ, "GET", "/v1/passages/{passage}"),
]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/indexes": {"json": {"name": "Other"}},
    "/v1/indexes/{index}/documents": {"files": {"file": ("a.txt", b"a")}},
    "/v1/indexes/{index}/search": {"json": {"query": "leave"}},
}


async def ask(caller: httpx.AsyncClient, method: str, path: str, **ids: str) -> httpx.Response:
    body = BODIES.get(path, {}) if method == "POST" else {}
    return await caller.request(method, path.format(**ids), **body)


async def filled(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, **index: str
) -> dict[str, str]:
    caller = keeper(tenant)
    index_id = await make_index(caller, **index)
    document = await upload(caller, index_id)
    await work(postgres, engine)
    passage = (await search(caller, index_id, "leave"))[0]["chunk_id"]
    return {"index": index_id, "document": document["id"], "passage": passage}


async def test_another_tenant_and_another_person_see_nothing(
    two_tenants: tuple[Tenant, Tenant], engine: FastAPI, postgres: Embedded
) -> None:
    tenant, other = two_tenants
    ids = await filled(tenant, engine, postgres, scope="private")
    strangers = keeper(other), keeper(tenant, new_id())

    for caller in strangers:
        for _, method, path in OPERATIONS[2:]:
            answer = await ask(caller, method, path, **ids)
            assert answer.status_code == 404, (method, path, answer.text)
        assert (await caller.get("/v1/indexes")).json() == []
    mine = await keeper(tenant).get(f"/v1/indexes/{ids['index']}")
    assert (mine.json()["documents"], mine.json()["ready"]) == (1, 1)


async def test_what_is_shared_is_the_whole_tenants(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    ids = await filled(tenant, engine, postgres)
    colleague = keeper(tenant, new_id())
    assert (await ask(colleague, "GET", "/v1/passages/{passage}", **ids)).status_code == 200
    assert await search(colleague, ids["index"], "leave")


async def test_each_permission_opens_its_own_doors(tenant: Tenant) -> None:
    ids = dict.fromkeys(("index", "document", "passage"), str(new_id()))
    for permission, method, path in OPERATIONS:
        answer = await ask(
            tenant.caller({READ: WRITE, WRITE: READ}[permission]), method, path, **ids
        )
        assert answer.status_code == 403, (method, path)
        assert answer.json()["error"]["code"] == "forbidden"


async def test_an_index_says_what_is_in_it(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller, description="What holds here")
    await upload(caller, index)
    await upload(caller, index, b"%PDF-1.4 rubbish", "broken.pdf")
    await work(postgres, engine)

    shown = (await caller.get(f"/v1/indexes/{index}")).json()
    assert (shown["documents"], shown["ready"], shown["failed"], shown["chunks"]) == (2, 1, 1, 3)
    assert shown["size"] == len(GUIDE) + 16
    assert (shown["index_type"], shown["embedding_model"]) == ("hybrid", "local:all-minilm-l6-v2")
    assert (await caller.get("/v1/indexes")).json() == [shown]


async def test_a_name_is_taken_once_a_tenant(tenant: Tenant, other: Tenant) -> None:
    await make_index(keeper(tenant))
    await make_index(keeper(other))
    again = await keeper(tenant).post("/v1/indexes", json={"name": " Handbook "})
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "index_name_taken"
    assert again.json()["error"]["field"] == "name"


async def test_lists_go_on_after_the_last_and_cost_the_same(
    tenant: Tenant, statements: Statements
) -> None:
    caller = keeper(tenant)
    ids = [await make_index(caller, name=f"Index {n}") for n in range(4)]
    documents = [(await upload(caller, ids[0], name=f"{n}.md"))["id"] for n in range(4)]

    for url, known in (("/v1/indexes", ids), (f"/v1/indexes/{ids[0]}/documents", documents)):
        with statements.exactly(2 if url == "/v1/indexes" else 3):  # tenant, (index,) page
            first = (await caller.get(url, params={"limit": 3})).json()
        rest = (await caller.get(url, params={"limit": 3, "after": first[-1]["id"]})).json()
        assert [one["id"] for one in first + rest] == known
    failed = await caller.get(f"/v1/indexes/{ids[0]}/documents", params={"status": "failed"})
    assert failed.json() == []


async def test_the_same_content_changes_nothing_and_other_content_replaces(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index)
    await work(postgres, engine)

    again = await upload(caller, index)
    assert again["status"] == "ready"
    changed = await upload(
        caller, index, "# Guide\n\nSeals eat fish.", title="Seals", uri="https://s.org"
    )
    assert (changed["id"], changed["status"]) == (again["id"], "queued")
    assert await search(caller, index, "paid leave")  # until the new content is read
    await work(postgres, engine)

    ready = await read(caller, changed["id"])
    assert (ready["title"], ready["uri"], ready["chunks"]) == ("Seals", "https://s.org", 1)
    assert [one["text"] for one in await search(caller, index, "leave")] == [
        "# Guide\n\nSeals eat fish."
    ]


async def test_what_is_deleted_is_gone(tenant: Tenant, engine: FastAPI, postgres: Embedded) -> None:
    ids = await filled(tenant, engine, postgres)
    caller = keeper(tenant)
    assert (await ask(caller, "DELETE", "/v1/documents/{document}", **ids)).status_code == 204
    assert await search(caller, ids["index"], "leave") == []
    assert (await ask(caller, "GET", "/v1/passages/{passage}", **ids)).status_code == 404
    assert (await ask(caller, "DELETE", "/v1/indexes/{index}", **ids)).status_code == 204
    assert (await ask(caller, "DELETE", "/v1/indexes/{index}", **ids)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x", "scope": "everybody"}, "scope"),
        ({"name": "x", "more": 1}, "more"),
        ({}, "name"),
    ],
)
async def test_bad_indexes_are_refused(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    body = json.dumps(changes)  # httpx would refuse half a surrogate pair
    answer = await keeper(tenant).post(
        "/v1/indexes", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "a\0b"}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"uri": "javascript:alert(1)"}, "uri"),
        ({"source_key": "a\0"}, "source_key"),
        ({"source_key": "x" * 1001}, "source_key"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_uploads_are_refused(tenant: Tenant, fields: dict[str, str], field: str) -> None:
    caller = keeper(tenant)
    answer = await send(caller, await make_index(caller), "text", "a.txt", **fields)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field


async def test_uploads_without_a_proper_file_are_refused(tenant: Tenant) -> None:
    caller = keeper(tenant)
    url = f"/v1/indexes/{await make_index(caller)}/documents"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    tries: list[dict[str, Any]] = [
        {},
        {"json": {"file": "text"}},
        {"data": {"file": "text"}},
        {"files": {"file": ("", b"text")}},
        {"files": {"file": ("empty.txt", b"")}},
        {"files": [("file", ("a", b"a")), ("file", ("b", b"b"))]},
        {"content": b"--x\r\nnonsense", "headers": form},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
    ]
    for request in tries:
        answer = await caller.post(url, **request)
        assert answer.status_code == 422, request
        assert answer.json()["error"]["field"] in {"file", "source_key"}, request
    assert (await caller.get(url)).json() == []


async def test_a_file_over_the_limit_is_too_large(tenant: Tenant) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    assert (await send(caller, index, b"x" * UPLOAD_LIMIT, "fits.txt")).status_code == 201
    for size in (UPLOAD_LIMIT + 1, UPLOAD_LIMIT + 2 * MIB):  # the second is not read to its end
        answer = await send(caller, index, b"x" * size, "big.txt")
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("body", [{"query": ""}, {"query": "a\0"}, {"query": "a", "limit": 51}, {}])
async def test_bad_questions_are_refused(tenant: Tenant, body: dict[str, Any]) -> None:
    caller = keeper(tenant)
    url = f"/v1/indexes/{await make_index(caller)}/search"
    assert (await caller.post(url, json=body)).status_code == 422


async def test_only_what_failed_is_tried_again(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    good, bad = await upload(caller, index), await upload(caller, index, b"\x7fELF\0\0", "a.bin")
    await work(postgres, engine)
    failed = await read(caller, bad["id"])
    assert failed["status"] == "failed"
    assert failed["error"].startswith("The file was not read: ")

    refused = await caller.post(f"/v1/documents/{good['id']}/retry")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "document_not_failed")
    again = await caller.post(f"/v1/documents/{bad['id']}/retry")
    assert (again.json()["status"], again.json()["error"]) == ("queued", None)


async def test_an_index_needs_a_person(tenant: Tenant) -> None:
    claims = ServiceClaims(sub="app", tenant=tenant.id, permissions=frozenset({READ, WRITE}))
    nobody = client(tenant.engine, sign(claims.model_dump(mode="json"), ENGINE))
    answer = await nobody.post("/v1/indexes", json={"name": "Whose?"})
    assert answer.status_code == 403
    await make_index(keeper(tenant), scope="private")
    assert (await nobody.get("/v1/indexes")).json() == []
