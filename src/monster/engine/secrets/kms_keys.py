"""A master key in AWS KMS: it wraps and opens, and never leaves KMS."""

import base64
import binascii
import uuid
from typing import Any

import orjson

from monster.engine.secrets import elsewhere
from monster.engine.secrets.errors import KeysUnreachable
from monster.engine.secrets.schemas import Wrapped
from monster.engine.settings import Kms
from monster.kit.crypto import CannotOpen

_KIND = "aws-kms"
# The text was wrapped by another key, for another tenant, or is none.
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsKeys:
    """Each key is bound to its tenant by the encryption context, which KMS logs, too."""

    local = False

    def __init__(self, settings: Kms) -> None:
        self._url = settings.endpoint or f"https://kms.{settings.region}.amazonaws.com/"
        self._settings = settings
        self._key = settings.key
        self.place = f"AWS KMS in {settings.region}"
        self.newest = f"{_KIND}:{settings.key}"

    def opens(self, fingerprint: str) -> bool:
        return fingerprint.startswith(f"{_KIND}:")

    async def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> Wrapped:
        asked = {"Plaintext": _text(raw), "EncryptionContext": _context(tenant_id)}
        answer = await self._ask("Encrypt", {"KeyId": self._key, **asked})
        return Wrapped(self.newest, self._bytes(answer, "CiphertextBlob"))

    async def unwrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> bytes:
        asked = {"CiphertextBlob": _text(wrapped.text), "EncryptionContext": _context(tenant_id)}
        answer = await self._ask("Decrypt", {"KeyId": _key(wrapped), **asked})
        return self._bytes(answer, "Plaintext")

    async def rewrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Wrapped:
        """Under the newest material of the key that is set, within KMS."""
        context = _context(tenant_id)
        asked: dict[str, object] = {
            "CiphertextBlob": _text(wrapped.text),
            "SourceKeyId": _key(wrapped),
            "SourceEncryptionContext": context,
            "DestinationKeyId": self._key,
            "DestinationEncryptionContext": context,
        }
        answer = await self._ask("ReEncrypt", asked)
        return Wrapped(self.newest, self._bytes(answer, "CiphertextBlob"))

    async def _ask(self, action: str, asked: dict[str, object]) -> dict[str, Any]:
        body = orjson.dumps(asked)
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{action}",
        }
        signed = self._signed(headers, body)
        status, answer = await elsewhere.post(self.place, self._url, signed, body)
        if status == 200:
            return answer
        kind = str(answer.get("__type", f"status {status}")).rpartition("#")[2]
        if kind in _NOT_OURS:
            raise CannotOpen(f"{self.place} does not open it: {kind}")
        said = answer.get("message") or answer.get("Message") or ""
        raise KeysUnreachable(f"{self.place} refuses: {kind} {said}".rstrip())

    def _signed(self, headers: dict[str, str], body: bytes) -> dict[str, str]:
        # Half a second to import: not where master keys are elsewhere.
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials  # noqa: PLC0415

        its = self._settings
        token = its.session_token.get_secret_value() if its.session_token else None
        secret = its.secret_access_key.get_secret_value()
        request: Any = AWSRequest("POST", self._url, headers, body)
        signer: Any = SigV4Auth(Credentials(its.access_key_id, secret, token), "kms", its.region)
        signer.add_auth(request)
        return dict(request.headers.items())

    def _bytes(self, answer: dict[str, Any], name: str) -> bytes:
        try:
            return base64.b64decode(answer[name], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise KeysUnreachable(f"{self.place} answers something else") from error


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _key(wrapped: Wrapped) -> str:
    return wrapped.fingerprint.partition(":")[2]


def _context(tenant_id: uuid.UUID) -> dict[str, str]:
    return {"monster:tenant": str(tenant_id), "monster:use": "tenant_key"}
