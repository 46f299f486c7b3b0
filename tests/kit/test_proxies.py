"""Where a request comes from: the peer itself says it, or a proxy that is trusted to know."""

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr

from monster.kit import web
from monster.kit.addresses import parse_networks
from monster.kit.settings import ServiceSettings


def app(*proxies: str) -> FastAPI:
    url = SecretStr("postgresql+psycopg://nowhere")  # never asked
    settings = ServiceSettings(database_url=url, trusted_proxies=parse_networks(proxies))
    made = web.make_app("Test", settings)

    @made.get("/whence")
    async def whence(request: Request) -> list[str]:
        return [request.client.host if request.client else "", request.url.scheme]

    return made


async def ask(made: FastAPI, peer: str, *forwarded: str, proto: str = "") -> list[str]:
    transport = httpx.ASGITransport(made, client=(peer, 4321))
    headers = [("X-Forwarded-For", value) for value in forwarded]
    headers += [("X-Forwarded-Proto", proto)] if proto else []
    async with httpx.AsyncClient(transport=transport, base_url="http://monster") as http:
        return (await http.get("/whence", headers=headers)).json()


async def test_nobody_is_believed_unless_told() -> None:
    for peer in ("127.0.0.1", "10.0.0.1", "203.0.113.9", "::1"):
        assert await ask(app(), peer, "198.51.100.1", proto="https") == [peer, "http"]


async def test_an_untrusted_peer_is_not_believed() -> None:
    made = app("10.0.0.0/8", "2001:db8::/32")
    for peer in ("203.0.113.9", "11.0.0.1", "127.0.0.1", "2001:db9::1"):
        assert await ask(made, peer, "198.51.100.1", proto="https") == [peer, "http"]


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the left one was sent by the client
        (["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),  # by way of another proxy
        (["6.6.6.6", "198.51.100.1", "10.1.2.3"], "198.51.100.1"),  # in headers of their own
        (["10.9.9.9, 198.51.100.1"], "198.51.100.1"),  # one that pretends to be a proxy
        (["198.51.100.1, 2001:db8::5"], "198.51.100.1"),
        (["2001:db9::1"], "2001:db9::1"),
        ([], "10.0.0.1"),
    ],
)
async def test_of_what_a_trusted_one_says_the_last_stranger_counts(
    forwarded: list[str], found: str
) -> None:
    made = app("10.0.0.0/8", "2001:db8::/32")
    assert await ask(made, "10.0.0.1", *forwarded) == [found, "http"]


@pytest.mark.parametrize(("said", "scheme"), [("https", "https"), ("ftp", "http"), ("", "http")])
async def test_the_scheme_of_a_trusted_one(said: str, scheme: str) -> None:
    assert await ask(app("10.0.0.1/32"), "10.0.0.1", "198.51.100.1", proto=said) == [
        "198.51.100.1",
        scheme,
    ]
