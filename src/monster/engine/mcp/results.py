"""What a tool answered, as a model reads it: text, and files for everything else."""

import base64
import binascii
import mimetypes
from typing import Any, NamedTuple

import mcp_types as types

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import Files
from monster.kit.texts import storable

_MOST_FILES = 20  # of one answer
_LARGEST_FILE = 10 << 20  # bytes
_LONGEST_ERROR = 4_000  # characters


class _File(NamedTuple):
    content: bytes
    mime_type: str


async def read(result: types.CallToolResult, files: Files, name: str) -> object:
    """What JSON can say, or text. `name` is of the tool, for files. Raises ToolFailed."""
    texts: list[str] = []
    made: list[_File] = []
    for block in result.content:
        part = _part(block)
        if isinstance(part, str):
            texts.append(part)
        else:
            made.append(part)
    text = storable("\n\n".join(filter(None, texts)))
    if result.is_error:
        raise ToolFailed(text[:_LONGEST_ERROR] or "the tool failed and does not say why")
    kept = [await _keep(file, files, f"{name}-{n}") for n, file in enumerate(made[:_MOST_FILES], 1)]
    said = text if result.structured_content is None else _storable(result.structured_content)
    if not kept:
        return said
    left = len(made) - len(kept)
    more = {"left_out": f"{left} more files"} if left else {}
    return {"result": said, "files": kept, **more} if said else {"files": kept, **more}


def _part(block: types.ContentBlock) -> str | _File:
    if isinstance(block, types.TextContent):
        return block.text
    if isinstance(block, types.ImageContent | types.AudioContent):
        return _decoded(block.data, block.mime_type)
    if isinstance(block, types.ResourceLink):
        return f"{block.title or block.name}: {block.uri}"  # nobody follows it
    resource = block.resource
    if isinstance(resource, types.TextResourceContents):
        return f"{resource.uri}\n{resource.text}"
    return _decoded(resource.blob, resource.mime_type or "application/octet-stream")


def _decoded(data: str, mime_type: str) -> str | _File:
    if len(data) > _LARGEST_FILE * 4 // 3 + 4:
        return "(a file that is too large was left out)"
    try:
        return _File(base64.b64decode(data, validate=True), mime_type)
    except (binascii.Error, ValueError):
        return "(a file that cannot be read was left out)"


def _storable(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {storable(name): _storable(part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [_storable(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return storable(value) if isinstance(value, str) else value


async def _keep(file: _File, files: Files, stem: str) -> dict[str, object]:
    mime = file.mime_type.partition(";")[0].strip().lower()
    ending = mimetypes.guess_extension(mime) or ".bin"
    stored = await files.write(f"{stem}{ending}", file.content, mime)
    return {"name": stored.name, "type": stored.mime_type, "size": stored.size}
