"""A real, strict OAuth provider for tests (`oidc-provider`), and people who agree there."""

import html
import re
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

import hatch_build
from monster.contracts.oauth import CALLBACK_PATH
from monster.contracts.tokens import Permission
from tests.builders import Tenant
from tests.serving import free_ports

SCRIPT = Path(__file__).with_name("provider.mjs")
REDIRECT = f"http://monster.example{CALLBACK_PATH}"
SECRET = "s3cret of +monster &%:"
CLIENT, PUBLIC_CLIENT, PROGRAM = "monster", "monster-public", "monster-program"
SCOPES = ("openid", "email", "read:jira-work", "write:jira-work", "read:jira-user")
PERMISSIONS = (Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_INPUT = re.compile(r"<input[^>]*>")


@dataclass
class Provider:
    """`told` may change at any time; the script says what is in it."""

    config: Path
    port: int = field(default_factory=lambda: free_ports()[0])
    told: dict[str, Any] = field(default_factory=dict[str, Any])
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, **changes: object) -> None:
        self.told |= changes
        half = self.config.with_suffix(".new")  # it is read at any moment
        half.write_bytes(orjson.dumps(self.told))
        half.rename(self.config)

    def start(self) -> None:
        uris = {"redirect_uris": [REDIRECT]}
        both = {"grant_types": ["authorization_code", "refresh_token", _DEVICE], **uris}
        program = {"grant_types": ["client_credentials"], "redirect_uris": []}
        clients = [
            {"client_id": CLIENT, "client_secret": SECRET, **both},
            {"client_id": PUBLIC_CLIENT, "token_endpoint_auth_method": "none", **both},
            {"client_id": PROGRAM, "client_secret": SECRET, "response_types": [], **program},
        ]
        self.tell(port=self.port, clients=clients, scopes=[*SCOPES, "offline_access"], life=3600)
        node, _ = hatch_build.wheel_node()
        command = [node, str(SCRIPT), str(self.config)]
        self.process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        assert self.process
        assert self.process.stdout
        self.process.kill()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def events(self, name: str) -> list[dict[str, Any]]:
        """What was noted since `forget`."""
        log = Path(f"{self.config}.log")
        lines = log.read_bytes().splitlines() if log.exists() else []
        return [one for one in map(orjson.loads, lines) if one["event"] == name]

    def tokens(self, grant: str) -> list[int]:
        """The status of each answer to a request for tokens of this kind."""
        return [one["status"] for one in self.events("token") if one["grant"] == grant]

    def forget(self) -> None:
        Path(f"{self.config}.log").unlink(missing_ok=True)

    @property
    def endpoints(self) -> dict[str, Any]:
        return {
            "authorize_url": f"{self.url}/auth",
            "token_url": f"{self.url}/token",
            "revoke_url": f"{self.url}/token/revocation",
            "userinfo_url": f"{self.url}/me",
            "device_url": f"{self.url}/device/auth",
            "issuer": self.url,
        }

    async def agree(self, url: str, login: str = "ada") -> httpx.URL:
        """As somebody in a browser of their own: where the provider sends the browser back to."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as browser:
            answer = await browser.get(url)
            for _ in range(8):
                target = answer.headers.get("Location", "")
                if target.startswith(REDIRECT):
                    return httpx.URL(target)
                answer = await browser.get(target) if target else answer
                if "/interaction/" in answer.text:
                    answer = await _send(browser, answer, login=login)
        raise AssertionError(answer.text)

    async def type_code(self, url: str, login: str = "ada") -> None:
        """As somebody with another device, who types or follows the code there and agrees."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as browser:
            answer = await browser.get(url)
            for _ in range(10):
                if target := answer.headers.get("Location"):
                    answer = await browser.get(target)
                elif "/interaction/" in answer.text:
                    answer = await _send(browser, answer, login=login)
                elif "<form" in answer.text:
                    answer = await _send(browser, answer, confirm="yes")
                else:
                    assert "Success" in answer.text, answer.text
                    return
        raise AssertionError(answer.text)


async def _send(browser: httpx.AsyncClient, page: httpx.Response, **values: str) -> httpx.Response:
    """The form of a page, with what it holds already."""
    action = re.search(r'action="([^"]+)"', page.text)
    assert action, page.text
    known: dict[str, str] = {}
    for tag in _INPUT.findall(page.text):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and value:
            known[name[1]] = html.unescape(value[1])
    return await browser.post(html.unescape(action[1]), data={**known, **values})


@contextmanager
def provider() -> Generator[Provider]:
    with tempfile.TemporaryDirectory(prefix="monster-oauth-") as folder:
        made = Provider(Path(folder) / "config.json")
        made.start()
        try:
            yield made
        finally:
            made.stop()


async def register(tenant: Tenant, found: Provider, **changes: object) -> str:
    """As the workspace is known there: the id of its registration."""
    body = {
        "system_name": "custom",
        "name": "Ours",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "endpoints": found.endpoints,
        "scopes": SCOPES[:2],
        **changes,
    }
    body["endpoints"] = found.endpoints | dict(changes.get("endpoints", {}))  # pyright: ignore[reportArgumentType, reportCallIssue]
    answer = await tenant.caller(*PERMISSIONS).post("/v1/oauth_providers", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def new_credential(tenant: Tenant, provider_id: str | None, **changes: object) -> str:
    """For JIRA, not yet agreed."""
    body = {
        "system_name": "jira",
        "strategy": "strategy_oauth",
        "name": "Ours",
        "scope": "shared",
        "oauth_provider_id": provider_id,
        **changes,
    }
    answer = await tenant.caller(*PERMISSIONS).post("/v1/credentials", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def authorize(tenant: Tenant, credential_id: str) -> str:
    answer = await tenant.caller(*PERMISSIONS).post(
        f"/v1/credentials/{credential_id}/authorize", json={"redirect_uri": REDIRECT}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["url"]


async def connect(tenant: Tenant, found: Provider, credential_id: str) -> dict[str, Any]:
    """All the way through."""
    came = await found.agree(await authorize(tenant, credential_id))
    answer = await tenant.caller(*PERMISSIONS).post("/v1/oauth/callback", json=dict(came.params))
    assert answer.status_code == 200, answer.text
    return answer.json()
