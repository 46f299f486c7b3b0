"""Places that have master keys, as servers on this machine: Vault's transit engine, AWS KMS."""

import asyncio
import base64
import hmac
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from monster.engine import settings


@dataclass
class Vault:
    """Transit as it answers: `keys` have their versions, the newest last. Of those that are
    `derived` the context, without which it refuses, is part of what they encrypt with."""

    url: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    keys: dict[str, list[bytes]] = field(default_factory=lambda: {"monster": [bytes(32)]})
    derived: bool = True
    oldest: int = 1  # version that it still decrypts with
    sealed: bool = False
    asked: list[str] = field(default_factory=list[str])
    at_each: Callable[[], None] = lambda: None

    def settings(self, **changes: object) -> settings.Vault:
        told = {"address": self.url, "token": SecretStr(self.token)}
        return settings.Vault.model_validate({**told, **changes})

    def rotate(self, key: str = "monster") -> None:
        self.keys[key].append(secrets.token_bytes(32))

    async def handle(self, request: web.Request) -> web.Response:
        action, name = request.match_info["action"], request.match_info["key"]
        self.asked.append(action)
        self.at_each()
        if self.sealed:
            return _refused(503, "Vault is sealed")
        if request.headers.get("X-Vault-Token") != self.token:
            return _refused(403, "permission denied")
        if name not in self.keys:
            return _refused(400, "encryption key not found")
        body = await request.json()
        if self.derived and not body.get("context"):
            return _refused(400, "missing 'context' for key derivation")
        context = _bytes(body["context"]) if self.derived else b""
        try:
            return web.json_response({"data": self._do(action, name, context, body)})
        except (InvalidTag, ValueError):
            return _refused(400, "invalid ciphertext: unable to decrypt")

    def _do(self, action: str, name: str, context: bytes, body: dict[str, str]) -> dict[str, str]:
        if action == "encrypt":
            return {"ciphertext": self._encrypt(name, context, _bytes(body["plaintext"]))}
        plain = self._decrypt(name, context, body["ciphertext"])
        if action == "rewrap":
            return {"ciphertext": self._encrypt(name, context, plain)}
        return {"plaintext": base64.b64encode(plain).decode()}

    def _encrypt(self, name: str, context: bytes, plain: bytes) -> str:
        version, nonce = len(self.keys[name]), secrets.token_bytes(12)
        sealed = nonce + self._key(name, version, context).encrypt(nonce, plain, None)
        return f"vault:v{version}:{base64.b64encode(sealed).decode()}"

    def _decrypt(self, name: str, context: bytes, text: str) -> bytes:
        start, number, sealed = text.split(":", 2)
        version, raw = int(number.removeprefix("v")), _bytes(sealed)
        if start != "vault" or version < self.oldest:
            raise ValueError(text)
        return self._key(name, version, context).decrypt(raw[:12], raw[12:], None)

    def _key(self, name: str, version: int, context: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self.keys[name][version - 1], context, "sha256"))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"errors": [why]}, status=status)


@asynccontextmanager
async def vault() -> AsyncGenerator[Vault]:
    there = Vault()
    app = web.Application()
    app.router.add_post("/v1/transit/{action:encrypt|decrypt|rewrap}/{key}", there.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield there
    await runner.cleanup()


@dataclass
class Kms:
    """moto, and one key in it."""

    url: str
    key: str = ""

    def settings(self, **changes: object) -> settings.Kms:
        told = {
            "key": self.key,
            "region": "eu-central-1",
            "access_key_id": "AKIDEXAMPLE",
            "secret_access_key": SecretStr("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            "endpoint": self.url,
        }
        return settings.Kms.model_validate({**told, **changes})

    async def make_key(self) -> str:
        headers = {
            "X-Amz-Target": "TrentService.CreateKey",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/kms/aws4_request",
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url, data="{}", headers=headers) as answer,
        ):
            return (await answer.json(content_type=None))["KeyMetadata"]["Arn"]


@asynccontextmanager
async def kms() -> AsyncGenerator[Kms]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(  # noqa: ASYNC220, S603 (returns at once)
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    there = Kms(f"http://127.0.0.1:{port}/")
    try:
        async with asyncio.timeout(60):
            while not there.key:
                try:
                    there.key = await there.make_key()
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        yield there
    finally:
        process.kill()
        process.wait()
