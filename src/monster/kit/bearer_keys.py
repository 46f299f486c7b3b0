"""Keys that programs carry, such as `mk_…`: made, taken apart, and known by their hash.

`<prefix>_<tenant id, 22 characters>_<secret, 43 characters>`: the tenant in it says only where to
look, behind that tenant's walls; whether it is a key, the hash of the whole decides.
"""

import base64
import hashlib
import re
import secrets
import uuid

# Both parts may hold an underscore, so their lengths tell them apart.
_SHAPE = re.compile(r"([a-z]+)_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}")


def make(prefix: str, tenant_id: uuid.UUID) -> str:
    where = base64.urlsafe_b64encode(tenant_id.bytes).decode().rstrip("=")
    return f"{prefix}_{where}_{secrets.token_urlsafe(32)}"


def tenant_of(prefix: str, key: str) -> uuid.UUID | None:
    """None if it is no such key at all."""
    form = _SHAPE.fullmatch(key)
    if form is None or form[1] != prefix:
        return None
    return uuid.UUID(bytes=base64.urlsafe_b64decode(f"{form[2]}=="))


def digest(key: str) -> bytes:
    """What is stored of a key, or of any token of 256 bits: so long, a quick hash is enough."""
    return hashlib.sha256(key.encode(errors="replace")).digest()


def secret_of(key: str) -> str:
    """The part that does not say whose it is."""
    return key[-43:]
