"""GitHub, by its REST API of version 2022-11-28.

https://docs.github.com/en/rest
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import github as records
from monster.engine.toolkit.formats.records import Record, cut, dig
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path, words_of

_LONGEST = 60_000  # characters of a file or an issue
_COMMENTS = 30
_FRAGMENTS = {"Accept": "application/vnd.github.text-match+json"}
_RAW = {"Accept": "application/vnd.github.raw+json"}

Count = Annotated[int, Field(ge=1, le=50)]
Page = Annotated[int, Field(ge=1, le=100)]


class GitHub(ToolFactory):
    system_name = "github"
    name = "GitHub"
    category = "Code"
    description = "Search code and issues, read files, write issues, open pull requests"
    logo = "brand-github"
    auth_config: ClassVar = {
        "strategy_token": {
            "1. github_token": "Personal access token, fine-grained or classic",
            "2. github_url": {
                "description": "API of your GitHub Enterprise Server, if it is not github.com",
                "type": "url",
                "required": False,
            },
            "help": """\
1. Open [fine-grained tokens](https://github.com/settings/personal-access-tokens) and make one.
2. Choose the repositories, with the permissions **Contents** (read), **Issues** and
   **Pull requests** (read and write).
3. Paste it here. The API of an Enterprise Server is at `https://YOUR-HOST/api/v3`.
""",
        },
        "strategy_oauth": {"help": "You are sent to GitHub and agree there."},
    }
    oauth = ("github",)
    scopes = ("repo", "read:user")
    base_url = "https://api.github.com"
    headers: ClassVar = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }

    @property
    def url(self) -> str:
        return self.connection.base_url or self.values.get("github_url") or self.base_url

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['github_token']}"}

    def explain(self, answer: Answer) -> ToolFailed | None:
        words = words_of(answer)
        if answer.status in (403, 429):
            return ToolFailed(records.limit(answer) or records.lacking(answer, words))
        if answer.status == 404:
            return ToolFailed("GitHub has no such thing, or the connection may not see it")
        return None

    async def account(self) -> str:
        found = await self.http.get("/user")
        place = urlsplit(str(found["html_url"]))
        name = f"{found['name']} ({found['login']})" if found.get("name") else found["login"]
        return f"{name} at {place.scheme}://{place.netloc}"

    @tool(Effect.READ)
    async def search_code(self, query: str, limit: Count = 10, page: Page = 1) -> object:
        """Find files by what stands in them.

        query: Words and qualifiers, such as `parse_date repo:acme/engine language:python`.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"q": query, "per_page": limit, "page": page}
        found = await self.http.get("/search/code", params=asked, headers=_FRAGMENTS)
        files = [records.code(one) for one in found["items"]]
        return {
            "files": files,
            "total": found["total_count"],
            "next": records.next(found, limit, page),
        }

    @tool(Effect.READ)
    async def search_issues(self, query: str, limit: Count = 20, page: Page = 1) -> object:
        """Find issues and pull requests.

        query: Words and qualifiers, such as `printer repo:acme/engine is:issue is:open`.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"q": query, "per_page": limit, "page": page}
        found = await self.http.get("/search/issues", params=asked)
        issues = [records.summary(one) for one in found["items"]]
        return {
            "issues": issues,
            "total": found["total_count"],
            "next": records.next(found, limit, page),
        }

    @tool(Effect.READ)
    async def read_issue(self, repository: str, number: int) -> object:
        """One issue or pull request, with its first comments.

        repository: owner/name.
        number: As in its address.
        """
        place = _repository(repository) + path("issues", number)
        issue = await self.http.get(place)
        comments: list[Record] = []
        if issue.get("comments"):
            asked = {"per_page": _COMMENTS}
            comments = await self.http.get(f"{place}/comments", params=asked)
        said = [records.comment(one) for one in comments]
        whole = {"text": cut(issue.get("body") or "", _LONGEST), "comments": said}
        return records.summary(issue) | whole | {"all_comments": issue.get("comments")}

    @tool(Effect.READ)
    async def read_file(self, repository: str, file: str = "", ref: str = "") -> object:
        """A file's text, or what a folder contains. What is no text is saved in this conversation.

        repository: owner/name.
        file: Its path; empty for the topmost folder.
        ref: A branch, tag or commit; the default branch without it.
        """
        place = _repository(repository) + "/contents" + path(*filter(None, file.split("/")))
        asked = {"ref": ref} if ref else {}
        found = await self.http.get(place, params=asked)
        if dig(found, "type") is None:  # a list: it is a folder
            return {"entries": [records.entry(one) for one in found]}
        content = records.content(found)
        if content is None:  # too large to come along
            answer = await self.http.request("GET", place, params=asked, headers=_RAW)
            content = answer.body
        return await self._shown(found, content)

    @tool(Effect.WRITE, trusted=True)
    async def create_issue(
        self,
        repository: str,
        title: Annotated[str, Field(min_length=1, max_length=256)],
        body: str = "",
        labels: tuple[str, ...] = (),
        assignees: tuple[str, ...] = (),
    ) -> object:
        """Create an issue.

        repository: owner/name.
        title: One line.
        body: In Markdown.
        labels: Names of labels.
        assignees: Logins of people.
        """
        data = {"title": title, "body": body, "labels": labels, "assignees": assignees}
        sent = {name: value for name, value in data.items() if value}
        made = await self.http.post(_repository(repository) + "/issues", json=sent)
        return {"number": made["number"], "url": made["html_url"]}

    @tool(Effect.WRITE, trusted=True)
    async def comment(
        self, repository: str, number: int, text: Annotated[str, Field(min_length=1)]
    ) -> object:
        """Write a comment below an issue or a pull request.

        repository: owner/name.
        number: As in its address.
        text: In Markdown.
        """
        place = _repository(repository) + path("issues", number, "comments")
        made = await self.http.post(place, json={"body": text})
        return {"id": made["id"], "url": made["html_url"]}

    @tool(Effect.WRITE, trusted=True)
    async def open_pull_request(
        self,
        repository: str,
        title: Annotated[str, Field(min_length=1, max_length=256)],
        head: str,
        base: str,
        body: str = "",
        draft: bool = False,
    ) -> object:
        """Ask that a branch be merged.

        repository: owner/name.
        title: One line.
        head: The branch with the changes; owner:branch if it is in a fork.
        base: The branch that they shall come into, such as main.
        body: In Markdown.
        draft: Whether it is a draft.
        """
        data = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
        made = await self.http.post(_repository(repository) + "/pulls", json=data)
        return {"number": made["number"], "url": made["html_url"]}

    async def _shown(self, found: Record, content: bytes) -> object:
        known = {"path": found["path"], "size": found["size"], "url": found["html_url"]}
        try:
            return known | {"text": cut(content.decode(), _LONGEST, what="file")}
        except UnicodeDecodeError:
            kind = "application/octet-stream"
            saved = await self.connection.files.write(found["name"], content, kind)
            return known | {"saved_as": saved.name}


def _repository(name: str) -> str:
    owner, _, repository = name.partition("/")
    return path("repos", owner, repository)
