"""What matters of GitHub's answers, and what its refusals mean."""

import base64
import binascii
from datetime import UTC, datetime

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.formats.records import Record, dig, several
from monster.engine.toolkit.http import Answer

_MOST_FOUND = 1_000  # a search gives no more


def code(found: Record) -> Record:
    return {
        "repository": dig(found, "repository", "full_name"),
        "path": found["path"],
        "url": found["html_url"],
        "matches": [match["fragment"] for match in several(found, "text_matches")],
    }


def entry(found: Record) -> Record:
    """What a folder contains."""
    return {name: found[name] for name in ("type", "path", "size")}


def comment(found: Record) -> Record:
    author = dig(found, "user", "login")
    return {"author": author, "created": found["created_at"], "text": found["body"]}


def content(found: Record) -> bytes | None:
    if found.get("encoding") != "base64":
        return None
    try:
        return base64.b64decode(found["content"])
    except binascii.Error as error:
        raise ToolFailed(f"{found['path']} came in pieces that do not fit") from error


def summary(issue: Record) -> Record:
    return {
        "number": issue["number"],
        "title": issue["title"],
        "kind": "pull request" if "/pull/" in issue["html_url"] else "issue",
        "state": issue["state"],
        "author": dig(issue, "user", "login"),
        "labels": [label["name"] for label in several(issue, "labels")],
        "assignees": [one["login"] for one in several(issue, "assignees")],
        "updated": issue["updated_at"],
        "url": issue["html_url"],
    }


def next(found: Record, limit: int, page: int) -> int | None:  # noqa: A001
    seen = limit * page
    return page + 1 if seen < min(found["total_count"], _MOST_FOUND) else None


def limit(answer: Answer) -> str:
    """Both kinds of limits; the second has no budget that could be looked at."""
    if answer.header("X-RateLimit-Remaining") == "0" and answer.header("X-RateLimit-Reset"):
        reset = datetime.fromtimestamp(int(answer.header("X-RateLimit-Reset")), UTC)
        return f"GitHub's limit is used up until {reset.isoformat()}"
    if "rate limit" in answer.text.lower():
        return f"GitHub is asked too often; wait {answer.header('Retry-After') or '60'} s"
    return ""


def lacking(answer: Answer, words: str) -> str:
    needed = answer.header("X-Accepted-GitHub-Permissions") or answer.header(
        "X-Accepted-OAuth-Scopes"
    )
    return f"the connection may not do this: {words}" + (f"; it needs {needed}" if needed else "")
