"""Signing in to MCP servers: where the server says, registered there, for that server alone."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import hatch_build
from monster.contracts.oauth import CALLBACK_PATH
from monster.contracts.tokens import Permission
from monster.engine.toolkit.effects import ToolFailed
from tests.builders import Tenant
from tests.mcp.connect import HERE, connecting, own, serving
from tests.oauth.provider import Provider
from tests.serving import free_ports

REDIRECT = f"https://monster.example{CALLBACK_PATH}"
BOTH = (Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)


@dataclass
class Place:
    """A server, and where one signs in for it."""

    url: str
    authority: str


@asynccontextmanager
async def guarded_place(folder: Path) -> AsyncGenerator[Place]:
    port, there = free_ports()
    config = folder / "authority.json"
    config.write_text(json.dumps({"port": there, "resource": f"http://127.0.0.1:{port}/mcp"}))
    node, _ = hatch_build.wheel_node()
    authority = f"http://127.0.0.1:{there}"
    async with (
        serving(node, str(HERE / "authority.mjs"), str(config), port=there),
        own(authority, port=port) as url,
    ):
        yield Place(url, authority)


async def test_somebody_signs_in_to_a_server(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.oauth.provider.REDIRECT", REDIRECT)
    caller = tenant.caller(*BOTH)
    async with guarded_place(tmp_path) as place:
        body = {"name": "Guarded", "url": place.url, "auth": "oauth"}
        server = (await caller.post("/v1/mcp_servers", json=body)).json()
        url = f"/v1/mcp_servers/{server['id']}"
        registered = await caller.post(f"{url}/register", json={"redirect_uri": REDIRECT})
        assert registered.status_code == 200, registered.text
        app = (
            await caller.get(f"/v1/oauth_providers/{registered.json()['oauth_provider_id']}")
        ).json()
        assert app["endpoints"]["params"] == {"resource": place.url}
        assert app["endpoints"]["pkce"] is True
        assert app["endpoints"]["issuer"].rstrip("/") == place.authority

        again = await caller.post(f"{url}/register", json={"redirect_uri": REDIRECT})
        assert again.json()["error"]["code"] == "mcp_server_registered"

        credential = {"tool_factory_id": server["id"], "name": "Mine"}
        made = (await caller.post("/v1/credentials", json=credential)).json()
        assert made["status"] == "pending"
        begun = await caller.post(
            f"/v1/credentials/{made['id']}/authorize", json={"redirect_uri": REDIRECT}
        )
        back = await Provider(tmp_path, port=int(place.authority.rpartition(":")[2])).agree(
            begun.json()["url"]
        )
        finished = await caller.post("/v1/oauth/callback", json=dict(back.params))
        assert finished.status_code == 200, finished.text
        found = await caller.post(f"{url}/discover", json={"credential_id": made["id"]})
        assert found.status_code == 200, found.text
        assert found.json()["found"]["new"]


async def test_a_server_that_names_no_place_says_so() -> None:
    async with connecting() as client, own("a-token") as url:
        with pytest.raises(ToolFailed, match="RFC 9728"):
            await client.servers.register(url, REDIRECT, "Monster")


async def test_where_it_sends_us_is_judged_as_well(tmp_path: Path) -> None:
    """A server names the addresses: none of them leads into a private network."""
    async with connecting(allow=()) as client, guarded_place(tmp_path) as place:
        with pytest.raises(ToolFailed, match="not a public address"):
            await client.servers.register(place.url, REDIRECT, "Monster")


@pytest.mark.parametrize("resource", ["https://bank.example/mcp", "http://127.0.0.1:{port}/other"])
async def test_metadata_of_another_resource_are_refused(resource: str) -> None:
    """Else a token for somebody else's server would be sent to this one, or asked for in its
    name."""
    port = free_ports()[0]
    told = resource.replace("{port}", str(port))
    script = f"""
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        told = {{"resource": {told!r}, "authorization_servers": ["http://127.0.0.1:{port}"]}}
        self.wfile.write(json.dumps(told).encode())
    def do_POST(self):
        self.send_response(401); self.end_headers()
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
    async with connecting() as client, serving("python3", "-c", script, port=port) as url:
        with pytest.raises(ToolFailed, match="another resource"):
            await client.servers.register(url, REDIRECT, "Monster")


async def test_only_for_servers_that_take_oauth(tenant: Tenant) -> None:
    caller = tenant.caller(*BOTH)
    body = {"name": "Plain", "url": "https://mcp.example.com/mcp"}
    server = (await caller.post("/v1/mcp_servers", json=body)).json()
    url = f"/v1/mcp_servers/{server['id']}/register"
    answer: httpx.Response = await caller.post(url, json={"redirect_uri": REDIRECT})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "auth")
