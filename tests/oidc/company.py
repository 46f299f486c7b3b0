"""Companies with an identity provider: a real, strict one, and one that lies as it is told."""

import asyncio
import base64
import json
import re
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import RSAKey

import hatch_build
from monster.kit import clock
from monster.kit.ids import new_id
from tests.serving import free_ports

SCRIPT = Path(__file__).with_name("provider.mjs")
SECRET = "s3cret of +monster &%:"
CLIENT, PUBLIC_CLIENT = "monster", "monster-public"


@dataclass
class Company:
    """Its accounts may change at any time; what else does, by `restarted`."""

    config: Path
    redirect_uri: str
    port: int
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hire(self, login: str, **claims: object) -> None:
        """Or change what is said about them."""
        told = {"email": f"{login}@company.example", "email_verified": True, "name": "Grace"}
        self.accounts[login] = {
            name: it for name, it in {**told, **claims}.items() if it is not None
        }
        self._write("one")

    def _write(self, kid: str) -> None:
        uris = {"redirect_uris": [self.redirect_uri]}
        clients = [
            {"client_id": CLIENT, "client_secret": SECRET, **uris},
            {"client_id": PUBLIC_CLIENT, "token_endpoint_auth_method": "none", **uris},
        ]
        told = {"port": self.port, "kid": kid, "clients": clients, "accounts": self.accounts}
        self.config.write_bytes(orjson.dumps(told))

    def start(self, kid: str = "one") -> None:
        self._write(kid)
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

    async def sign_in(self, url: str, login: str) -> str:
        """As somebody in a browser of their own, from the authorization request on: the address
        to which the provider sends the browser back."""
        async with httpx.AsyncClient(base_url=self.issuer, trust_env=False) as browser:
            answer = await browser.get(url)
            for _ in range(6):
                target = answer.headers.get("Location", "")
                if target.startswith(self.redirect_uri):
                    return target
                answer = await browser.get(target) if target else answer
                if form := re.search(r'action="([^"]+)"', answer.text):
                    answer = await browser.post(form[1], data={"login": login})
        raise AssertionError(answer.text)


@contextmanager
def company(redirect_uri: str) -> Generator[Company]:
    with tempfile.TemporaryDirectory(prefix="monster-company-") as folder:
        made = Company(Path(folder) / "config.json", redirect_uri, free_ports()[0])
        made.start()
        try:
            yield made
        finally:
            made.stop()


@dataclass
class Liar:
    """A provider that speaks as it is told; what it signs is good unless a test says otherwise."""

    key: RSAKey
    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])  # instead of the truth
    keys: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    id_token: str = ""
    id_tokens: dict[str, str] = field(default_factory=dict[str, str])  # by the code
    userinfo: object = None
    sent: str = ""  # to the token endpoint, the last time
    asked: list[str] = field(default_factory=list[str])

    def claims(self, url: str, **changes: object) -> dict[str, Any]:
        """About somebody, in answer to this authorization request."""
        (nonce,) = parse_qs(urlsplit(url).query)["nonce"]
        now = int(clock.now().timestamp())
        told = {
            "iss": self.issuer, "sub": "mallory", "aud": CLIENT, "nonce": nonce, "iat": now,
            "exp": now + 60, "email": "mallory@liar.example", "email_verified": True,
        }  # fmt: skip
        return {name: it for name, it in {**told, **changes}.items() if it is not None}

    def sign(self, claims: dict[str, Any], **header: str) -> str:
        return jwt.encode({"alg": "RS256", "kid": "liar"} | header, claims, self.key, ["RS256"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = "/" + head.split()[1].split("/", 2)[2]  # after the part that no other liar has
        self.asked.append(path)
        if length := re.search(r"(?i)content-length: (\d+)", head):
            self.sent = (await reader.readexactly(int(length[1]))).decode()
        (code,) = parse_qs(self.sent).get("code", [""])
        id_token = self.id_tokens.get(code, self.id_token)
        answers: dict[str, object] = {
            "/.well-known/openid-configuration": self._metadata(),
            "/jwks": {"keys": self.keys},
            "/token": {"access_token": "at", "token_type": "Bearer", "id_token": id_token},
            "/me": self.userinfo,
        }
        body = orjson.dumps(answers[path])
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        writer.close()

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }


@asynccontextmanager
async def liar() -> AsyncGenerator[Liar]:
    key = RSAKey.generate_key(2048, {"kid": "liar"})
    told = Liar(key, keys=[dict(key.as_dict(private=False))])
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    # Ports come again, and what was found at one is remembered: each liar has a name of its own.
    told.issuer = f"http://127.0.0.1:{port}/{new_id().hex}"
    async with server:
        yield told


def unsigned(claims: dict[str, Any], alg: str = "none", **header: str) -> str:
    parts = ({"alg": alg} | header, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(text.rstrip("=") for text in texts) + "."
