"""A scripted model behind the OpenAI chat-completions wire format, on loopback.

    python -m bench.model_server --port 0

The first line it prints is its port. `POST /v1/chat/completions` streams (or, without `"stream":
true`, answers at once as JSON), `GET /v1/models` lists the presets, `GET /_count` tells how many
completions were asked for, by model name.

The request chooses what happens, so tests that run side by side do not disturb each other. The
model's name up to a "@" is one of PRESETS, or `script`: then the system message is the script, a
JSON list of the replies of one turn. What follows the "@" is there to be counted apart. A script's
n-th reply answers a request that has n assistant messages after the last user message; the last
reply is repeated. A reply is an object; every field may be left out:

    text      what it says, "w0 w1 …" if `tokens` is given instead; a token is a word and its space
    tokens    how many words to say
    calls     [[tool, {argument: value}], …]
    first     seconds before the first token
    each      seconds before each further token, so each is a packet of its own; without it, the
              whole answer is one packet
    status    an HTTP status: this error is the answer
    hang      true: nothing comes, the connection stays open
    cut       true: the connection breaks after the last token, without an end
"""

import argparse
import asyncio
from collections import Counter
from functools import lru_cache
from typing import Any, TypeAlias, cast

import orjson
import uvloop

Reply: TypeAlias = dict[str, Any]
Script: TypeAlias = list[Reply]

_LOOKUP = [["lookup", {"query": "answer"}]]
PRESETS: dict[str, Script] = {
    "burst": [{"tokens": 50}],
    "packets": [{"tokens": 50, "each": 0.005}],
    "paced": [{"tokens": 50, "first": 0.3, "each": 0.02}],
    "tool": [{"calls": _LOOKUP}, {"tokens": 50}],
    "error": [{"status": 503}],
    "refusal": [{"status": 400}],
    "hang": [{"hang": True}],
}

_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_LONGEST_HEAD = 64 << 10


class BadRequest(Exception):
    """The request is not one that this server understands."""


def _json(status: int, body: object) -> bytes:
    data = orjson.dumps(body)
    head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return head.encode() + b"\r\n\r\n" + data


def _error(status: int, message: str) -> bytes:
    return _json(status, {"error": {"message": message, "type": "scripted", "code": status}})


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(choices: list[Any], **more: object) -> bytes:
    chunk = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": "bench"}
    return b"data: %b\n\n" % orjson.dumps({**chunk, "choices": choices, **more})


def _delta(finish: str | None = None, **delta: object) -> bytes:
    return _event([{"index": 0, "delta": delta, "finish_reason": finish}])


def _words(reply: Reply) -> list[str]:
    if "tokens" in reply:
        return [f"w{n} " for n in range(reply["tokens"])]
    return [word + " " for word in reply["text"].split(" ")] if reply.get("text") else []


def _calls(reply: Reply, step: int) -> list[Any]:
    return [
        {
            "index": n,
            "id": f"call_{step}_{n}",
            "type": "function",
            "function": {"name": tool, "arguments": orjson.dumps(arguments).decode()},
        }
        for n, (tool, arguments) in enumerate(reply.get("calls", ()))
    ]


def _usage(words: list[str]) -> dict[str, int]:
    return {"prompt_tokens": 100, "completion_tokens": len(words), "total_tokens": 100 + len(words)}


@lru_cache(maxsize=1_000)
def _prepared(script: str, step: int) -> tuple[Reply, list[bytes]]:
    """A reply, and the events of its answer: a piece for each token, then the rest."""
    found: Script = PRESETS.get(script) or orjson.loads(script)
    reply = found[min(step, len(found) - 1)]
    words, calls = _words(reply), _calls(reply, step)
    pieces = [_delta(content=word) for word in words]
    tail = _delta(tool_calls=calls) if calls else b""
    tail += _delta("tool_calls" if calls else "stop") + _event([], usage=_usage(words))
    return reply, [*pieces, tail + b"data: [DONE]\n\n"]


@lru_cache(maxsize=1_000)
def _at_once(script: str, step: int) -> bytes:
    return _STREAM + _http_chunk(b"".join(_prepared(script, step)[1])) + _END


def _whole(reply: Reply, step: int) -> bytes:
    """The answer to a request that did not ask for a stream."""
    words, calls = _words(reply), _calls(reply, step)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(words) or None}
    finish = "tool_calls" if calls else "stop"
    message |= {"tool_calls": calls} if calls else {}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": "bench"}
    return _json(200, {**body, "choices": [choice], "usage": _usage(words)})


def _step(messages: list[dict[str, Any]]) -> int:
    """How many replies this turn has had."""
    step = 0
    for message in reversed(messages):
        if message["role"] == "user":
            break
        step += message["role"] == "assistant"
    return step


def _script(asked: dict[str, Any]) -> str:
    preset = str(asked["model"]).partition("@")[0]
    if preset == "script":
        return str(asked["messages"][0]["content"])
    if preset not in PRESETS:
        raise BadRequest(f"there is no model {preset!r}")
    return preset


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as clients of this server need it: keep-alive, Content-Length."""

    def __init__(self, count: Counter[str]) -> None:
        self._count = count
        self._buffer = b""
        self._playing: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._playing:
            self._playing.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            if len(head) > _LONGEST_HEAD:
                self._transport.abort()
            return
        length = next(
            (
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line[:15] == b"content-length:"
            ),
            0,
        )
        if len(rest) >= length:
            self._buffer = rest[length:]
            method, _, line = head.partition(b" ")
            self._handle(method, line.split(b" ", 1)[0], rest[:length])

    def _handle(self, method: bytes, path: bytes, body: bytes) -> None:
        try:
            self._answer(method, path.partition(b"?")[0], body)
        except (BadRequest, LookupError, TypeError, ValueError) as error:
            self._transport.write(_error(400, str(error)))

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        if (method, path) == (b"POST", b"/v1/chat/completions"):
            self._complete(orjson.loads(body))
        elif (method, path) == (b"GET", b"/v1/models"):
            data = [{"id": name, "object": "model", "owned_by": "bench"} for name in PRESETS]
            self._transport.write(_json(200, {"object": "list", "data": data}))
        elif (method, path) == (b"GET", b"/_count"):
            self._transport.write(_json(200, self._count))
        else:
            self._transport.write(_error(404, "nothing is here"))

    def _complete(self, asked: dict[str, Any]) -> None:
        self._count[str(asked["model"])] += 1
        script, step = _script(asked), _step(asked["messages"])
        reply, pieces = _prepared(script, step)
        if status := reply.get("status"):
            self._transport.write(_error(status, "as the script says"))
        elif reply.keys() & {"first", "each", "hang", "cut"}:
            self._playing = asyncio.ensure_future(self._play(reply, pieces))
        elif asked.get("stream"):
            self._transport.write(_at_once(script, step))
        else:
            self._transport.write(_whole(reply, step))

    async def _play(self, reply: Reply, pieces: list[bytes]) -> None:
        """Always a stream, at the pace of the script."""
        self._transport.write(_STREAM)
        if reply.get("hang"):
            return
        await asyncio.sleep(reply.get("first", 0))
        *tokens, tail = pieces
        for n, piece in enumerate(tokens):
            if n and "each" in reply:
                await asyncio.sleep(reply["each"])
            self._transport.write(_http_chunk(piece))
        if reply.get("cut"):
            self._transport.close()
        else:
            self._transport.write(_http_chunk(tail) + _END)


async def serve(port: int) -> None:
    """Until it is killed."""
    count = Counter[str]()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(count), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (whoever starts it reads this)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible model server.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
