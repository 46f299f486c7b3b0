"""Addresses that are nobody's business, however they are spelled, resolved or redirected to."""

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

import aiohttp
import httpx2
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from monster.kit import outbound, outbound_httpx
from monster.kit.addresses import Blocked, Guard, parse_networks, why_blocked
from monster.kit.outbound import TooLarge

_PRIVATE = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1
    169.254.169.254 100.64.0.1 100.100.100.200 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::10.0.0.1 2002:7f00:1:: 2002:a9fe:a9fe::1
    2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2001:10::1 3fff::1 100::1 fe80::1 fe80::1%eth0
    fc00::1 fd00:ec2::254 fec0::1 ff02::1 5f00::1 4000::1
"""
_PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 2606:4700:4700::1111
    2a00:1450:4001:81b::200e
    ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
"""
HERE = Guard(parse_networks(("127.0.0.1",)))  # and not 127.0.0.2


@pytest.mark.parametrize("address", _PRIVATE.split())
def test_private_addresses_are_blocked_unless_an_admin_allows_them(address: str) -> None:
    with pytest.raises(Blocked, match="outbound_allow"):
        Guard().check(address)
    Guard(parse_networks(("0.0.0.0/0", "::/0"))).check(address)


@pytest.mark.parametrize("address", _PUBLIC.split())
def test_public_addresses_are_free(address: str) -> None:
    Guard().check(address)


@given(st.ip_addresses(v=4))
def test_another_spelling_of_an_address_is_the_same_address(address: object) -> None:
    def blocked(text: str) -> bool:
        try:
            Guard().check(text)
        except Blocked:
            return True
        return False

    low = int(ip_address(str(address)))
    forms = [f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{low >> 16:x}:{low & 0xFFFF:x}::"]
    assert {blocked(form) for form in forms} == {blocked(str(address))}


def test_what_an_admin_allows_is_that_and_no_more() -> None:
    guard = Guard(parse_networks(("10.1.0.0/16", "fd00::/8")))
    for allowed in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        guard.check(allowed)
    for refused in ("10.2.0.1", "127.0.0.1", "fe80::1"):
        with pytest.raises(Blocked):
            guard.check(refused)


@dataclass
class Names(AbstractResolver):
    """A name server of ours: one answer after the other, the last one for ever."""

    answers: list[list[str]]
    asked: int = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: int = socket.AF_INET,  # noqa: ARG002 (IPv4 only)
    ) -> list[ResolveResult]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


@dataclass
class Server:
    """On every loopback address; knows at which one it was called."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    called: list[str] = field(default_factory=list[str])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.called.append(writer.get_extra_info("sockname")[0])
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/there" in head.split(b"\r\n")[0]:
            location = b"Location: http://127.0.0.2:%d/\r\n" % self.port
            writer.write(b"HTTP/1.1 302 Found\r\n%bContent-Length: 0\r\n\r\n" % location)
        else:
            writer.write(self.answer)
        writer.close()


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "0.0.0.0", 0)  # noqa: S104
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


Fetch = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def by_aiohttp(guard: Guard, names: Names | None, limit: int) -> AsyncGenerator[Fetch]:
    async with outbound.session(guard, resolver=names) as session:

        async def fetch(url: str) -> bytes:
            assert isinstance(session.connector, aiohttp.TCPConnector)
            session.connector.clear_dns_cache()
            async with session.get(url) as response:
                return await outbound.read(response, limit)

        yield fetch


@asynccontextmanager
async def by_httpx(guard: Guard, names: Names | None, limit: int) -> AsyncGenerator[Fetch]:
    async with outbound_httpx.client(guard, resolver=names, largest=limit) as client:

        async def fetch(url: str) -> bytes:
            return (await client.get(url, follow_redirects=True)).content

        yield fetch


Client = Callable[[Guard, Names | None, int], AbstractAsyncContextManager[Fetch]]
each_client = pytest.mark.parametrize("client", [by_aiohttp, by_httpx])
FAILURES = (aiohttp.ClientError, httpx2.HTTPError, httpx2.InvalidURL)


async def refused(fetch: Fetch, url: str) -> Blocked | None:
    with pytest.raises(FAILURES) as caught:
        await fetch(url)
    return why_blocked(caught.value)


@each_client
async def test_an_allowed_address_answers(client: Client, server: Server) -> None:
    async with client(HERE, Names([["127.0.0.1"]]), 100) as fetch:
        assert await fetch(f"http://some.name:{server.port}/") == b"ok"


@each_client
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.2", "127.0.0.2.", "127.2", "2130706434", "0177.0.0.2", "017700000002", "0"),
        *("0x7f.0.0.2", "0x7f000002", "[::1]", "[::ffff:127.0.0.2]", "localhost"),
    ],
)
async def test_no_spelling_of_a_host_gets_through(
    client: Client, host: str, server: Server
) -> None:
    async with client(Guard(), None, 100) as fetch:
        with pytest.raises(FAILURES):
            await fetch(f"http://{host}:{server.port}/")
    assert server.called == []


@each_client
async def test_names_are_judged_by_their_address(client: Client, server: Server) -> None:
    async with client(HERE, Names([["127.0.0.2"]]), 100) as fetch:
        blocked = await refused(fetch, f"http://innocent.example:{server.port}/")
    assert "127.0.0.2 is not a public address" in str(blocked)
    assert server.called == []


@each_client
async def test_a_redirect_is_judged_like_a_request(client: Client, server: Server) -> None:
    async with client(HERE, None, 100) as fetch:
        assert await refused(fetch, f"http://127.0.0.1:{server.port}/there")
    assert server.called == ["127.0.0.1"]


@each_client
async def test_a_name_that_changes_its_mind(client: Client, server: Server) -> None:
    """What is checked is what is connected to: there is no second look-up in between."""
    names = Names([["127.0.0.1"], ["127.0.0.2"]])
    async with client(HERE, names, 100) as fetch:
        url = f"http://rebind.example:{server.port}/"
        assert await fetch(url) == b"ok"
        assert await refused(fetch, url)
    assert names.asked == 2
    assert server.called == ["127.0.0.1"]


@each_client
async def test_an_address_that_is_allowed_is_used(client: Client, server: Server) -> None:
    async with client(HERE, Names([["127.0.0.2", "127.0.0.1"]]), 100) as fetch:
        assert await fetch(f"http://both.example:{server.port}/") == b"ok"
    assert server.called == ["127.0.0.1"]


@each_client
async def test_a_flood_is_cut_off(client: Client, server: Server) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000
    async with client(HERE, None, 10_000) as fetch:
        with pytest.raises(TooLarge):
            await fetch(f"http://127.0.0.1:{server.port}/")


@each_client
async def test_nothing_is_inflated(client: Client, server: Server) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    server.answer = head + gzip.compress(b"0" * 1_000_000)
    async with client(HERE, None, 10_000) as fetch:
        with suppress(httpx2.RemoteProtocolError):
            assert (await fetch(f"http://127.0.0.1:{server.port}/")).startswith(b"\x1f\x8b")
