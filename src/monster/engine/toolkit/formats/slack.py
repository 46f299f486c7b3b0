"""What matters of Slack's answers, and what its refusals mean."""

from collections.abc import Mapping
from datetime import UTC, datetime

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.engine.toolkit.formats import mrkdwn
from monster.engine.toolkit.formats.records import Record, dig, several

_DEAD = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
}  # fmt: skip
_UNCLEAR = {"internal_error", "fatal_error", "request_timeout", "service_unavailable"}
_ADVICE = {
    "not_in_channel": "the app is not in this channel; a person must invite it there (/invite)",
    "channel_not_found": "there is no such channel, or it is private and the app is not in it",
    "is_archived": "the channel is archived",
    "message_not_found": "there is no such message in this channel",
    "thread_not_found": "there is no such thread in this channel",
    "invalid_name": "Slack has no emoji of this name; give its name without colons, such as eyes",
    "not_allowed_token_type": "Slack lets only people search: add a user token to the connection",
    "ratelimited": "Slack is asked too often; wait a minute",
}


def refusal(found: Record, *, acts: bool) -> Exception:
    code = str(found["error"])
    if code in _DEAD:
        return ConnectionRefused(f"Slack does not accept the connection: {code}")
    if code == "missing_scope":
        needed = found.get("needed")
        return ToolFailed(f"the connection lacks the scope {needed}: add it to the app")
    if code in _UNCLEAR and acts:
        return Unclear(f"Slack failed ({code}) and may have acted")
    words = "; ".join(dig(found, "response_metadata", "messages") or ())
    return ToolFailed(f"Slack refused it: {_ADVICE.get(code) or words or code}")


def message(found: Record, names: Mapping[str, str] | None = None) -> Record:
    """The id is what replies and reactions take."""
    author = found.get("user") or found.get("bot_id") or found.get("username")
    return {
        "id": found["ts"],
        "time": datetime.fromtimestamp(float(found["ts"]), UTC).isoformat(timespec="seconds"),
        "author": (names or {}).get(str(author)) or found.get("username") or author,
        "text": mrkdwn.to_markdown(found.get("text") or ""),
        "replies": found.get("reply_count", 0),
        "files": [one.get("name") for one in several(found, "files")],
        "reactions": {one["name"]: one["count"] for one in several(found, "reactions")},
    }


def match(found: Record) -> Record:
    """One that a search found."""
    place = {"channel": dig(found, "channel", "name"), "url": found.get("permalink")}
    return message(found) | place


def channel(found: Record) -> Record:
    return {
        "id": found["id"],
        "name": found["name"],
        "topic": dig(found, "topic", "value"),
        "joined": found.get("is_member"),
    }


def is_here(person: Record) -> bool:
    return not person.get("deleted") and not person.get("is_bot")


def person(found: Record) -> Record:
    return {"id": found["id"], "name": found["name"], "real_name": real_name(found)}


def real_name(person: Record) -> str:
    return person.get("real_name") or dig(person, "profile", "real_name") or person["name"]


def next(found: Record) -> str:  # noqa: A001
    """The token of the next page; empty if there is none."""
    return dig(found, "response_metadata", "next_cursor") or ""
