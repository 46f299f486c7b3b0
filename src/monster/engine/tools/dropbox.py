"""Dropbox, by its API of version 2.

https://www.dropbox.com/developers/documentation/http/documentation
"""

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar

import orjson
from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import Connection, ToolFactory
from monster.engine.toolkit.formats.records import Record, cut, dig, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, Http

_CONTENT = "https://content.dropboxapi.com"
_LONGEST = 60_000  # characters of a file
_BYTES = "application/octet-stream"
_ADVICE = {
    "path/not_found": "there is no such file or folder",
    "path/not_folder": "that is a file, not a folder",
    "path/not_file": "that is a folder, not a file",
    "path/malformed_path": "paths begin with a slash, such as /Plans/2026.md",
    "path/conflict": "another file is there already; set `replace` to put this in its place",
    "path/insufficient_space": "the account is full",
    "reset": "the page is too old; list the folder again",
}


class Dropbox(ToolFactory):
    system_name = "dropbox"
    name = "Dropbox"
    category = "Files"
    description = "List, search, read and upload files"
    logo = "brand-dropbox"
    auth_config: ClassVar = {
        "strategy_oauth": {"help": "You are sent to Dropbox and agree there."},
        "strategy_token": {
            "1. dropbox_token": "Access token",
            "help": """\
1. Open [your apps](https://www.dropbox.com/developers/apps) and make one with the permissions
   `account_info.read`, `files.metadata.read`, `files.content.read` and `files.content.write`.
2. Generate an access token and paste it here. It ends after four hours: it is good for a trial.
""",
        },
    }
    oauth = ("dropbox",)
    scopes = (
        "account_info.read", "files.metadata.read", "files.content.read", "files.content.write",
    )  # fmt: skip
    base_url = "https://api.dropboxapi.com"

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        place = connection.base_url or _CONTENT
        self.content = Http(connection.session, self.name, place, self._authorize, self.explain)

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['dropbox_token']}"}

    def explain(self, answer: Answer) -> ToolFailed | None:
        if answer.status not in (401, 409):
            return None
        found = answer.json()
        if dig(found, "error", ".tag") == "missing_scope":
            needed = dig(found, "error", "required_scope")
            return ToolFailed(f"the connection lacks the permission {needed}: connect again")
        if answer.status == 401:
            return None
        summary = str(dig(found, "error_summary"))
        advice = (words for code, words in _ADVICE.items() if summary.startswith(code))
        return ToolFailed(f"Dropbox refused it: {next(advice, summary.rstrip('./'))}")

    async def account(self) -> str:
        found = await self.http.query("/2/users/get_current_account")
        return f"{found['name']['display_name']} ({found['email']}) at Dropbox"

    @tool(Effect.READ)
    async def list_files(
        self,
        folder: str = "",
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        page: str = "",
    ) -> object:
        """What a folder contains.

        folder: Its path, such as /Plans; the topmost folder without it.
        limit: How many, about.
        page: `next` of the answer before, for what follows.
        """
        if page:
            found = await self.http.query("/2/files/list_folder/continue", json={"cursor": page})
        else:
            asked = {"path": _path(folder), "limit": limit}
            found = await self.http.query("/2/files/list_folder", json=asked)
        files = [_entry(one) for one in found["entries"]]
        return {"files": files, "next": _next(found)}

    @tool(Effect.READ)
    async def search(
        self,
        query: Annotated[str, Field(min_length=1, max_length=1000)],
        folder: str = "",
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        page: str = "",
    ) -> object:
        """Find files and folders by their names, and files by what stands in them.

        query: Words.
        folder: The path of the folder to look in; everywhere without it.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        if page:
            found = await self.http.query("/2/files/search/continue_v2", json={"cursor": page})
        else:
            options = {"path": _path(folder), "max_results": limit}
            asked = {"query": query, "options": options}
            found = await self.http.query("/2/files/search_v2", json=asked)
        entries = [dig(one, "metadata", "metadata") for one in several(found, "matches")]
        return {"files": [_entry(one) for one in entries], "next": _next(found)}

    @tool(Effect.READ)
    async def read(self, file: str) -> object:
        """A file's text. What is no text is saved in this conversation.

        file: Its path or id.
        """
        answer = await self._download("/2/files/download", file, fine=(409,))
        if answer.status == 409:
            if not str(dig(answer.json(), "error_summary")).startswith("unsupported_file"):
                raise self.explain(answer) or ToolFailed("Dropbox refused it")
            answer = await self._download("/2/files/export", file)  # such as a document of Paper
        known: Record = orjson.loads(answer.header("Dropbox-API-Result"))
        name = dig(known, "export_metadata", "name") or known["name"]
        shown = {"name": name, "size": len(answer.body), "modified": known.get("server_modified")}
        try:
            return shown | {"text": cut(answer.body.decode(), _LONGEST, what="file")}
        except UnicodeDecodeError:
            saved = await self.connection.files.write(name, answer.body, _BYTES)
            return shown | {"saved_as": saved.name}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def upload(self, file: str, folder: str = "", replace: bool = False) -> object:
        """Put a file of this conversation there.

        file: Its name.
        folder: The path of the folder it goes to; the topmost without it.
        replace: Whether it takes the place of a file of the same name.
        """
        content = await self.connection.files.read(file)
        place = f"{_path(folder)}/{file}"
        arguments = {"path": place, "mode": "overwrite" if replace else "add", "autorename": False}
        headers = _arguments(arguments) | {"Content-Type": _BYTES}
        made = await self.content.post("/2/files/upload", data=content, headers=headers)
        return {"id": made["id"], "path": place}

    async def _download(self, method: str, file: str, fine: tuple[int, ...] = ()) -> Answer:
        headers = _arguments({"path": _path(file)})
        return await self.content.request("POST", method, acts=False, fine=fine, headers=headers)


def _arguments(values: Mapping[str, object]) -> dict[str, str]:
    """A header holds ASCII alone."""
    return {"Dropbox-API-Arg": json.dumps(values).replace("\x7f", "\\u007f")}


def _path(text: str) -> str:
    """The topmost folder has an empty one."""
    text = text.strip().rstrip("/")
    return text if not text or text.startswith(("/", "id:", "rev:", "ns:")) else f"/{text}"


def _entry(found: Record) -> Record:
    return {
        "path": found.get("path_display"),
        "type": found[".tag"],
        "size": found.get("size"),
        "modified": found.get("server_modified"),
        "id": found["id"],
    }


def _next(found: Record) -> str:
    return found["cursor"] if found["has_more"] else ""
