"""Fetches a file of the model from the Hugging Face hub."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import aiohttp

from monster.engine.embedding.protocol import EmbedderUnavailable

REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
_PIECE = 1 << 20

# A URL becomes its body, in pieces. Raises EmbedderUnavailable.
Fetch: TypeAlias = Callable[[str], AbstractAsyncContextManager[AsyncGenerator[bytes]]]


def file_url(hub: str, name: str) -> str:
    return f"{hub.rstrip('/')}/{REPOSITORY}/resolve/main/{name}"


@asynccontextmanager
async def fetch(url: str) -> AsyncGenerator[AsyncGenerator[bytes]]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as http,
            http.get(url, raise_for_status=True) as answer,
        ):
            yield answer.content.iter_chunked(_PIECE)  # pyright: ignore[reportReturnType]
    except (aiohttp.ClientError, TimeoutError) as error:
        raise EmbedderUnavailable(f"{url} cannot be fetched: {error}") from error
