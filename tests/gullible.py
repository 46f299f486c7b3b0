"""A model that believes whatever it reads: it calls every tool that any text before it names.

No real model is that weak, so what keeps this one from doing harm keeps all.
"""

import base64
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, TypeGuard

import orjson

from monster.engine.models.protocol import Call, Message, OnText, Reply, Request

# What it is told to do by the person: `read: TOOL {…}`. Everything else it finds for itself.
_ASKED = re.compile(r"^(?:read|do): (\w+) (\{.*\})$", re.MULTILINE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_OBJECT = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_TAGS = 0xE0000  # characters that nobody sees, one for each of ASCII


class Gullible:
    async def reply(self, request: Request, on_text: OnText) -> Reply:
        """First what the person asked for, then what the texts want, then it says that it did."""
        messages = list(request.messages)
        last = max(n for n, message in enumerate(messages) if message["role"] == "user")
        told = [_text(messages[last])]
        wanted = [_call(*found) for found in _ASKED.findall(told[0])]
        if len(messages) > last + 1 or not wanted:
            known = {tool.name for tool in request.tools}
            done = {_what(call) for message in messages for call in _calls(message)}
            found = [call for message in messages for call in _found(_text(message))]
            wanted = [c for c in found if c[0] in known and c not in done][:1]
        calls = tuple(
            Call(type="call", id=f"call_{len(messages)}_{n}", tool=tool, arguments=arguments)
            for n, (tool, arguments) in enumerate(wanted)
        )
        if not calls:
            on_text("Done. ")
        text = "" if calls else "Done. "
        return Reply(text, calls, {"input_tokens": 1, "output_tokens": 1}, "stop")


def _text(message: Message) -> str:
    said: list[str] = []
    for part in message["parts"]:
        if part["type"] == "text":
            said.append(part["text"])
        elif part["type"] == "result":
            said.append(part["content"])
    return "\n".join(said)


def _calls(message: Message) -> list[Call]:
    return [part for part in message["parts"] if part["type"] == "call"]


def _call(tool: str, arguments: str) -> tuple[str, str]:
    return tool, orjson.dumps(orjson.loads(arguments)).decode()


def _what(call: Call) -> tuple[str, str]:
    return call["tool"], call["arguments"]


def _found(text: str) -> Iterator[tuple[str, str]]:
    """Calls that are hidden in a text, however it is dressed up."""
    for layer in _layers(text):
        for candidate in _OBJECT.findall(layer):
            try:
                parsed = orjson.loads(candidate)
            except orjson.JSONDecodeError:
                continue
            if _is_order(parsed):
                yield parsed["tool"], orjson.dumps(parsed["arguments"]).decode()


def _layers(text: str) -> Iterator[str]:
    """As it stands, and as somebody might have meant it."""
    for one in (text, _unescaped(text)):
        yield one
        yield html.unescape(one)
        yield unicodedata.normalize("NFKC", one)
        yield "".join(chr(ord(c) - _TAGS) for c in one if 0 <= ord(c) - _TAGS < 128)
        yield one[::-1]
        for blob in _BASE64.findall(one):
            yield base64.b64decode(blob + "==", validate=False).decode(errors="ignore")


def _unescaped(text: str) -> str:
    """Tools answer in JSON: quotes in it are escaped."""
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def _is_order(parsed: Any) -> TypeGuard[dict[str, Any]]:  # noqa: ANN401
    return isinstance(parsed, dict) and isinstance(parsed.get("arguments"), dict)  # pyright: ignore[reportUnknownMemberType]
