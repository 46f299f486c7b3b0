"""Jira Cloud as it answers: https://developer.atlassian.com/cloud/jira/platform/rest/v3/"""

import base64
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from monster.engine.toolkit.formats.records import dig
from monster.kit import clock
from tests.systems.served import Refused, Served, reply

USERNAME = "ada@acme.example"
TOKEN = "ATATT3xFfGF0-local-token"
ACCESS_TOKEN = "eyJraWQi-local-access-token"
CLOUD = "11223344-a1b2-3b33-c444-def123456789"
PEOPLE = [
    {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ada Lovelace"},
    {"accountId": "5b10ac8d82e05b22cc7d4ef5", "displayName": "Grace Hopper"},
    {"accountId": "5b10ac8d82e05b22cc7d4ef6", "displayName": "Grace Murray"},
]
STATUSES = {"11": "To Do", "21": "In Progress", "31": "Done"}
TYPES = ("Task", "Bug", "Story")
_CLAUSE = re.compile(r"""\s*(\w+)\s*(=|!=|~|is)\s*("[^"]*"|'[^']*'|[\w.@()-]+)\s*""", re.IGNORECASE)
_ORDER = re.compile(r"\s*\border\s+by\b.*$", re.IGNORECASE)
_READS: dict[str, Callable[[dict[str, Any]], str]] = {
    "project": lambda issue: issue["key"].partition("-")[0],
    "key": lambda issue: issue["key"],
    "status": lambda issue: issue["fields"]["status"]["name"],
    "issuetype": lambda issue: issue["fields"]["issuetype"]["name"],
    "assignee": lambda issue: str(dig(issue, "fields", "assignee", "displayName") or "EMPTY"),
    "summary": lambda issue: issue["fields"]["summary"],
    "text": lambda issue: f"{issue['fields']['summary']} {issue['fields']['description']}",
}


@dataclass
class JiraServer(Served):
    """`issues` by key, as the API shows them; `per_page` is the most that a search gives."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    projects: dict[str, str] = field(default_factory=lambda: {"OPS": "Operations", "WEB": "Web"})
    token: str = TOKEN
    per_page: int = 100
    scopes: tuple[str, ...] = ("read:jira-work", "write:jira-work", "read:jira-user")

    def routes(self) -> list[web.RouteDef]:
        found = [web.get("/oauth/token/accessible-resources", self._sites)]
        for root in ("/rest/api/3", f"/ex/jira/{CLOUD}/rest/api/3"):
            found += [
                web.get(f"{root}/myself", self._myself),
                web.post(f"{root}/search/jql", self._search),
                web.get(f"{root}/project/search", self._projects),
                web.post(f"{root}/issue", self._create),
                web.get(root + "/issue/{key}", self._read),
                web.post(root + "/issue/{key}/comment", self._comment),
                web.get(root + "/issue/{key}/transitions", self._transitions),
                web.post(root + "/issue/{key}/transitions", self._move),
                web.put(root + "/issue/{key}/assignee", self._assign),
                web.get(f"{root}/user/assignable/search", self._assignable),
            ]
        return found

    def authenticate(self, request: web.Request) -> None:
        pair = base64.b64encode(f"{USERNAME}:{self.token}".encode()).decode()
        through_gateway = request.path.startswith(("/ex/", "/oauth/"))
        right = f"Bearer {ACCESS_TOKEN}" if through_gateway else f"Basic {pair}"
        if request.headers.get("Authorization") != right:
            words = "Client must be authenticated to access this resource."
            raise Refused(401, {"message": words, "status-code": 401})
        writes = request.method != "GET" and not request.path.endswith("/search/jql")
        if through_gateway and writes and "write:jira-work" not in self.scopes:
            raise Refused(401, {"code": 401, "message": "Unauthorized; scope does not match"})

    def add(self, project: str, summary: str, **fields: object) -> str:
        """The key of an issue that somebody made there."""
        number = sum(key.startswith(f"{project}-") for key in self.issues) + 1
        key, now = f"{project}-{number}", clock.now().isoformat()
        made: dict[str, Any] = {
            "summary": summary,
            "status": {"name": "To Do"},
            "issuetype": {"name": "Task"},
            "priority": {"name": "Medium"},
            "assignee": None,
            "reporter": PEOPLE[0],
            "created": now,
            "updated": now,
            "labels": [],
            "subtasks": [],
            "description": None,
            "comment": {"comments": [], "total": 0},
        }
        self.issues[key] = {"id": str(10_000 + len(self.issues)), "key": key}
        self.issues[key]["fields"] = made | fields
        return key

    def _issue(self, request: web.Request) -> dict[str, Any]:
        issue = self.issues.get(request.match_info["key"])
        if issue is None:
            words = "Issue does not exist or you do not have permission to see it."
            raise _wrong(404, words)
        return issue

    async def _sites(self, _: web.Request) -> web.Response:
        site = {"id": CLOUD, "url": "https://acme.atlassian.net", "name": "acme"}
        return reply([site | {"scopes": list(self.scopes)}])

    async def _myself(self, _: web.Request) -> web.Response:
        return reply(PEOPLE[0] | {"emailAddress": USERNAME, "active": True})

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if not isinstance(asked.get("maxResults", 50), int) or "startAt" in asked:
            raise _wrong(400, "Invalid request payload. Refer to the REST API documentation.")
        clauses = understood(asked.get("jql", ""))
        issues = self.issues.values()
        found = [issue for issue in issues if all(_holds(clause, issue) for clause in clauses)]
        start = int(asked.get("nextPageToken") or 0)
        end = start + min(asked.get("maxResults", 50), self.per_page)
        page = [_only(issue, asked.get("fields", ["id"])) for issue in found[start:end]]
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return reply({"issues": page, "isLast": not more} | more)

    async def _projects(self, request: web.Request) -> web.Response:
        wanted = request.query.get("query", "").casefold()
        kinds = [{"name": name} for name in TYPES] if "expand" in request.query else []
        found = [
            {"key": key, "name": name} | ({"issueTypes": kinds} if kinds else {})
            for key, name in self.projects.items()
            if wanted in f"{key} {name}".casefold()
        ]
        return reply({"values": found, "total": len(found), "isLast": True})

    async def _create(self, request: web.Request) -> web.Response:
        fields = (await request.json()).get("fields", {})
        errors: dict[str, str] = {}
        if fields.get("project", {}).get("key") not in self.projects:
            errors["project"] = "valid project is required"
        if fields.get("issuetype", {}).get("name") not in TYPES:
            errors["issuetype"] = "Specify a valid issue type"
        if not fields.get("summary"):
            errors["summary"] = "You must specify a summary of the issue."
        if errors:
            raise Refused(400, {"errorMessages": [], "errors": errors})
        document(fields.get("description"), required=False)
        key = self.add(
            fields["project"]["key"], **{k: v for k, v in fields.items() if k != "project"}
        )
        return reply({"id": self.issues[key]["id"], "key": key, "self": self._self(key)}, 201)

    def _self(self, key: str) -> str:
        return f"{self.url}/rest/api/3/issue/{self.issues[key]['id']}"

    async def _read(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        shown = _only(issue, request.query.get("fields", "*all").split(","))
        if "transitions" in request.query.get("expand", ""):
            shown["transitions"] = _ways(issue)
        return reply(shown)

    async def _comment(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        body = (await request.json()).get("body")
        document(body, required=True)
        comments = issue["fields"]["comment"]["comments"]
        made = {"id": str(10_100 + len(comments)), "author": PEOPLE[0], "body": body}
        comments.append(made | {"created": clock.now().isoformat()})
        return reply(comments[-1], 201)

    async def _transitions(self, request: web.Request) -> web.Response:
        return reply({"transitions": _ways(self._issue(request))})

    async def _move(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        wanted = (await request.json()).get("transition", {}).get("id")
        way = next((way for way in _ways(issue) if way["id"] == wanted), None)
        if way is None:
            raise _wrong(400, "It seems that you have tried to perform an illegal operation.")
        issue["fields"]["status"] = way["to"]
        return reply(None, 204)

    async def _assign(self, request: web.Request) -> web.Response:
        issue, wanted = self._issue(request), (await request.json())["accountId"]
        person = next((one for one in PEOPLE if one["accountId"] == wanted), None)
        if wanted is not None and person is None:
            raise _wrong(400, f"User '{wanted}' cannot be assigned issues.")
        issue["fields"]["assignee"] = person
        return reply(None, 204)

    async def _assignable(self, request: web.Request) -> web.Response:
        if request.query.get("issueKey") not in self.issues:
            raise _wrong(404, "The issue no longer exists.")
        wanted = request.query.get("query", "").casefold()
        return reply([one for one in PEOPLE if wanted in one["displayName"].casefold()])


def understood(jql: str) -> list[tuple[str, str, str]]:
    """Comparisons joined with AND: enough of JQL to tell right queries from wrong ones."""
    bare = _ORDER.sub("", jql)
    if not bare.strip():
        raise _wrong(400, "Unbounded JQL queries are not allowed here. Add a search restriction.")
    return [_clause(part) for part in re.split(r"\s+and\s+", bare, flags=re.IGNORECASE)]


def _clause(text: str) -> tuple[str, str, str]:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        raise _wrong(400, f"Error in the JQL Query: {text!r} is not understood.")
    if found[1].lower() not in _READS:
        raise _wrong(400, f"Field '{found[1]}' does not exist or you do not have permission.")
    return found[1].lower(), found[2], found[3].strip("\"'").casefold()


def _holds(clause: tuple[str, str, str], issue: dict[str, Any]) -> bool:
    name, operator, wanted = clause
    value = _READS[name](issue).casefold()
    return wanted in value if operator == "~" else (value == wanted) == (operator != "!=")


def document(node: Any, *, required: bool) -> None:  # noqa: ANN401
    """Refuses what is no Atlassian document; plain text is not one."""
    if node is None and not required:
        return
    if (dig(node, "type"), dig(node, "version")) != ("doc", 1):
        raise _wrong(
            400, "Operation value must be an Atlassian Document (see the API documentation)"
        )
    if required and not dig(node, "content"):
        raise _wrong(400, "Comment body can not be empty!")


def _only(issue: dict[str, Any], names: list[str]) -> dict[str, Any]:
    fields = issue["fields"]
    if names != ["*all"]:
        fields = {name: fields[name] for name in names if name in fields}
    return {"id": issue["id"]} | (
        {"key": issue["key"], "fields": fields} if names != ["id"] else {}
    )


def _ways(issue: dict[str, Any]) -> list[dict[str, Any]]:
    now = issue["fields"]["status"]["name"]
    names = {"11": "Reopen", "21": "Start progress", "31": "Resolve"}
    return [
        {"id": number, "name": names[number], "to": {"name": status}}
        for number, status in STATUSES.items()
        if status != now
    ]


def _wrong(status: int, words: str) -> Refused:
    return Refused(status, {"errorMessages": [words], "errors": {}})


@asynccontextmanager
async def jira_server(token: str = TOKEN) -> AsyncGenerator[JiraServer]:
    """`USERNAME` and `token` open it, or `ACCESS_TOKEN` as of OAuth."""
    server = JiraServer(token=token)
    async with server.serving():
        yield server
