"""What providers answer, read strictly: a token is printable ASCII, a lifetime is a number."""

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from monster.engine.oauth.errors import Dead, NotYet, ProviderError, Refused, Unreachable
from monster.engine.oauth.schemas import Device, Provider, Tokens
from monster.kit import logs

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,2000}")
_LONGEST_LIFE = 10 * 365 * 24 * 3600  # seconds
_LONGEST_WORDS = 300
# Error codes by which a grant is over. Not one that is about us, such as `invalid_client`.
_DEAD = frozenset({
    "invalid_grant", "access_denied", "interaction_required", "consent_required", "login_required",
    "expired_token", "invalid_refresh_token", "bad_refresh_token", "token_revoked", "token_expired",
    "account_inactive", "invalid_code", "bad_verification_code",
})  # fmt: skip
_NOT_YET = frozenset({"authorization_pending", "slow_down"})


def read_object(provider: Provider, status: int, body: bytes) -> dict[str, Any]:
    """A good answer's JSON object. Raises ProviderError."""
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    told = cast(dict[str, Any], found) if isinstance(found, dict) else None
    if status == 429 or status >= 500:
        raise Unreachable(f"{provider.name} answers {status}; try again later")
    if told is None:
        kind = Refused if 400 <= status < 500 else Unreachable
        raise kind(f"{provider.name} answers {status}, and not with JSON")
    if status >= 300 or told.get("error") or told.get("ok") is False:
        raise _refusal(provider, status, told)
    return told


def _refusal(provider: Provider, status: int, told: Mapping[str, Any]) -> ProviderError:
    """As RFC 6749 has it, and GitHub and Slack with status 200; Notion says `code`."""
    code = next((told[name] for name in ("error", "code", "status") if _is_text(told, name)), "")
    words = next((told[n] for n in ("error_description", "message") if _is_text(told, n)), "")
    code = code[:100].lower()
    said = " ".join(f"{code} {words}".split())[:_LONGEST_WORDS] or str(status)
    kind = Dead if code in _DEAD else NotYet if code in _NOT_YET else Refused
    return kind(f"{provider.name} says: {said}", code)


def _is_text(told: Mapping[str, Any], name: str) -> bool:
    return isinstance(told.get(name), str) and bool(told[name])


def read_tokens(provider: Provider, told: Mapping[str, Any]) -> Tokens:
    """Raises Refused. What is in them is masked from here on."""
    held = _holder(told)
    access_token = _token(provider, held, "access_token")
    if access_token is None:
        raise Refused(f"{provider.name} gave no token")
    kind = held.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() not in {"bearer", "bot", "user"}:
        raise Refused(f"{provider.name} gave a token of a kind that Monster cannot use")
    facts = {name: told[name] for name in provider.facts if _is_address(told.get(name))}
    return Tokens(
        access_token,
        _token(provider, held, "refresh_token"),
        _seconds(held.get("expires_in")),
        read_account(provider, told, within=True),
        facts,
    )


def _holder(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Slack puts the token of a person, if nothing was asked of its bot, one step further down."""
    inner = told.get("authed_user")
    if "access_token" not in told and isinstance(inner, dict):
        return cast(dict[str, Any], inner)
    return told


def _token(provider: Provider, told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Refused(f"{provider.name} gave something that is no token")
    logs.hide(value)
    return value


def _seconds(value: object) -> int | None:
    """Some send it as text; 0 or less stands for "does not end"."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return int(min(value, _LONGEST_LIFE)) or 1


def _is_address(value: object) -> bool:
    return isinstance(value, str) and bool(_ADDRESS.fullmatch(value))


def read_account(
    provider: Provider, told: Mapping[str, Any], *, within: bool = False
) -> str | None:
    """Whose account it is: the first of what the provider's `who` names. `within`: in the answer
    that has the tokens, where only paths like `team.name` are looked for."""
    for path in provider.who:
        found: Any = told
        for name in path.split("."):
            found = cast(dict[str, Any], found).get(name) if isinstance(found, dict) else None
        if isinstance(found, str) and found.strip() and not (within and "." not in path):
            return " ".join(found.replace("\0", "").split())[:200]
    return None


def read_device(provider: Provider, told: Mapping[str, Any]) -> Device:
    """Raises Refused."""
    code, typed = _token(provider, told, "device_code"), told.get("user_code")
    where = told.get("verification_uri", told.get("verification_url"))  # Google's spelling
    if code is None or not _is_text(told, "user_code") or not _is_address(where):
        raise Refused(f"{provider.name} gave no code to type")
    complete = told.get("verification_uri_complete")
    return Device(
        code,
        str(typed)[:100],
        str(where),
        complete if _is_address(complete) else None,
        min(_seconds(told.get("interval")) or 5, 60),
        min(_seconds(told.get("expires_in")) or 600, 3600),
    )
