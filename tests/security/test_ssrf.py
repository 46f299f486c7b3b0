"""Nothing of ours connects to an address that only this machine or its network should reach.

Every face that sends requests (`outbound_faces.py`) is given every way to write such an address. A
server listens on all addresses of this machine and counts who comes.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from monster.kit import outbound
from monster.kit.addresses import Guard, parse_networks
from tests.security.outbound_faces import FACES, Face, There

each_face = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)

# 127.0.0.1 stands for the public here; 127.0.0.2 is as private as ever.
HERE = Guard(parse_networks(("127.0.0.1",)))

# This machine itself, where the server would hear of it.
LOOPBACK = """
    127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1
    0x7f.1 017700000001 0177.0.0.1 0177.1 0.0.0.0 0 127.0.0.1. localhost localhost.
    LOCALHOST [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:0:0]
    [::127.0.0.1] 127。0。0。1 ①②⑦.⓪.⓪.①
"""
# Others, of whom a listener could not tell: it must be the guard that refuses them.
ELSEWHERE = """
    10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254
    169.254.170.2 0xa9fea9fe 2852039166 0251.0376.0251.0376 100.64.0.1 100.100.100.200
    192.0.0.192 198.18.0.1 192.0.2.1 203.0.113.7 192.88.99.1 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255 0.1.2.3 [fe80::1] [fe80::1%25lo] [fc00::1] [fd00:ec2::254]
    [fec0::1] [ff02::1] [2001:db8::1] [100::1] [::ffff:10.0.0.1] [::ffff:169.254.169.254]
    [64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::10.0.0.1] [2002:7f00:1::]
    [2002:a9fe:a9fe::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [5f00::1] [3fff::1]
"""
TRICKS = ("innocent.example@127.0.0.1", "127.0.0.1#@innocent.example", "127.0.0.1?", "127.0.0.1/")


@dataclass
class Trap:
    """On every address of this machine; `called` are those at which somebody came."""

    port: int = 0
    called: list[str] = field(default_factory=list[str])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.called.append(writer.get_extra_info("sockname")[0])
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(0.3):  # who speaks no HTTP waits for us
                await reader.readuntil(b"\r\n\r\n")
            to = f"Location: http://127.0.0.2:{self.port}/\r\n"
            writer.write(f"HTTP/1.1 302 Found\r\n{to}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@pytest.fixture
async def trap() -> AsyncGenerator[Trap]:
    trap = Trap()
    both = socket.socket(socket.AF_INET6)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", 0))
    trap.port = both.getsockname()[1]
    async with await asyncio.start_server(trap.serve, sock=both):
        yield trap


@asynccontextmanager
async def going(host: str, port: int, guard: Guard) -> AsyncGenerator[There]:
    async with outbound.session(guard) as session:
        yield There(host, port, guard, session)


async def refused(face: Face, there: There) -> str:
    """What it says. Any error will do: that none is a failure of ours, other tests see to."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await face.go(there)
    said = list[str]()
    error: BaseException | None = caught.value
    while error is not None:
        said.append(str(error))
        error = error.__cause__ or error.__context__
    return " / ".join(said)


def test_there_are_faces() -> None:
    names = {face.name for face in FACES}
    assert len(names) == len(FACES) > 20
    for wanted in (
        "openai: strategy_token.base_url",
        "jira: strategy_token.jira_url",
        "s3: strategy_keys.endpoint",
        "searxng: strategy_url.base_url",
        "email: strategy_password.smtp_host",
        "email: strategy_password.imap_host",
        "http_request: strategy_client_credentials.token_url",
    ):
        assert wanted in names


@each_face
async def test_the_trap_works(face: Face, trap: Trap) -> None:
    """Where an admin allows it, each does connect: what is refused below is not just broken."""
    async with going("127.0.0.1", trap.port, HERE) as there:
        with suppress(Exception):
            await face.go(there)
    assert "127.0.0.1" in _plain(trap.called), face.name


@each_face
async def test_no_spelling_of_this_machine_gets_through(face: Face, trap: Trap) -> None:
    for host in (*LOOPBACK.split(), *TRICKS):
        async with going(host, trap.port, Guard()) as there:
            await refused(face, there)
    assert trap.called == []


@each_face
async def test_addresses_of_others_are_refused_by_the_guard(face: Face, trap: Trap) -> None:
    for host in ELSEWHERE.split():
        async with going(host, trap.port, Guard()) as there:
            said = await refused(face, there)
        # A client that does not take an address for one has not connected either.
        odd = host.startswith(("0x", "02", "28")) or "%" in host
        assert odd or "is not a public address" in said, f"{host}: {said}"
    assert trap.called == []


@each_face
async def test_a_redirect_leads_nowhere_else(face: Face, trap: Trap) -> None:
    async with going("127.0.0.1", trap.port, HERE) as there:
        said = await refused(face, there)
    assert set(_plain(trap.called)) == {"127.0.0.1"}, said
    if face.follows:
        assert "127.0.0.2 is not a public address" in said


@each_face
async def test_a_name_that_leads_here(
    face: Face, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(monkeypatch, iter([["127.0.0.2", "::1"]] * 50))
    for host in ("innocent.example", "innocent.example.", "xn--mnchen-3ya.example"):
        async with going(host, trap.port, HERE) as there:
            said = await refused(face, there)
        assert "is not a public address" in said
    assert trap.called == []


@each_face
async def test_a_name_that_changes_its_mind(
    face: Face, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is checked, private when it is connected to: but it is asked once only."""
    _answer(monkeypatch, iter([["127.0.0.1"], *[["127.0.0.2"]] * 50]))
    for _ in range(2):
        async with going("rebind.example", trap.port, HERE) as there:
            await refused(face, there)
    assert set(_plain(trap.called)) == {"127.0.0.1"}


def _answer(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[str]]) -> None:
    """A name server of ours; addresses are their own answer."""
    real = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: Any, host: Any, port: Any, **more: Any) -> Any:  # noqa: ANN401
        name = host.decode() if isinstance(host, bytes) else host
        if not name.rstrip(".").endswith("example"):
            return await real(self, host, port, **more)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in next(answers)
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def _plain(addresses: list[str]) -> list[str]:
    return [one.removeprefix("::ffff:") for one in addresses]
