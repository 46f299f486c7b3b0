"""Passwords: bcrypt, of any length, off the event loop."""

import asyncio
import base64
import hmac

import bcrypt

COST = 12
_LONGEST = 72  # bytes; bcrypt sees no more
_CONTEXT = b"monster password"

# Of 32 random bytes that were thrown away: what is compared where there is no account.
NOBODYS = "$2b$12$oClrjlF6dqAoGGSrV5ujL.Brxazadn9GU9ECBDlUypWYLFMwUnF2K"


async def hash_password(password: str, cost: int = COST) -> str:
    hashed = await asyncio.to_thread(bcrypt.hashpw, _prepare(password), bcrypt.gensalt(cost))
    return hashed.decode()


async def verify_password(password: str, hashed: str | None) -> bool:
    """Takes as long without a hash as with one, so that time does not tell who exists."""
    known = (hashed or NOBODYS).encode()
    return await asyncio.to_thread(bcrypt.checkpw, _prepare(password), known) and hashed is not None


def _prepare(password: str) -> bytes:
    """What is too long is digested, not cut: two long passwords that begin alike stay two."""
    secret = password.encode()
    if len(secret) <= _LONGEST:
        return secret
    return base64.b64encode(hmac.digest(_CONTEXT, secret, "sha256"))
