"""The model that is there without a key: it searches the agent's knowledge and quotes it, cited.

It is no language model and says so. Everything it needs is in the messages, so a run that another
process takes over goes on where it stood.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from monster.engine.models.passages import excerpt, words
from monster.engine.models.protocol import Call, Message, OnText, Part, Reply, Request, Result
from monster.kit.ids import new_id

_SEARCH = "knowledge_search"
_ASKED_FOR = 4  # passages
_QUOTED = 3
_LEAD = "I am not a language model; I quote what I found in this agent's knowledge."
_NOTHING = (
    "I found nothing about this in this agent's knowledge. I am not a language model: I can only"
    " quote what is in there. Try other words, or add documents that answer the question."
)
_BROKEN = "The search in this agent's knowledge failed, so there is nothing that I could quote."
_UNCONNECTED = (
    "No language model is connected, so I cannot answer. To connect one, open **Connections**,"
    " choose **Connect a model** and enter the provider's key; then choose the model on this"
    " agent's **Model** tab.\n\nUntil then I can quote documents: give the agent some"
    " **Knowledge**."
)


class QuotingModel:
    async def reply(self, request: Request, on_text: OnText) -> Reply:
        question = _question(request.messages)
        found = _found(request.messages)
        if found is None and any(tool.name == _SEARCH for tool in request.tools):
            return _search(question)
        text = _UNCONNECTED if found is None else _answer(found, question)
        for piece in re.findall(r"\S*\s*", text):
            if piece:
                on_text(piece)
        return Reply(text, (), {}, "stop")  # there are no tokens to count


def _search(question: str) -> Reply:
    arguments = orjson.dumps({"query": question, "limit": _ASKED_FOR}).decode()
    call: Call = {"type": "call", "id": new_id().hex, "tool": _SEARCH, "arguments": arguments}
    return Reply("", (call,), {}, "tool_calls")


def _question(messages: Sequence[Message]) -> str:
    asked = next((m for m in reversed(messages) if m["role"] == "user"), None)
    parts: list[Part] = asked["parts"] if asked else []
    return "".join(part["text"] for part in parts if part["type"] == "text").strip()


def _found(messages: Sequence[Message]) -> Result | None:
    """The result of the search, if that is what was said last."""
    last = messages[-1] if messages else None
    if last is None or last["role"] != "tool":
        return None
    return next((part for part in last["parts"] if part["type"] == "result"), None)


def _answer(found: Result, question: str) -> str:
    try:
        passages: list[dict[str, Any]] = orjson.loads(found["content"])
    except orjson.JSONDecodeError:
        return _BROKEN
    asked = words(question)
    quotes = [_quote(passage, asked) for passage in _best(passages, asked)]
    return "\n\n".join([_LEAD, *quotes]) if quotes else _NOTHING


def _best(passages: list[dict[str, Any]], asked: frozenset[str]) -> list[dict[str, Any]]:
    """The search's order holds; what shares no word with the question comes along only if first."""
    return [
        passage
        for place, passage in enumerate(passages[:_QUOTED])
        if place == 0 or asked & words(f"{passage['title']} {passage['place']} {passage['text']}")
    ]


def _quote(passage: dict[str, Any], asked: frozenset[str]) -> str:
    lines = excerpt(passage["text"], asked).splitlines()
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    source = " · ".join(_plain(part) for part in (passage["title"], passage["place"]) if part)
    return f"{quoted}\n\n[{passage['source']}] {source}"


def _plain(text: str) -> str:
    """A title is no Markdown, whatever it looks like."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(text.split()))
