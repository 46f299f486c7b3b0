"""Secrets at rest: AES-256-GCM under a key per tenant, and that key under the master key.

Sealed text: one byte for the version of this format, 12 random bytes, ciphertext with its tag.
Each is bound to where it belongs (tenant, table, key): elsewhere it does not open.
"""

import base64
import binascii
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_BYTES = 32
_FORMAT = b"\x01"
_NONCE = 12


class CryptoError(Exception):
    """Something about keys or sealed texts is not as it must be."""


class BadMasterKey(CryptoError):
    """The setting or the key file does not hold a usable key; the message never quotes it."""


class CannotOpen(CryptoError):
    """Another key, another place, or a sealed text that was changed."""


def _bind(places: tuple[str, ...]) -> bytes:
    """Lengths first: ("ab", "c") is another place than ("a", "bc")."""
    encoded = [place.encode() for place in places]
    return b"".join(len(place).to_bytes(4) + place for place in encoded)


@dataclass(frozen=True, slots=True)
class Key:
    """256 bits that seal and open; never shown, not even in a traceback."""

    _raw: bytes = field(repr=False)

    def seal(self, text: bytes, *places: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return _FORMAT + nonce + AESGCM(self._raw).encrypt(nonce, text, _bind(places))

    def open(self, sealed: bytes, *places: str) -> bytes:
        """Raises CannotOpen."""
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if version != _FORMAT:
            raise CannotOpen("sealed in a format that this release does not know")
        try:
            return AESGCM(self._raw).decrypt(nonce, rest, _bind(places))
        except (InvalidTag, ValueError) as error:  # ValueError: too short
            raise CannotOpen("sealed with another key, for another place, or changed") from error


@dataclass(frozen=True, slots=True)
class MasterKey(Key):
    """The one key that is not in the database."""

    @classmethod
    def parse(cls, text: str) -> "MasterKey":
        """32 bytes as base64 (also URL-safe) or hex. Raises BadMasterKey."""
        raw = _decode(text.strip())
        if len(raw) != _BYTES:
            raise BadMasterKey(f"the master key has {len(raw)} bytes; it must have {_BYTES}")
        return cls(raw)

    @property
    def fingerprint(self) -> str:
        """Tells master keys apart and says nothing about them."""
        return hashlib.sha256(b"monster master key\0" + self._raw).hexdigest()[:16]

    def new_data_key(self, tenant_id: uuid.UUID) -> tuple[Key, bytes]:
        """A key for one tenant, and how it is stored."""
        raw = new_key()
        return Key(raw), self.wrap(tenant_id, raw)

    def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> bytes:
        return self.seal(raw, str(tenant_id), "tenant_key")

    def unwrap(self, tenant_id: uuid.UUID, wrapped: bytes) -> Key:
        """Raises CannotOpen."""
        return Key(self.unwrap_raw(tenant_id, wrapped))

    def unwrap_raw(self, tenant_id: uuid.UUID, wrapped: bytes) -> bytes:
        """For who wraps it anew. Raises CannotOpen."""
        return self.open(wrapped, str(tenant_id), "tenant_key")


def _decode(text: str) -> bytes:
    try:
        if len(text) == 2 * _BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadMasterKey("the master key is neither base64 nor hex") from error


def parse_master_keys(text: str) -> tuple[MasterKey, ...]:
    """One or more, separated by commas or lines: the first seals, all open. Raises BadMasterKey."""
    return tuple(MasterKey.parse(part) for part in text.strip().replace("\n", ",").split(","))


def new_key() -> bytes:
    return secrets.token_bytes(_BYTES)


def new_master_key() -> str:
    return base64.b64encode(new_key()).decode()
