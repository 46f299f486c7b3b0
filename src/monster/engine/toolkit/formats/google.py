"""What Google's refusals mean, and how it is connected: the same in Gmail, Drive and Calendar.

https://cloud.google.com/apis/design/errors
"""

from typing import Any

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.formats.records import dig, several
from monster.engine.toolkit.http import Answer, words_of

_SCOPE = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
_OFTEN = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "quotaExceeded"}
_OFF = {"accessNotConfigured", "SERVICE_DISABLED"}

AUTH: dict[str, Any] = {
    "strategy_oauth": {
        "1. token_creds": {
            "description": "Credentials of the type authorized_user (JSON), if you have them",
            "type": "file",
            "required": False,
        },
        "2. client_id": {
            "description": "OAuth client that they were made with, if they do not name it",
            "type": "text",
            "required": False,
        },
        "help": """\
Leave both empty: you are sent to Google and agree there. Who has a file of credentials already,
such as that of `gcloud auth application-default login`, pastes it instead.
""",
    }
}


def explain(answer: Answer, scopes: tuple[str, ...]) -> ToolFailed | None:
    if answer.status == 404:
        return ToolFailed("Google has no such thing, or the connection may not see it")
    if answer.status not in (400, 403):
        return None
    error = dig(answer.json(), "error")
    reasons = {one.get("reason") for name in ("errors", "details") for one in several(error, name)}
    return ToolFailed(_sentence(reasons, dig(error, "message") or words_of(answer), scopes))


def _sentence(reasons: set[str | None], words: str, scopes: tuple[str, ...]) -> str:
    if reasons & _SCOPE:
        needed = " ".join(scopes)
        return f"the connection lacks a scope: connect again and agree to {needed}"
    if reasons & _OFTEN:
        return f"Google is asked too often; wait a minute: {words}"
    if reasons & _OFF:
        return f"this API is off in the project of the OAuth client: {words}"
    return f"Google refused it: {words}"
