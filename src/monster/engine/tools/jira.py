"""Jira Cloud, by its REST API v3.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

import base64
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import Connection, ToolFactory
from monster.engine.toolkit.formats import adf
from monster.engine.toolkit.formats import jira as records
from monster.engine.toolkit.formats.records import Record, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path, words_of

_COLUMNS = "summary,status,issuetype,priority,assignee,updated"
_WHOLE = f"{_COLUMNS},created,reporter,labels,parent,subtasks,description,comment"


class Jira(ToolFactory):
    system_name = "jira"
    name = "JIRA"
    category = "Issues and docs"
    description = "Search, read, create, comment, move and assign issues"
    logo = "ticket"
    help = """\
An agent can do there what the account can that you connect. For a clear trail, give it an account
of its own.
"""
    auth_config: ClassVar = {
        "strategy_token": {
            "1. jira_token": "API token",
            "2. jira_username": "E-mail address of the account that the token belongs to",
            "3. jira_url": "Your site, such as https://acme.atlassian.net",
            "help": """\
1. Sign in to Atlassian as the account that agents shall act as.
2. Open [API tokens](https://id.atlassian.com/manage-profile/security/api-tokens) and create one.
3. Paste it here, with the e-mail address of that account and the address of your site.

For a token with scopes, the address is `https://api.atlassian.com/ex/jira/CLOUD-ID`, and the scopes
are `read:jira-work`, `write:jira-work` and `read:jira-user`.
""",
        },
        "strategy_oauth": {
            "1. jira_url": {
                "description": "Which site, if the account has several",
                "type": "url",
                "required": False,
            },
            "help": "You are sent to Atlassian and choose the site that agents may use.",
        },
    }
    oauth = ("atlassian",)
    scopes = ("read:jira-work", "write:jira-work", "read:jira-user", "offline_access")
    base_url = "https://api.atlassian.com"

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._place: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        own = None if self.connection.token else self.values.get("jira_url")
        return self.connection.base_url or own or self.base_url

    def authorization(self) -> Mapping[str, str]:
        pair = f"{self.values['jira_username']}:{self.values['jira_token']}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def explain(self, answer: Answer) -> ToolFailed | None:
        words = words_of(answer)
        if answer.status == 401 and "scope" in words:
            return ToolFailed(
                f"the connection may not do this: {words}. It needs the scopes"
                f" {', '.join(self.scopes[:3])}"
            )
        if answer.status == 403:
            return ToolFailed(f"the account in JIRA has no permission for this: {words}")
        return None

    async def account(self) -> str:
        found = await self.http.get(await self._api("myself"))
        return f"{found['displayName']} at {(await self._where())[1]}"

    @tool(Effect.READ)
    async def search(
        self, jql: str, limit: Annotated[int, Field(ge=1, le=100)] = 20, page: str = ""
    ) -> object:
        """Find issues by JQL, such as `project = OPS AND statusCategory != Done ORDER BY updated`.

        jql: The query. It must restrict the search: an ORDER BY alone is refused.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"jql": jql, "maxResults": limit, "fields": _COLUMNS.split(",")}
        asked |= {"nextPageToken": page} if page else {}
        found = await self.http.query(await self._api("search", "jql"), json=asked)
        site = (await self._where())[1]
        issues = [records.summary(issue, site) for issue in found["issues"]]
        return {"issues": issues, "next": found.get("nextPageToken")}

    @tool(Effect.READ)
    async def read(self, key: str) -> object:
        """One issue with its description, its latest comments, and where it can be moved.

        key: Such as OPS-12.
        """
        asked = {"fields": _WHOLE, "expand": "transitions"}
        issue = await self.http.get(await self._api("issue", key), params=asked)
        return records.whole(issue, (await self._where())[1])

    @tool(Effect.READ)
    async def list_projects(self, query: str = "") -> object:
        """The projects that issues can be created in, at most 50, with the types of their issues.

        query: Part of a project's name or key.
        """
        asked = {"maxResults": 50, "expand": "issueTypes"} | ({"query": query} if query else {})
        found = await self.http.get(await self._api("project", "search"), params=asked)
        return [
            {
                "key": project["key"],
                "name": project["name"],
                "types": [kind["name"] for kind in project.get("issueTypes", ())],
            }
            for project in several(found, "values")
        ]

    @tool(Effect.WRITE, trusted=True)
    async def create(
        self,
        project: str,
        summary: Annotated[str, Field(min_length=1, max_length=255)],
        description: str = "",
        type: str = "Task",
        labels: tuple[str, ...] = (),
    ) -> object:
        """Create an issue. Returns its key.

        project: The key of the project, such as OPS.
        summary: The title: one line.
        description: In Markdown.
        type: Such as Task, Bug or Story; each project has its own.
        labels: Words without spaces.
        """
        fields: dict[str, object] = {
            "project": {"key": project},
            "summary": summary,
            "issuetype": {"name": type},
        }
        fields |= {"description": adf.from_markdown(description)} if description else {}
        fields |= {"labels": labels} if labels else {}
        made = await self.http.post(await self._api("issue"), json={"fields": fields})
        return {"key": made["key"], "url": records.link((await self._where())[1], made["key"])}

    @tool(Effect.WRITE, trusted=True)
    async def comment(self, key: str, text: Annotated[str, Field(min_length=1)]) -> object:
        """Write a comment below an issue.

        key: Such as OPS-12.
        text: In Markdown.
        """
        body = {"body": adf.from_markdown(text)}
        made = await self.http.post(await self._api("issue", key, "comment"), json=body)
        link = records.link((await self._where())[1], key)
        return {"id": made["id"], "url": f"{link}?focusedCommentId={made['id']}"}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def transition(self, key: str, to: str) -> object:
        """Move an issue to another status.

        key: Such as OPS-12.
        to: The status, or the name of the transition that leads there, such as Done.
        """
        asked = {"fields": "status", "expand": "transitions"}
        issue = await self.http.get(await self._api("issue", key), params=asked)
        if records.same(issue["fields"]["status"]["name"], to):
            return {"key": key, "status": to, "note": "it was there already"}
        ways = several(issue, "transitions")
        found = [way for way in ways if any(records.same(n, to) for n in records.names(way))]
        if not found:
            names = ", ".join(map(records.target, ways)) or "nowhere"
            raise ToolFailed(f"{key} cannot be moved to {to!r}; it can be moved to: {names}")
        body = {"transition": {"id": found[0]["id"]}}
        await self.http.post(await self._api("issue", key, "transitions"), json=body)
        return {"key": key, "status": to}

    @tool(Effect.IDEMPOTENT)
    async def assign(self, key: str, person: str) -> object:
        """Give an issue to somebody, or to nobody.

        key: Such as OPS-12.
        person: A name or e-mail address; empty for nobody.
        """
        nobody: Record = {"accountId": None}
        found = await self._assignable(key, person) if person else nobody
        body = {"accountId": found["accountId"]}
        await self.http.put(await self._api("issue", key, "assignee"), json=body)
        return {"key": key, "assignee": found.get("displayName")}

    async def _assignable(self, key: str, person: str) -> Record:
        asked = {"issueKey": key, "query": person, "maxResults": 10}
        answer = await self.http.get(await self._api("user", "assignable", "search"), params=asked)
        exact = [one for one in answer if records.same(one["displayName"], person)]
        found = exact or answer
        if len(found) == 1:
            return found[0]
        names = ", ".join(one["displayName"] for one in found)
        why = f"several people are meant by {person!r}: {names}" if found else "nobody is found"
        raise ToolFailed(f"{key} was not assigned: {why}")

    async def _api(self, *segments: str) -> str:
        return (await self._where())[0] + path("rest", "api", "3", *segments)

    async def _where(self) -> tuple[str, str]:
        """What paths begin with, and the address that people know. OAuth leads to all sites."""
        if self._place is None:
            own = self.values.get("jira_url")
            self._place = ("", own or self.url)
            if self.connection.token:
                sites = await self.http.get("/oauth/token/accessible-resources")
                site = next((one for one in sites if own in (None, one["url"])), None)
                if site is None:
                    names = ", ".join(one["url"] for one in sites) or "none"
                    raise ToolFailed(f"the connection has no such site; it has: {names}")
                self._place = (path("ex", "jira", site["id"]), site["url"])
        return self._place
