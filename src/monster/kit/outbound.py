"""Requests to addresses that others chose: what is connected to is what was checked.

The check stands where the socket is made, so it holds for every name, however it is spelled or
resolved, and again after every redirect.
"""

import aiohttp
from aiohttp.abc import AbstractResolver

from monster.kit.addresses import Guard, TooLarge

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)


def session(
    guard: Guard, *, connections: int = 1000, resolver: AbstractResolver | None = None
) -> aiohttp.ClientSession:
    """A pool of connections, for requests of many tenants: no cookies, no proxy, nothing inflated.

    It follows redirects, and a header of your own goes along: with a key, `allow_redirects=False`.
    """
    connector = aiohttp.TCPConnector(
        limit=connections, socket_factory=guard.make_socket, resolver=resolver
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        timeout=TIMEOUT,
        auto_decompress=False,
        trust_env=False,
    )


async def read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body. Raises TooLarge."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise TooLarge(f"the answer is longer than {limit} bytes")
    return bytes(body)
