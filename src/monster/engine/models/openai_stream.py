"""The answer in the OpenAI format, streamed or whole: bytes in, text out, no object per token.

Wire format: https://platform.openai.com/docs/api-reference/chat-streaming (server-sent events).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from monster.engine.models.protocol import Call, ModelError, OnText, Reply, Usage
from monster.engine.models.refusals import refusal

_LONGEST_LINE = 4 << 20  # bytes; a stream without line ends must not fill the memory
_DONE = b"[DONE]"
_MALFORMED = (
    orjson.JSONDecodeError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    IndexError,
)


@dataclass(slots=True)
class StreamParser:
    """Feed it the body as it comes, in pieces of any size; ask for the reply at the end."""

    on_text: OnText
    _rest: bytes = b""
    _texts: list[str] = field(default_factory=list[str])
    _calls: dict[int, Call] = field(default_factory=dict[int, Call])
    _usage: Usage = field(default_factory=Usage)
    _finish: str = ""
    _done: bool = False

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._data(line[5:].strip())
        if len(self._rest) > _LONGEST_LINE:
            raise ModelError("the provider sent a line without end")

    def whole(self, data: bytes) -> None:
        """An answer in one piece: its message is all that a stream's deltas add up to."""
        try:
            chunk = orjson.loads(data)
            for choice in chunk.get("choices") or ():
                choice["delta"] = choice["message"]
            self._chunk(chunk)
        except _MALFORMED as error:
            raise ModelError(f"the provider sent {data[:200]!r}") from error

    def reply(self) -> Reply:
        if not (self._done or self._finish):
            self._last_line()
        if not (self._done or self._finish):
            raise ModelError("the provider's answer broke off", again=True)
        if self._finish == "content_filter":
            raise ModelError("the provider's content filter stopped the answer")
        calls = tuple(self._calls[index] for index in sorted(self._calls))
        return Reply("".join(self._texts), calls, self._usage, self._finish or "stop")

    @property
    def started(self) -> bool:
        return bool(self._texts or self._calls)

    def _last_line(self) -> None:
        """It may lack its end; but a stream that broke off may end anywhere in it."""
        data = self._rest.removeprefix(b"data:").strip()
        with suppress(orjson.JSONDecodeError):
            if data != _DONE:
                orjson.loads(data)
            self._data(data)

    def _data(self, data: bytes) -> None:
        if data == _DONE:
            self._done = True
            return
        try:
            self._chunk(orjson.loads(data))
        except _MALFORMED as error:
            raise ModelError(f"the provider sent {data[:200]!r}") from error

    def _chunk(self, chunk: dict[str, Any]) -> None:
        if chunk.get("error"):
            raise refusal(chunk["error"])
        if usage := chunk.get("usage"):
            self._usage = {
                "input_tokens": int(usage.get("prompt_tokens") or 0),
                "output_tokens": int(usage.get("completion_tokens") or 0),
            }
        if not chunk.get("choices"):
            return
        choice = chunk["choices"][0]
        delta: dict[str, Any] = choice.get("delta") or {}
        if text := delta.get("content"):
            if not isinstance(text, str):
                text = _text(text)
            if "\0" in text:  # which no database stores; orjson sees to the rest
                text = text.replace("\0", "")
            self._texts.append(text)
            self.on_text(text)
        for piece in delta.get("tool_calls") or ():
            self._call(piece)
        self._finish = choice.get("finish_reason") or self._finish

    def _call(self, piece: dict[str, Any]) -> None:
        """Some servers leave out the index: then an id begins a call, and no id continues it."""
        index = piece.get("index")
        if index is None:
            last = max(self._calls, default=-1)
            index = last + 1 if piece.get("id") else max(last, 0)
        index = int(index)
        function: dict[str, Any] = piece.get("function") or {}
        call = self._calls.setdefault(
            index, {"type": "call", "id": "", "tool": "", "arguments": ""}
        )
        call["id"] = call["id"] or piece.get("id") or f"call_{index}"
        call["tool"] += (function.get("name") or "").replace("\0", "")
        arguments = function.get("arguments") or ""
        is_text = isinstance(arguments, str)
        call["arguments"] += arguments if is_text else orjson.dumps(arguments).decode()
        call["arguments"] = call["arguments"].replace("\0", "")


def _text(parts: list[dict[str, Any]]) -> str:
    """Some servers send a list of parts where they reason aloud; what they think is left out."""
    return "".join(part["text"] for part in parts if part["type"] == "text")
