"""Anthropic and Google through pydantic-ai. It takes a second to import: see `providers`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import groupby

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai import messages as ai
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError, ModelConnectionError, ModelHTTPError, UserError
from pydantic_ai.models import Model as AIModel
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.tools import ToolDefinition

from monster.engine.models.history import complete
from monster.engine.models.protocol import (
    Call,
    Message,
    ModelError,
    OnText,
    Reply,
    Request,
    ToolSchema,
    storable,
)
from monster.engine.models.refusals import by_status
from monster.kit import outbound_httpx
from monster.kit.addresses import Guard, TooLarge, why_blocked

_NAMES = 64  # models of one account that are kept: 2 ms each to make
_FOREIGN = (AgentRunError, UserError, httpx2.HTTPError, httpx2.InvalidURL, TooLarge, ValueError)


@dataclass(frozen=True, slots=True)
class SDKModel:
    """One account at one provider; `make` gives the model of a name."""

    make: Callable[[str], AIModel]

    async def reply(self, request: Request, on_text: OnText) -> Reply:
        hearing = _Hearing(on_text)
        try:
            return await self._ask(request, hearing)
        except (ModelError, *_FOREIGN) as foreign:
            error = _translate(foreign)
            error.again = error.again and not hearing.started
            raise error from foreign

    async def _ask(self, request: Request, hearing: "_Hearing") -> Reply:
        parameters = ModelRequestParameters(function_tools=[_tool(tool) for tool in request.tools])
        async with model_request_stream(
            self.make(request.model), _messages(request), model_request_parameters=parameters
        ) as stream:
            async for event in stream:
                hearing.hear(event)
            return _reply(stream.get(), "".join(hearing.texts))


@dataclass(slots=True)
class _Hearing:
    on_text: OnText
    started: bool = False
    texts: list[str] = field(default_factory=list[str])

    def hear(self, event: object) -> None:
        match event:
            case (
                ai.PartStartEvent(part=ai.TextPart(content=text))
                | ai.PartDeltaEvent(delta=ai.TextPartDelta(content_delta=text))
            ):
                if text := storable(text):
                    self.started = True
                    self.texts.append(text)
                    self.on_text(text)
            case ai.PartStartEvent(part=ai.ToolCallPart()):
                self.started = True
            case _:
                pass


def _reply(response: ai.ModelResponse, text: str) -> Reply:
    if response.state != "complete" or response.finish_reason is None:
        raise ModelError("the provider's answer broke off", again=True)
    if response.finish_reason == "content_filter":
        raise ModelError("the provider's content filter stopped the answer")
    usage = {
        "input_tokens": response.usage.input_tokens,
        "output_tokens": response.usage.output_tokens,
    }
    calls = tuple(
        Call(
            type="call",
            id=part.tool_call_id,
            tool=storable(part.tool_name),
            arguments=storable(part.args_as_json_str()),
        )
        for part in response.tool_calls
    )
    return Reply(text, calls, usage, response.finish_reason)


def _translate(error: Exception) -> ModelError:
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ModelHTTPError):
        translated = by_status(error.status_code, error.body)
        translated.retry_after = error.retry_after or 0.0
        return translated
    if blocked := why_blocked(error):
        return ModelError(f"the provider cannot be reached: {blocked}")
    if isinstance(error, ModelConnectionError | httpx2.TransportError):
        return ModelError(f"the provider cannot be reached: {error}", again=True)
    return ModelError(f"the provider's answer cannot be used: {error}")


# Our messages as theirs


def _tool(tool: ToolSchema) -> ToolDefinition:
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=tool.parameters
    )


def _messages(request: Request) -> list[ai.ModelMessage]:
    """Theirs take turns: all that comes between two replies is one request."""
    tools: dict[str, str] = {}  # by the id of the call
    out: list[ai.ModelMessage] = []
    for said, group in groupby(complete(request.messages), lambda m: m["role"] == "assistant"):
        if said:
            out += [_response(message, tools) for message in group]
        else:
            parts = [part for message in group for part in _request_parts(message, tools)]
            out.append(ai.ModelRequest(parts, instructions=request.instruction or None))
    return out


def _response(message: Message, tools: dict[str, str]) -> ai.ModelResponse:
    parts: list[ai.ModelResponsePart] = []
    for part in message["parts"]:
        if part["type"] == "text":
            parts.append(ai.TextPart(part["text"]))
        elif part["type"] == "call":
            tools[part["id"]] = part["tool"]
            parts.append(ai.ToolCallPart(part["tool"], part["arguments"], part["id"]))
    return ai.ModelResponse(parts)


def _request_parts(message: Message, tools: dict[str, str]) -> Iterator[ai.ModelRequestPart]:
    for part in message["parts"]:
        if part["type"] == "text":
            yield ai.UserPromptPart(part["text"])
        elif part["type"] == "result":
            outcome = "failed" if part["failed"] else "success"
            tool = tools.get(part["id"], "unknown")
            yield ai.ToolReturnPart(tool, part["content"], part["id"], outcome=outcome)


class Vendors:
    """All accounts share one pool of connections."""

    def __init__(self, guard: Guard) -> None:
        self.http = outbound_httpx.client(guard)

    def model(self, system: str, base_url: str, key: str) -> SDKModel:
        if system == "anthropic":
            client = AsyncAnthropic(
                api_key=key, base_url=base_url, http_client=self.http, max_retries=0
            )
            anthropic = AnthropicProvider(anthropic_client=client)
            return SDKModel(lru_cache(_NAMES)(partial(AnthropicModel, provider=anthropic)))
        google = GoogleProvider(api_key=key, base_url=base_url, http_client=self.http)
        return SDKModel(lru_cache(_NAMES)(partial(GoogleModel, provider=google)))
