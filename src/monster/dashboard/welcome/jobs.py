"""Makes the Guide. It may run twice: what is there already is found and left as it is."""

import asyncio
import uuid

from monster.contracts.knowledge import IndexCreate, IndexOut
from monster.contracts.tokens import Permission
from monster.dashboard.engine_client import Caller, EngineUnavailable, HttpEngine
from monster.dashboard.welcome import library, service
from monster.dashboard.welcome.schemas import MakeGuide
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_PERMISSIONS = frozenset({Permission.KNOWLEDGE_READ, Permission.KNOWLEDGE_WRITE})
_LOOKS = 600  # how often the index is looked at until all of it is read
_PAUSE = 0.2  # seconds


async def make_guide(sessions: SessionMaker, engine: HttpEngine, args: MakeGuide) -> None:
    caller = Caller(args.tenant_id, args.user_id, _PERMISSIONS)
    index = await _index(engine, caller)
    for page in library.pages():
        await _upload(engine, caller, index.id, page.name, page.read_bytes())
    await _until_read(engine, caller, index.id)
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        await service.publish_guide(session, args.tenant_id, args.user_id, index.id)


async def _index(engine: HttpEngine, caller: Caller) -> IndexOut:
    for found in await engine.call(caller, "GET", "/v1/indexes", params={"limit": 200}):
        if found["name"] == service.INDEX:
            return IndexOut.model_validate(found)
    wanted = IndexCreate(name=service.INDEX, description="What the Guide answers from.")
    made = await engine.call(caller, "POST", "/v1/indexes", json=wanted.model_dump(mode="json"))
    return IndexOut.model_validate(made)


async def _upload(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, name: str, content: bytes
) -> None:
    file = {"file": (name, content, "text/markdown")}
    await engine.call(caller, "POST", f"/v1/indexes/{index_id}/documents", files=file)


async def _until_read(engine: HttpEngine, caller: Caller, index_id: uuid.UUID) -> None:
    """The Guide appears when it can answer. Raises EngineUnavailable if that takes too long."""
    for _ in range(_LOOKS):
        index = IndexOut.model_validate(await engine.call(caller, "GET", f"/v1/indexes/{index_id}"))
        if index.ready + index.failed >= index.documents:
            return
        await asyncio.sleep(_PAUSE)
    raise EngineUnavailable("the documentation is not read yet")
