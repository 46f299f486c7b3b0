"""Files of a person's conversations: they go to the engine and come from there in pieces."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from monster.contracts.files import FileName, FileOut
from monster.contracts.runs import ConversationOut
from monster.dashboard.engine_client import Caller, EngineRefused, HttpEngine
from monster.dashboard.files.errors import AgentOnItsWay, BadFileName, FileNotFound, FileTooLarge
from monster.dashboard.files.schemas import Held, Place, Upload
from monster.dashboard.web import filters

_NAME = TypeAdapter(FileName)
_FILES = TypeAdapter(list[FileOut])
_PIECE = 1 << 18  # bytes
_LONGEST_TITLE = 100
_UNTITLED = "Files"
_ON_ITS_WAY = "this agent is just being published: try again in a moment"


async def listed(engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID) -> list[FileOut]:
    """All of them, oldest first: the engine keeps a hundred at most."""
    return _FILES.validate_python(await engine.call(caller, "GET", _path(conversation_id)))


async def held(engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID) -> Held:
    found = await engine.call(caller, "GET", f"/v1/conversations/{conversation_id}")
    title = ConversationOut.model_validate(found).title
    return Held(title, await listed(engine, caller, conversation_id))


def check(files: Sequence[Upload], limit: int) -> None:
    """Before anything is stored. Raises BadFileName and FileTooLarge; `limit` in bytes, of each."""
    for file in files:
        name = read_name(file.filename or "")
        if (file.size or 0) > limit:
            allowed = filters.size(limit)
            raise FileTooLarge(f"“{name}” is larger than the {allowed} allowed", field="files")


def read_name(name: str) -> str:
    """Raises BadFileName."""
    try:
        return _NAME.validate_python(name)
    except ValidationError as error:
        raise BadFileName(
            f"“{name}” cannot be attached: a name has up to 200 characters, does not begin with a"
            ' dot, and holds none of / \\ : * ? " < > |',
            field="files",
        ) from error


async def bring(engine: HttpEngine, caller: Caller, place: Place, file: Upload) -> FileOut:
    """A conversation that begins with it does not begin without it."""
    if place.conversation_id:
        return await attach(engine, caller, place.conversation_id, file)
    begun = await _begin(engine, caller, place)
    try:
        return await attach(engine, caller, begun, file)
    except EngineRefused:
        await engine.call(caller, "DELETE", f"/v1/conversations/{begun}")
        raise


async def _begin(engine: HttpEngine, caller: Caller, place: Place) -> uuid.UUID:
    """A conversation in which nothing is said yet. Raises AgentOnItsWay."""
    title = " ".join(place.text.split())[:_LONGEST_TITLE] or _UNTITLED
    body = {"agent_id": str(place.agent_id), "title": title}
    try:
        begun = await engine.call(caller, "POST", "/v1/conversations", json=body)
    except EngineRefused as refused:
        if refused.code != "agent_not_found":
            raise
        raise AgentOnItsWay(_ON_ITS_WAY) from refused
    return ConversationOut.model_validate(begun).id


async def attach(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID, file: Upload
) -> FileOut:
    """Takes the place of the file that has its name."""
    path = f"{_path(conversation_id)}/{quote(read_name(file.filename or ''), safe='')}"
    return FileOut.model_validate(await engine.call(caller, "PUT", path, content=_pieces(file)))


async def _pieces(file: Upload) -> AsyncGenerator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


async def get(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID, file_id: uuid.UUID
) -> FileOut:
    """Raises FileNotFound if this conversation has no such file, wherever else it may be."""
    for file in await listed(engine, caller, conversation_id):
        if file.id == file_id:
            return file
    raise FileNotFound(f"no file {file_id}")


async def content(engine: HttpEngine, caller: Caller, file_id: uuid.UUID) -> AsyncGenerator[bytes]:
    async with engine.download(caller, f"/v1/files/{file_id}") as pieces:
        async for piece in pieces:
            yield piece


async def delete(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID, file_id: uuid.UUID
) -> FileOut:
    """What was deleted."""
    file = await get(engine, caller, conversation_id, file_id)
    await engine.call(caller, "DELETE", f"/v1/files/{file_id}")
    return file


def _path(conversation_id: uuid.UUID) -> str:
    return f"/v1/conversations/{conversation_id}/files"
