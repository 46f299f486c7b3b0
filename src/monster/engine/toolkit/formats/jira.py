"""What matters of Jira's answers."""

from monster.engine.toolkit.formats import adf
from monster.engine.toolkit.formats.records import Record, dig, several
from monster.engine.toolkit.http import path

_COMMENTS = 20  # the latest


def summary(issue: Record, site: str) -> Record:
    fields = issue["fields"]
    return {
        "key": issue["key"],
        "summary": fields.get("summary"),
        "status": name(fields.get("status")),
        "type": name(fields.get("issuetype")),
        "priority": name(fields.get("priority")),
        "assignee": name(fields.get("assignee")),
        "updated": fields.get("updated"),
        "url": link(site, issue["key"]),
    }


def whole(issue: Record, site: str) -> Record:
    fields = issue["fields"]
    comments = several(fields, "comment", "comments")
    return {
        **summary(issue, site),
        "created": fields.get("created"),
        "reporter": name(fields.get("reporter")),
        "labels": fields.get("labels") or [],
        "parent": dig(fields, "parent", "key"),
        "subtasks": [sub["key"] for sub in several(fields, "subtasks")],
        "description": adf.to_markdown(fields.get("description")),
        "comments": [comment(one) for one in comments[-_COMMENTS:]],
        "can_move_to": [target(one) for one in several(issue, "transitions")],
    }


def comment(comment: Record) -> Record:
    author, text = name(comment.get("author")), adf.to_markdown(comment.get("body"))
    return {"author": author, "created": comment.get("created"), "text": text}


def name(what: Record | None) -> str | None:
    """Of a person, or of anything else."""
    return (what or {}).get("displayName") or (what or {}).get("name")


def target(transition: Record) -> str:
    return transition["to"]["name"]


def names(transition: Record) -> tuple[str, str]:
    return target(transition), transition["name"]


def link(site: str, key: str) -> str:
    return site + path("browse", key)


def same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
