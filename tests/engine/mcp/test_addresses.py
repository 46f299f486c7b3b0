"""Servers at an address: streamable HTTP."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

import hatch_build
from monster.engine.mcp.servers import Server
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from tests.mcp.connect import EVERYTHING, Client, at, connecting, environment, own, serving
from tests.serving import free_ports

TOKEN = "a-token-of-ours"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connecting() as made:
        yield made


@dataclass
class Tokens:
    """A grant whose first token is not accepted any more."""

    tokens: list[str]
    refused: list[str | None] = field(default_factory=list[str | None])

    async def token(self, *, refused: str | None = None) -> str:
        self.refused.append(refused)
        if refused:
            self.tokens.pop(0)
        if not self.tokens:
            raise ConnectionRefused("the grant is dead")
        return self.tokens[0]


async def test_a_server_made_with_the_sdk(client: Client) -> None:
    async with own() as url:
        server = await client.approved(client.open(at(url)))
        assert await server.account() == "Naughty 1.2"
        assert await server.call("greet", {"name": "Ada"}) == {"result": "Hello, Ada"}
        with pytest.raises(ToolFailed, match="Error executing tool fail"):
            await server.call("fail", {})
        with pytest.raises(ToolFailed):
            await server.call("ask", {})


async def test_the_reference_server(client: Client) -> None:
    node, _ = hatch_build.wheel_node()
    command = (node, str(EVERYTHING), "streamableHttp")
    async with serving(*command, environment={"PORT": "{port}"}) as url:
        server = await client.approved(client.open(at(url)))
        assert await server.call("echo", {"message": "hi"}) == "Echo: hi"
        assert isinstance(await server.call("get-tiny-image", {}), dict)
        work = {"duration": 1, "steps": 4}
        assert "completed" in str(await server.call("trigger-long-running-operation", work))


async def test_a_session_that_was_forgotten_is_opened_again(client: Client) -> None:
    """As when the server was restarted: it answers 404 to the session that it had given."""
    node, _ = hatch_build.wheel_node()
    port = free_ports()[0]
    command = (node, str(EVERYTHING), "streamableHttp")
    async with serving(*command, environment={"PORT": str(port)}, port=port) as url:
        server = await client.approved(client.open(at(url)))
        assert await server.call("echo", {"message": "1"}) == "Echo: 1"
    async with serving(*command, environment={"PORT": str(port)}, port=port):
        async with asyncio.timeout(30):
            while await echo(server) != "Echo: 2":  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def echo(server: Server) -> object:
    try:
        return await server.call("echo", {"message": "2"})
    except ToolFailed:
        return None


async def test_a_token_goes_with_every_request(client: Client) -> None:
    async with own(TOKEN) as url:
        config = {**at(url), "auth": "token"}
        server = await client.approved(client.open(config, {"token": TOKEN}))
        assert await server.call("greet", {"name": "Ada"}) == {"result": "Hello, Ada"}
        with pytest.raises(ConnectionRefused, match="does not accept"):
            await client.open(config, {"token": "wrong"}).account()
        with pytest.raises(ConnectionRefused):
            await client.open(at(url)).account()


async def test_headers_refer_to_secrets(client: Client) -> None:
    async with own(TOKEN) as url:
        config = {**at(url), "auth": "values", "headers": ["Authorization"]}
        environments = {"header:Authorization": "Bearer ${KIND}-${TOKEN}", "KIND": "a"}
        server = client.open(config, {"TOKEN": "token-of-ours"}, environments)
        assert await server.account() == "Naughty 1.2"
        for value in ("x\r\nX-Other: y", "ü"):
            with pytest.raises(ToolFailed, match="cannot be sent"):
                await client.open(config, {"TOKEN": value}, environments).account()


async def test_a_value_cannot_leave_its_place_in_the_address(client: Client) -> None:
    async with own() as url:
        config = {**at(url.replace("/mcp", "/${PLACE}")), "auth": "values"}
        assert await client.open(config, {"PLACE": "mcp"}).account()
        for value in ("x/../mcp", "mcp?a=b", "@127.0.0.1/mcp"):
            with pytest.raises(ToolFailed):
                await client.open(config, {"PLACE": value}).account()


async def test_a_grant_is_refreshed_once_when_it_is_refused(client: Client) -> None:
    async with own(TOKEN) as url:
        config = {**at(url), "auth": "oauth"}
        tokens = Tokens(["stale", TOKEN])
        assert await client.open(config, token=tokens).account()
        assert tokens.refused.count("stale") == 1

        with pytest.raises(ConnectionRefused, match="the grant is dead"):
            await client.open(config, token=Tokens(["stale"])).account()


async def test_private_addresses_are_closed() -> None:
    async with connecting(allow=()) as client, own() as url:
        for address in (url, url.replace("127.0.0.1", "localhost"), "http://[::1]/mcp"):
            with pytest.raises(ToolFailed, match="not a public address"):
                await client.open(at(address)).account()
        for address in ("http://169.254.169.254/mcp", "http://10.0.0.1/mcp", "http://0x7f.1/"):
            with pytest.raises(ToolFailed, match="not a public address"):
                await client.open(at(address)).account()


async def test_one_that_is_not_there_says_so(client: Client) -> None:
    with pytest.raises(ToolFailed, match="cannot be reached"):
        await client.open(at(f"http://127.0.0.1:{free_ports()[0]}/mcp")).account()


async def test_a_request_that_was_never_sent_did_not_act(client: Client) -> None:
    async with own() as url:
        server = await client.approved(client.open(at(url)))
        os.kill((await environment(server))["pid"], signal.SIGKILL)
        await asyncio.sleep(0.2)
        with pytest.raises(ToolFailed, match="cannot be reached"):
            await server.call("greet", {"name": "Ada"})
