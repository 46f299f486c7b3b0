"""What a provider means by an answer that is none."""

from typing import Any

import aiohttp
import orjson

from monster.engine.models.protocol import ModelError
from monster.kit.addresses import TooLarge, why_blocked

_LONGEST = 1_000  # characters of the provider's own words


def refusal(error: object) -> ModelError:
    """From the `error` of a body: an object with a message, or just words."""
    words = error.get("message") if isinstance(error, dict) else error  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return ModelError(f"the provider says: {str(words)[:_LONGEST]}")  # pyright: ignore[reportUnknownArgumentType]


def by_status(status: int, body: object, retry_after: str = "") -> ModelError:
    error = refusal(_words(body)) if _words(body) else ModelError(f"the provider answers {status}")
    error.again = status in (408, 409, 425, 429) or status >= 500
    error.refused = status in (401, 403)
    error.retry_after = float(retry_after) if retry_after.isdecimal() else 0.0
    return error


def _words(body: object) -> object:
    """Providers put the reason in different places."""
    if isinstance(body, list) and body:
        body = body[0]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(body, dict):
        return None
    found: dict[str, Any] = body  # pyright: ignore[reportUnknownVariableType]
    return found.get("error") or found.get("message") or found.get("detail")


async def raise_for(response: aiohttp.ClientResponse) -> None:
    if response.status == 200:
        return
    answer = await response.content.read(10_000)
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        body = None
    raise by_status(response.status, body, response.headers.get("Retry-After", ""))


def unreachable(error: Exception) -> ModelError:
    if blocked := why_blocked(error):
        return ModelError(f"the provider cannot be reached: {blocked}")
    if isinstance(error, aiohttp.InvalidURL | TooLarge):
        return ModelError(f"the provider cannot be used: {error}")
    return ModelError(f"the provider cannot be reached: {error or 'it is silent'}", again=True)
