"""Files of conversations: attached by people, read and written by tools."""

import mimetypes
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.files import FileName, FileOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.conversations import service as conversations
from monster.engine.files import queries
from monster.engine.files.errors import BadFileName, FileNotFound, FileTooLarge, TooManyFiles
from monster.engine.files.schemas import NewFile
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import StoredFile
from monster.kit import audit, tenancy
from monster.kit.audit import Action, Entry
from monster.kit.db import SessionMaker
from monster.kit.errors import AppError

MOST = 100  # files of a conversation
LARGEST_SUM = 200 << 20  # bytes of a conversation
_KIND = "file"
_NAME = TypeAdapter(FileName)


async def page(session: AsyncSession, scope: Scope, conversation_id: uuid.UUID) -> list[FileOut]:
    await conversations.get(session, scope, conversation_id)
    return await queries.page(session, scope, conversation_id)


async def get(session: AsyncSession, scope: Scope, file_id: uuid.UUID) -> tuple[FileOut, bytes]:
    scope.require(Permission.CONVERSATIONS_READ)
    found = await queries.get(session, scope, file_id)
    if found is None:
        raise FileNotFound(f"no file {file_id}")
    return found


async def attach(
    session: AsyncSession, scope: Scope, conversation_id: uuid.UUID, name: str, content: bytes
) -> FileOut:
    """Takes the place of the file that has its name."""
    scope.require(Permission.CONVERSATIONS_WRITE)
    await conversations.get(session, scope, conversation_id)
    written = await _write(session, scope, conversation_id, NewFile(name, content, _type(name)))
    said = {"conversation_id": conversation_id, "size": written.size}
    await audit.record(session, scope.actor, Entry(Action.CREATE, _KIND, written.id, more=said))
    return written


async def delete(session: AsyncSession, scope: Scope, file_id: uuid.UUID) -> None:
    scope.require(Permission.CONVERSATIONS_WRITE)
    conversation_id = await queries.remove(session, scope, file_id)
    if conversation_id is None:
        raise FileNotFound(f"no file {file_id}")
    said = {"conversation_id": conversation_id}
    await audit.record(session, scope.actor, Entry(Action.DELETE, _KIND, file_id, more=said))


async def _write(
    session: AsyncSession, scope: Scope, conversation_id: uuid.UUID, new: NewFile
) -> FileOut:
    """Raises BadFileName, TooManyFiles and FileTooLarge."""
    try:
        name = _NAME.validate_python(new.name)
    except ValidationError as error:
        raise BadFileName(
            "a file's name has no slash and no odd characters", field="name"
        ) from error
    usage = await queries.usage(session, scope, conversation_id, name)
    if usage.files >= MOST:
        raise TooManyFiles(f"a conversation has at most {MOST} files")
    if usage.size + len(new.content) > LARGEST_SUM:
        raise FileTooLarge(f"the files of a conversation have at most {LARGEST_SUM >> 20} MiB")
    return await queries.put(session, scope, conversation_id, new._replace(name=name))


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ConversationFiles:
    """A `toolkit.files.Files` of one run, each call a transaction of its own."""

    sessions: SessionMaker
    scope: Scope
    conversation_id: uuid.UUID
    run_id: uuid.UUID

    async def list(self) -> Sequence[StoredFile]:
        async with tenancy.transaction(self.sessions, self.scope.tenant_id) as session:
            found = await queries.page(session, self.scope, self.conversation_id)
        return [_stored(one) for one in found]

    async def read(self, name: str) -> bytes:
        async with tenancy.transaction(self.sessions, self.scope.tenant_id) as session:
            content = await queries.read(session, self.scope, self.conversation_id, name)
        if content is None:
            raise ToolFailed(f"there is no file {name!r} in this conversation")
        return content

    async def write(self, name: str, content: bytes, mime_type: str) -> StoredFile:
        new = NewFile(name, content, mime_type, "tool", self.run_id)
        try:
            async with tenancy.transaction(self.sessions, self.scope.tenant_id) as session:
                written = await _write(session, self.scope, self.conversation_id, new)
        except AppError as error:
            raise ToolFailed(error.message) from error
        return _stored(written)


def _stored(file: FileOut) -> StoredFile:
    return StoredFile(file.id, file.name, file.mime_type, file.size)
