"""Whether an ID token is good, and about this sign-in (OpenID Connect Core, 3.1.3.7)."""

from collections.abc import Mapping
from typing import Any, cast

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet

from monster.dashboard.oidc.errors import ProviderFailed
from monster.dashboard.oidc.metadata import Metadata
from monster.kit import clock

_LEEWAY = 60  # seconds between our clock and theirs
_NO_KEYS = "it publishes no keys we can use"


class UnknownKey(Exception):
    """Signed with a key that is not among those we know: perhaps a new one."""


def read_keys(told: object) -> KeySet:
    """Those that can verify signatures. Raises ProviderFailed."""
    listed = cast(dict[str, Any], told).get("keys") if isinstance(told, dict) else None
    keys = [key for one in cast(list[object], listed or ()) if (key := _key(one))]
    if not keys:
        raise ProviderFailed("bad_answer", _NO_KEYS)
    return KeySet(keys)


def _key(told: object) -> Key | None:
    """None for those we do not understand, those for encryption, and shared secrets."""
    if not isinstance(told, dict):
        return None
    values = cast(dict[str, Any], told)
    if values.get("kty") not in {"RSA", "EC", "OKP"} or values.get("use", "sig") != "sig":
        return None
    try:
        return KeySet.registry_cls.import_key(values)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def verify(
    token: str, keys: KeySet, metadata: Metadata, expected: Mapping[str, str]
) -> Mapping[str, Any]:
    """Its claims. `expected`: `client_id`, `nonce`, and `access_token` that came with it.

    Raises UnknownKey, ProviderFailed.
    """
    try:
        decoded = jwt.decode(token, keys, metadata.algorithms)
        essential = {
            "iss": {"essential": True, "value": metadata.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": expected["client_id"]},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": expected["nonce"]},
        }
        claims = cast(Any, CodeIDToken)(decoded.claims, decoded.header, essential, dict(expected))
        claims.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY)
    except InvalidKeyIdError as error:
        raise UnknownKey from error
    except (JoseError, TypeError, ValueError, KeyError) as error:
        raise ProviderFailed("bad_id_token", f"its ID token is not valid: {error}") from error
    return decoded.claims
