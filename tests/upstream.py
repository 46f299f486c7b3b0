"""Model providers on loopback that answer as they are told, in their own wire formats."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

import orjson

# Two seconds to import: not within a run that a test limits to as many.
import monster.engine.models.sdk  # noqa: F401  # pyright: ignore[reportUnusedImport]
from monster.kit.addresses import Guard, parse_networks

LOOPBACK = Guard(parse_networks(("127.0.0.1",)))
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer: TypeAlias = bytes | Handler


class Asked(NamedTuple):
    line: str
    headers: dict[str, str]  # lower-case names
    body: Any
    time: float


@dataclass
class Upstream:
    """One answer per request; the last one for ever."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list[Asked])
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (x.split(": ", 1) for x in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        now = asyncio.get_running_loop().time()
        self.asked.append(Asked(first, headers, orjson.loads(body or b"null"), now))
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            await answer(reader, writer)
        writer.close()


@asynccontextmanager
async def upstream(*answers: Answer) -> AsyncGenerator[Upstream]:
    served = Upstream(list(answers))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield served


def reply_json(body: object, status: int = 200, headers: str = "") -> bytes:
    text = orjson.dumps(body)
    head = (
        f"HTTP/1.1 {status} It\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}"
    )
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def refuse(status: int, message: str, headers: str = "") -> bytes:
    """All three say it like this."""
    return reply_json({"type": "error", "error": {"message": message}}, status, headers)


def _events(*events: object) -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


class OpenAI:
    system = "openai"
    names = reply_json(
        {"data": [{"id": "small"}, {"id": "large"}]}, headers="OpenAI-Organization: acme\r\n"
    )
    key_header, key_prefix = "authorization", "Bearer "

    @staticmethod
    def _chunk(delta: object, finish: str | None = None) -> object:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    @classmethod
    def text(cls, *words: str) -> bytes:
        usage: dict[str, Any] = {
            "choices": [],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5},
        }
        chunks = [cls._chunk({"content": word}) for word in words]
        return SSE + _events(*chunks, cls._chunk({}, "stop"), usage) + b"data: [DONE]\n\n"

    @classmethod
    def call(cls, call_id: str, tool: str, arguments: str) -> bytes:
        half = len(arguments) // 2
        first = {"name": tool, "arguments": arguments[:half]}
        begun = {"index": 0, "id": call_id, "type": "function", "function": first}
        rest = {"index": 0, "function": {"arguments": arguments[half:]}}
        chunks = [cls._chunk({"tool_calls": [piece]}) for piece in (begun, rest)]
        return SSE + _events(*chunks, cls._chunk({}, "tool_calls")) + b"data: [DONE]\n\n"

    @classmethod
    def broken(cls, word: str) -> bytes:
        return SSE + _events(cls._chunk({"content": word}))


class Anthropic:
    """https://docs.anthropic.com/en/docs/build-with-claude/streaming"""

    system = "anthropic"
    names = reply_json(
        {"data": [{"id": "small", "type": "model"}, {"id": "large", "type": "model"}]},
        headers="Anthropic-Organization-Id: acme\r\n",
    )
    key_header, key_prefix = "authorization", "Bearer "

    @staticmethod
    def _named(*events: dict[str, Any]) -> bytes:
        return b"".join(
            b"event: " + event["type"].encode() + b"\n" + _events(event) for event in events
        )

    _start: ClassVar[dict[str, Any]] = {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": "small",
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 1},
        },
    }

    @classmethod
    def _block(cls, block: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
        return cls._named(
            cls._start,
            {"type": "content_block_start", "index": 0, "content_block": block},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        )

    @classmethod
    def _end(cls, reason: str) -> bytes:
        delta = {"stop_reason": reason, "stop_sequence": None}
        return cls._named(
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        )

    @classmethod
    def _words(cls, *words: str) -> bytes:
        deltas = [{"type": "text_delta", "text": word} for word in words]
        return SSE + cls._block({"type": "text", "text": ""}, *deltas)

    @classmethod
    def text(cls, *words: str) -> bytes:
        return cls._words(*words) + cls._end("end_turn")

    @classmethod
    def call(cls, call_id: str, tool: str, arguments: str) -> bytes:
        block: dict[str, Any] = {"type": "tool_use", "id": call_id, "name": tool, "input": {}}
        half = len(arguments) // 2
        pieces = arguments[:half], arguments[half:]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        return SSE + cls._block(block, *deltas) + cls._end("tool_use")

    @classmethod
    def broken(cls, word: str) -> bytes:
        return cls._words(word)


class Google:
    """https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent"""

    system = "google"
    names = reply_json(
        {
            "models": [
                {"name": "models/small", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/large", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
            ]
        }
    )
    key_header, key_prefix = "x-goog-api-key", ""

    @staticmethod
    def _chunk(part: object, finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
        candidate |= {"finishReason": finish} if finish else {}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "small"}

    @classmethod
    def text(cls, *words: str) -> bytes:
        chunks = [cls._chunk({"text": word}) for word in words[:-1]]
        return SSE + _events(*chunks, cls._chunk({"text": words[-1]}, "STOP"))

    @classmethod
    def call(cls, call_id: str, tool: str, arguments: str) -> bytes:
        call = {"id": call_id, "name": tool, "args": orjson.loads(arguments)}
        return SSE + _events(cls._chunk({"functionCall": call}, "STOP"))

    @classmethod
    def broken(cls, word: str) -> bytes:
        return SSE + _events(cls._chunk({"text": word}))


Wire: TypeAlias = type[OpenAI] | type[Anthropic] | type[Google]
WIRES: list[Wire] = [OpenAI, Anthropic, Google]
