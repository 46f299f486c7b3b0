"""What tests about knowledge start from: indexes, uploads, a worker that stops when it is done."""

import uuid
from typing import Any

import httpx
from fastapi import FastAPI

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.engine.worker import create_worker
from monster.kit.embedded import Embedded
from tests.builders import Tenant

READ, WRITE = Permission.KNOWLEDGE_READ, Permission.KNOWLEDGE_WRITE

UPLOAD_LIMIT = 100_000

GUIDE = """# Guide

## Holidays

Employees have thirty days of paid leave a year.

## Expenses

Receipts are handed in by the tenth of the following month.

## Parking

Visitors leave their car behind the building.
"""


def keeper(tenant: Tenant, user_id: uuid.UUID | None = None) -> httpx.AsyncClient:
    return tenant.caller(READ, WRITE, user_id=user_id)


async def make_index(caller: httpx.AsyncClient, **changes: str) -> str:
    answer = await caller.post("/v1/indexes", json={"name": "Handbook"} | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def upload(
    caller: httpx.AsyncClient,
    index_id: str,
    content: str | bytes = GUIDE,
    name: str = "guide.md",
    **fields: str,
) -> dict[str, Any]:
    answer = await send(caller, index_id, content, name, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def send(
    caller: httpx.AsyncClient, index_id: str, content: str | bytes, name: str, **fields: str
) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    url = f"/v1/indexes/{index_id}/documents"
    return await caller.post(url, files={"file": (name, data)}, data=fields)


async def work(postgres: Embedded, engine: FastAPI) -> None:
    worker = create_worker(
        postgres.conninfo(database.NAME, database.ROLE),
        engine.state.sessions,
        engine.state.embedder,
    )
    async with worker.open_async():
        await worker.run_worker_async(
            wait=False, install_signal_handlers=False, listen_notify=False
        )


async def read(caller: httpx.AsyncClient, document_id: str) -> dict[str, Any]:
    answer = await caller.get(f"/v1/documents/{document_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def search(caller: httpx.AsyncClient, index_id: str, query: str) -> list[dict[str, Any]]:
    answer = await caller.post(f"/v1/indexes/{index_id}/search", json={"query": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["passages"]
