"""The tool by which an agent looks up what it may quote."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from monster.contracts.knowledge import PassageOut, SearchQuery
from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import service
from monster.engine.models.protocol import SourcePart, ToolSchema
from monster.engine.runs.tools import KNOWLEDGE_SEARCH, CallContext, Tool, ToolOutput
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_SCHEMA = ToolSchema(
    KNOWLEDGE_SEARCH,
    "Search the documents you may rely on. Returns passages, each with the number of its source. "
    "Right after every sentence that rests on a passage, cite that number in square brackets, "
    "like this [1]. Search again in other words if the passages do not answer the question; "
    "if none does, say so.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for, in plain words."},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": 50,
                "description": "How many passages; 8 if not given.",
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    },
)


def knowledge_search(sessions: SessionMaker, embedder: Embedder) -> Tool:
    async def call(arguments: dict[str, Any], context: CallContext) -> ToolOutput:
        asked = _asked(arguments)
        scope, indexes = context.scope, _indexes(context)
        question = await service.ask(embedder, asked.query, asked.limit)
        async with tenancy.transaction(sessions, scope.tenant_id) as session:
            found = await service.search_for_agent(session, scope, indexes, question)
        return _output(found, context.reserve(len(found)))

    return Tool(_SCHEMA, Effect.READ, call, origin="document")


def _asked(arguments: dict[str, Any]) -> SearchQuery:
    try:
        return SearchQuery.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ToolFailed(f"the argument {field!r} is not right: {first['msg']}") from error


def _indexes(context: CallContext) -> list[uuid.UUID]:
    return [uuid.UUID(one) for one in context.spec.get("knowledge", {}).get("indexes", ())]


def _output(found: Sequence[PassageOut], first: int) -> ToolOutput:
    numbered = list(enumerate(found, first))
    shown = [
        {"source": number, "title": one.title, "place": one.place, "text": one.text}
        for number, one in numbered
    ]
    return ToolOutput(orjson.dumps(shown).decode(), tuple(_source(*pair) for pair in numbered))


def _source(number: int, one: PassageOut) -> SourcePart:
    return {
        "number": number,
        "chunk_id": str(one.chunk_id),
        "document_id": str(one.document_id),
        "title": one.title,
        "place": one.place,
    }
