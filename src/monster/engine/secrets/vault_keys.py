"""A master key in HashiCorp Vault's transit engine: it wraps and opens, and never leaves Vault."""

import asyncio
import base64
import binascii
import uuid
from http import HTTPStatus
from typing import Any, cast

import orjson

from monster.engine.secrets import elsewhere
from monster.engine.secrets.errors import KeysUnreachable
from monster.engine.secrets.schemas import Wrapped
from monster.engine.settings import Vault
from monster.kit.crypto import CannotOpen

_KIND = "vault"


class VaultKeys:
    """Each key is bound to its tenant twice: by the context, from which Vault derives a key of the
    tenant's own if the transit key is made with `derived=true`, and by the tenant's id beside the
    key in what is wrapped, which holds for any transit key."""

    local = False

    def __init__(self, settings: Vault) -> None:
        self._settings = settings
        self._address = settings.address.rstrip("/")
        self.place = f"Vault at {self._address}"
        self.newest = f"{_KIND}:{settings.mount}/{settings.key}"

    def opens(self, fingerprint: str) -> bool:
        return fingerprint.startswith(f"{_KIND}:")

    async def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> Wrapped:
        asked = {"plaintext": _text(tenant_id.bytes + raw), "context": _context(tenant_id)}
        return await self._wrapped("encrypt", asked)

    async def unwrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> bytes:
        asked = {"ciphertext": _ciphertext(wrapped), "context": _context(tenant_id)}
        answer = await self._ask("decrypt", wrapped.fingerprint, asked)
        try:
            found = base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise KeysUnreachable(f"{self.place} answers something else") from error
        if found[:16] != tenant_id.bytes:
            raise CannotOpen("the key of another tenant")
        return found[16:]

    async def rewrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Wrapped:
        """Under the newest version of the transit key; within Vault, unless it is another key."""
        if wrapped.fingerprint != self.newest:
            return await self.wrap(tenant_id, await self.unwrap(tenant_id, wrapped))
        asked = {"ciphertext": _ciphertext(wrapped), "context": _context(tenant_id)}
        return await self._wrapped("rewrap", asked)

    async def _wrapped(self, action: str, asked: dict[str, str]) -> Wrapped:
        answer = await self._ask(action, self.newest, asked)
        if not isinstance(answer.get("ciphertext"), str):
            raise KeysUnreachable(f"{self.place} answers something else")
        return Wrapped(self.newest, answer["ciphertext"].encode())

    async def _ask(self, action: str, fingerprint: str, asked: dict[str, str]) -> dict[str, Any]:
        mount, _, key = fingerprint.partition(":")[2].rpartition("/")
        headers = {"X-Vault-Token": await self._token(), "X-Vault-Request": "true"}
        url = f"{self._address}/v1/{mount}/{action}/{key}"
        status, body = await elsewhere.post(self.place, url, headers, orjson.dumps(asked))
        if status == HTTPStatus.OK:
            return cast("dict[str, Any]", body.get("data") or {})
        said = "; ".join(map(str, body.get("errors") or ())) or f"status {status}"
        if status == HTTPStatus.BAD_REQUEST and action != "encrypt":
            raise CannotOpen(f"{self.place} does not open it: {said}")
        raise KeysUnreachable(f"{self.place} refuses: {said}")

    async def _token(self) -> str:
        """A file is read each time: an agent of Vault renews what is in it."""
        if self._settings.token_file is None:
            token = self._settings.token
            return token.get_secret_value() if token else ""
        try:
            found = await asyncio.to_thread(self._settings.token_file.read_text, "utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeysUnreachable("the file with the token for Vault cannot be read") from error
        return found.strip()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _ciphertext(wrapped: Wrapped) -> str:
    return wrapped.text.decode(errors="replace")


def _context(tenant_id: uuid.UUID) -> str:
    return _text(f"monster tenant_key {tenant_id}".encode())
