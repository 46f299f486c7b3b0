"""Every provider keeps the same promises, over its own wire format."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest

from monster.engine.models.protocol import Message, ModelError, Request, ToolSchema
from monster.engine.models.providers import Account, Providers
from monster.engine.models.retries import Patient
from monster.kit import logs
from monster.kit.addresses import Guard
from tests.upstream import (
    LOOPBACK,
    SSE,
    WIRES,
    Answer,
    OpenAI,
    Upstream,
    Wire,
    refuse,
    reply_json,
    upstream,
)

KEY = "key-0123456789"
TOOL = ToolSchema(
    "add",
    "Adds.",
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
)


def user(text: str) -> Message:
    return {"role": "user", "parts": [{"type": "text", "text": text}]}


ASK = Request("small", "Be brief.", [user("hi")])
each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.system)


@asynccontextmanager
async def talk(
    wire: Wire, *answers: Answer, guard: Guard = LOOPBACK
) -> AsyncGenerator[tuple[Patient, Upstream]]:
    providers = Providers(guard)
    async with upstream(*answers) as served, providers.opened():
        model = await providers.model(Account(wire.system, served.url, KEY))
        assert isinstance(model, Patient)
        yield replace(model, pause=0.01), served


@each_wire
async def test_text_comes_as_it_is_said(wire: Wire) -> None:
    heard: list[str] = []
    async with talk(wire, wire.text("Grüße, ", "世界", " 🌍!")) as (model, served):
        reply = await model.reply(ASK, heard.append)

    assert heard == ["Grüße, ", "世界", " 🌍!"]
    assert reply.text == "".join(heard)
    assert reply.calls == ()
    assert reply.usage == {"input_tokens": 3, "output_tokens": 5}
    (asked,) = served.asked
    assert asked.headers[wire.key_header] == wire.key_prefix + KEY
    assert asked.headers["accept-encoding"] == "identity"
    said = orjson.dumps(asked.body).decode()
    assert '"hi"' in said
    assert '"Be brief."' in said


@each_wire
async def test_a_tool_is_called_and_told_about(wire: Wire) -> None:
    async with talk(wire, wire.call("c1", "add", '{"a": 1}'), wire.text("It is 3")) as (
        model,
        served,
    ):
        request = replace(ASK, tools=[TOOL])
        first = await model.reply(request, lambda _: None)
        (call,) = first.calls
        result: Message = {
            "role": "tool",
            "parts": [{"type": "result", "id": call["id"], "content": "three", "failed": False}],
        }
        messages = [*ASK.messages, first.message(), result]
        second = await model.reply(replace(request, messages=messages), lambda _: None)

    assert (call["id"], call["tool"], orjson.loads(call["arguments"])) == ("c1", "add", {"a": 1})
    assert second.text == "It is 3"
    offered, told = (orjson.dumps(asked.body).decode() for asked in served.asked)
    assert '"Adds."' in offered
    for word in ('"c1"', '"add"', "three"):
        assert word in told


@each_wire
async def test_calls_that_nobody_answered_do_not_end_the_conversation(wire: Wire) -> None:
    """A run that was cancelled in the midst of its calls."""
    calls: Message = {
        "role": "assistant",
        "parts": [
            {"type": "call", "id": "c1", "tool": "add", "arguments": '{"a": 1}'},
            {"type": "call", "id": "c2", "tool": "add", "arguments": "no json"},
        ],
    }
    result: Message = {
        "role": "tool",
        "parts": [{"type": "result", "id": "c1", "content": "three", "failed": True}],
    }
    async with talk(wire, wire.text("fine")) as (model, served):
        messages = [user("one"), calls, result, user("two"), user("three")]
        assert (await model.reply(replace(ASK, messages=messages), lambda _: None)).text == "fine"
    assert "There is no result" in orjson.dumps(served.asked[0].body).decode()


@each_wire
async def test_a_refusal_is_final_and_says_why(wire: Wire) -> None:
    async with talk(wire, refuse(400, "no such model")) as (model, served):
        with pytest.raises(ModelError, match="no such model") as error:
            await model.reply(ASK, lambda _: None)
    assert (error.value.again, error.value.refused, len(served.asked)) == (False, False, 1)


@each_wire
async def test_a_key_that_is_refused_is_not_told(wire: Wire) -> None:
    logs.hide(KEY)
    async with talk(wire, refuse(401, f"bad key {KEY}")) as (model, _):
        with pytest.raises(ModelError, match="bad key •••") as error:
            await model.reply(ASK, lambda _: None)
    assert error.value.refused


@each_wire
async def test_it_asks_again_until_the_first_word(wire: Wire) -> None:
    busy = refuse(429, "slow down", "Retry-After: 1\r\n")
    answers = busy, refuse(529, "overloaded"), wire.text("hello")
    async with talk(wire, *answers) as (model, served):
        assert (await model.reply(ASK, lambda _: None)).text == "hello"
    times = [asked.time for asked in served.asked]
    assert len(times) == 3
    assert times[1] - times[0] >= 1  # as the provider asked


@each_wire
async def test_in_the_end_it_gives_up(wire: Wire) -> None:
    async with talk(wire, refuse(503, "gone fishing")) as (model, served):
        with pytest.raises(ModelError, match="gone fishing"):
            await model.reply(ASK, lambda _: None)
    assert len(served.asked) == 3


@each_wire
async def test_it_never_asks_again_after_the_first_word(wire: Wire) -> None:
    heard: list[str] = []
    async with talk(wire, wire.broken("half")) as (model, served):
        with pytest.raises(ModelError, match=r"broke off|cannot be"):
            await model.reply(ASK, heard.append)
    assert (heard, len(served.asked)) == (["half"], 1)


@each_wire
async def test_what_is_no_answer_is_an_error(wire: Wire) -> None:
    for nonsense in (SSE, SSE + b"data: {not json\n\n", reply_json([]), b"SSH-2.0-x\r\n"):
        async with talk(wire, nonsense) as (model, _):
            with pytest.raises(ModelError):
                await model.reply(ASK, lambda _: None)


@each_wire
async def test_cancelling_closes_the_connection(wire: Wire) -> None:
    gone, spoke = asyncio.Event(), asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.broken("word"))
        assert await reader.read() == b""
        gone.set()

    async with talk(wire, speak) as (model, _):
        asking = asyncio.create_task(model.reply(ASK, lambda _: spoke.set()))
        await asyncio.wait_for(spoke.wait(), 5)
        asking.cancel()
        await asyncio.wait_for(gone.wait(), 1)
        with pytest.raises(asyncio.CancelledError):
            await asking


@each_wire
async def test_a_private_address_is_refused_with_the_way_to_allow_it(wire: Wire) -> None:
    async with talk(wire, wire.text("hello"), guard=Guard()) as (model, served):
        with pytest.raises(ModelError, match="outbound_allow") as error:
            await model.reply(ASK, lambda _: None)
    assert not error.value.again
    assert served.asked == []


@each_wire
async def test_a_key_does_not_follow_a_redirect(wire: Wire) -> None:
    async with upstream(wire.text("stolen")) as thief:
        away = f"HTTP/1.1 307 Go\r\nLocation: {thief.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with talk(wire, away) as (model, _):
            with pytest.raises(ModelError):
                await model.reply(ASK, lambda _: None)
        assert thief.asked == []


@each_wire
async def test_the_offer_is_a_list_of_names(wire: Wire) -> None:
    providers = Providers(LOOPBACK)
    async with upstream(wire.names) as served, providers.opened():
        offer = await providers.offer(Account(wire.system, served.url, KEY))
    assert offer.models == ["large", "small"]
    assert offer.account == (None if wire.system == "google" else "acme")
    assert served.asked[0].headers[wire.key_header] == wire.key_prefix + KEY


@each_wire
@pytest.mark.parametrize(
    "nonsense", [refuse(401, "bad key"), reply_json([]), reply_json({"data": [1]}), b"", b"HTTP/1."]
)
async def test_no_offer_is_an_error(wire: Wire, nonsense: bytes) -> None:
    providers = Providers(LOOPBACK)
    async with upstream(nonsense) as served, providers.opened():
        with pytest.raises(ModelError):
            await providers.offer(Account(wire.system, served.url, KEY))


async def test_a_server_that_does_not_stream() -> None:
    function = {"name": "add", "arguments": {"a": 1}}
    message = {"content": "hello", "tool_calls": [{"id": "c1", "function": function}]}
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": None}
    async with talk(OpenAI, reply_json(body)) as (model, _):
        heard: list[str] = []
        reply = await model.reply(ASK, heard.append)
    assert heard == ["hello"]
    assert [(c["tool"], c["arguments"]) for c in reply.calls] == [("add", '{"a":1}')]


async def test_a_server_of_ones_own_needs_no_key() -> None:
    providers = Providers(LOOPBACK)
    async with upstream(OpenAI.text("hello")) as served, providers.opened():
        model = await providers.model(Account("openai", served.url + "/v1/", ""))
        await model.reply(ASK, lambda _: None)
    assert "authorization" not in served.asked[0].headers
    assert served.asked[0].line.startswith("POST /v1/chat/completions ")
