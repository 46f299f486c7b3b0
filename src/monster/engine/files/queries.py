"""All SQL about files. A file is seen by whoever sees its conversation."""

import uuid
from typing import LiteralString

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.files import FileOut
from monster.engine.access.scope import Scope
from monster.engine.files.schemas import NewFile, Usage
from monster.kit.ids import new_id

_OUT: LiteralString = "f.id, f.conversation_id, run_id, name, mime_type, source, size, f.created_at"

# One of the owner's three is given at most; the others are null, and null equals nothing.
_SEEN: LiteralString = """
    from attachment f join conversation c
        on c.tenant_id = f.tenant_id and c.id = f.conversation_id
    where f.tenant_id = :tenant and (c.user_id = cast(:user as uuid)
        or c.contact_id = cast(:contact as uuid)
        or c.contact_id is null and c.api_key_id = cast(:key as uuid))
    and (cast(:agents as uuid[]) is null or c.agent_id = any(cast(:agents as uuid[])))
"""

_LIST: LiteralString = f"""
    select {_OUT} {_SEEN} and f.conversation_id = :conversation order by f.id
"""

_GET: LiteralString = f"select {_OUT}, content {_SEEN} and f.id = :id"

_NAMED: LiteralString = f"""
    select content {_SEEN} and f.conversation_id = :conversation and name = :name
"""

# Of one conversation one after the other: the sum is true when the file is written.
_USAGE: LiteralString = f"""
    select count(*), coalesce(sum(size), 0) {_SEEN}
        and f.conversation_id = :conversation and name <> :name
"""

_ALONE: LiteralString = "select pg_advisory_xact_lock(:lock)"

_PUT: LiteralString = f"""
    insert into attachment as f
        (tenant_id, id, conversation_id, run_id, name, mime_type, source, size, content)
    values (:tenant, :id, :conversation, :run, :name, :mime_type, :source, :size, :content)
    on conflict (tenant_id, conversation_id, name) do update set run_id = excluded.run_id,
        mime_type = excluded.mime_type, source = excluded.source, size = excluded.size,
        content = excluded.content, updated_at = now()
    returning {_OUT}
"""  # noqa: S608 (made of literals: LiteralString holds that)

_REMOVE: LiteralString = f"""
    delete from attachment where tenant_id = :tenant and id in (
        select f.id {_SEEN} and f.id = :id)
    returning conversation_id
"""  # noqa: S608 (made of literals: LiteralString holds that)


def _own(scope: Scope, **more: object) -> dict[str, object]:
    return {"tenant": scope.tenant_id, "agents": scope.agents, **scope.owner, **more}


async def page(session: AsyncSession, scope: Scope, conversation_id: uuid.UUID) -> list[FileOut]:
    """All of them: there are not many."""
    rows = await session.execute(text(_LIST), _own(scope, conversation=conversation_id))
    return [FileOut.model_validate(row) for row in rows]


async def get(
    session: AsyncSession, scope: Scope, file_id: uuid.UUID
) -> tuple[FileOut, bytes] | None:
    row = (await session.execute(text(_GET), _own(scope, id=file_id))).one_or_none()
    return (FileOut.model_validate(row), row.content) if row else None


async def read(
    session: AsyncSession, scope: Scope, conversation_id: uuid.UUID, name: str
) -> bytes | None:
    params = _own(scope, conversation=conversation_id, name=name)
    return await session.scalar(text(_NAMED), params)


async def usage(
    session: AsyncSession, scope: Scope, conversation_id: uuid.UUID, name: str
) -> Usage:
    """Until the transaction ends, nobody else writes a file of this conversation."""
    lock = (conversation_id.int >> 1) & (1 << 62) - 1
    await session.execute(text(_ALONE), {"lock": lock})
    params = _own(scope, conversation=conversation_id, name=name)
    row = (await session.execute(text(_USAGE), params)).one()
    return Usage(row[0], int(row[1]))


async def put(
    session: AsyncSession, scope: Scope, conversation_id: uuid.UUID, new: NewFile
) -> FileOut:
    """Takes the place of the one that has its name."""
    params = {
        "tenant": scope.tenant_id,
        "id": new_id(),
        "conversation": conversation_id,
        "run": new.run_id,
        "name": new.name,
        "mime_type": new.mime_type,
        "source": new.source,
        "size": len(new.content),
        "content": new.content,
    }
    return FileOut.model_validate((await session.execute(text(_PUT), params)).one())


async def remove(session: AsyncSession, scope: Scope, file_id: uuid.UUID) -> uuid.UUID | None:
    """Its conversation; None if there is nothing to remove."""
    return await session.scalar(text(_REMOVE), _own(scope, id=file_id))
