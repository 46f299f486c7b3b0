"""Which models an account may use: the cheapest call that needs the key, so it is the test, too."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp
import orjson

from monster.engine.models.protocol import ModelError
from monster.engine.models.refusals import raise_for, unreachable
from monster.kit import outbound

_LARGEST = 8 << 20  # bytes; some brokers list hundreds of models with all they know of them
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Offer:
    """`account` is who the provider says we are, where it says so."""

    models: list[str]
    account: str | None


class _Question(NamedTuple):
    path: str
    headers: dict[str, str]
    account: str  # the header of the answer that names it


def _question(system: str, key: str) -> _Question:
    bearer = {"Authorization": f"Bearer {key}"} if key else {}
    match system:
        case "anthropic":  # as its SDK 2.12 asks
            headers = {**bearer, "anthropic-version": "2026-10-21"}
            return _Question("/v1/models?limit=1000", headers, "anthropic-organization-id")
        case "google":
            return _Question("/v1beta/models?pageSize=1000", {"x-goog-api-key": key}, "")
        case _:
            return _Question("/models", bearer, "openai-organization")


async def ask(http: aiohttp.ClientSession, system: str, base_url: str, key: str) -> Offer:
    """Raises ModelError."""
    question = _question(system, key)
    url = base_url.rstrip("/") + question.path
    try:
        async with http.get(
            url, headers=question.headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            await raise_for(response)
            body = await outbound.read(response, _LARGEST)
            account = response.headers.get(question.account) if question.account else None
    except (aiohttp.ClientError, TimeoutError, outbound.TooLarge) as error:
        raise unreachable(error) from error
    return Offer(_models(body), account)


def _models(body: bytes) -> list[str]:
    try:
        answer = orjson.loads(body)
        found: list[dict[str, Any]] = answer["data"] if "data" in answer else answer["models"]
        return sorted(_name(model) for model in found if _talks(model))[:_MOST]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"this is no list of models: {body[:200]!r}") from error


def _name(model: dict[str, Any]) -> str:
    return str(model.get("id") or model["name"].removeprefix("models/"))


def _talks(model: dict[str, Any]) -> bool:
    """Google says what each of its models is for."""
    methods = model.get("supportedGenerationMethods")
    return methods is None or "generateContent" in methods
