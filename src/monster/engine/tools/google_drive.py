"""Google Drive, by its API of version 3.

https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

import re
from typing import Annotated, ClassVar

import aiohttp
import orjson
from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import google
from monster.engine.toolkit.formats.records import Record, cut, dig, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path

_LONGEST = 60_000  # characters of a file
_FOLDER = "application/vnd.google-apps.folder"
_OWN = "application/vnd.google-apps."
# What Google's own kinds of documents are read as.
_EXPORTS = {
    f"{_OWN}document": "text/markdown",
    f"{_OWN}spreadsheet": "text/csv",
    f"{_OWN}presentation": "text/plain",
    f"{_OWN}script": "application/vnd.google-apps.script+json",
}
# What can be made into them.
_IMPORTS = {"text/markdown": f"{_OWN}document", "text/csv": f"{_OWN}spreadsheet"}
_FIELDS = "id,name,mimeType,size,modifiedTime,webViewLink"
_TEXT = re.compile(r"text/.*|application/(json|xml|yaml|x-yaml|javascript|.*\+(json|xml))")
_EVERYWHERE = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true"}

Count = Annotated[int, Field(ge=1, le=100)]


class GoogleDrive(ToolFactory):
    system_name = "google_drive"
    name = "Google Drive"
    category = "Files"
    description = "List, search, read, create and upload files"
    logo = "brand-google-drive"
    auth_config: ClassVar = google.AUTH
    oauth = ("google",)
    scopes = ("https://www.googleapis.com/auth/drive",)
    base_url = "https://www.googleapis.com"

    def explain(self, answer: Answer) -> ToolFailed | None:
        return google.explain(answer, self.scopes)

    async def account(self) -> str:
        found = await self.http.get("/drive/v3/about", params={"fields": "user"})
        return f"{found['user']['displayName']} ({found['user']['emailAddress']}) at Google Drive"

    @tool(Effect.READ)
    async def list_files(self, folder: str = "root", limit: Count = 50, page: str = "") -> object:
        """What a folder contains, by name.

        folder: Its id; the topmost folder without it.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        query = f"'{_quoted(folder)}' in parents and trashed = false"
        return await self._list(query, limit, page, orderBy="folder,name")

    @tool(Effect.READ)
    async def search(
        self, text: Annotated[str, Field(min_length=1)], limit: Count = 20, page: str = ""
    ) -> object:
        """Find files by their name or by what stands in them.

        text: Words.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        said = _quoted(text)
        query = f"(name contains '{said}' or fullText contains '{said}') and trashed = false"
        return await self._list(query, limit, page)

    @tool(Effect.READ)
    async def read(self, file: str) -> object:
        """A file's text: documents as Markdown, the first sheet of tables as CSV, slides as text.

        What is no text is saved in this conversation.

        file: Its id.
        """
        asked = {"fields": _FIELDS, "supportsAllDrives": "true"}
        found = await self.http.get(path("drive", "v3", "files", file), params=asked)
        kind = found["mimeType"]
        if kind == _FOLDER:
            raise ToolFailed(f"{found['name']} is a folder: use list_files")
        if kind.startswith(_OWN):
            kind = _EXPORTS.get(kind, "application/pdf")
            answer = await self._bytes(path("drive", "v3", "files", file, "export"), mimeType=kind)
        else:
            place = path("drive", "v3", "files", file)
            answer = await self._bytes(place, alt="media", supportsAllDrives="true")
        return _entry(found) | await self._shown(found["name"], kind, answer)

    @tool(Effect.WRITE, trusted=True)
    async def create(
        self,
        name: Annotated[str, Field(min_length=1, max_length=255)],
        text: str,
        type: Annotated[str, Field(pattern="^(document|spreadsheet|text)$")] = "document",
        folder: str = "root",
    ) -> object:
        """Make a new file.

        name: Its name.
        text: Markdown for a document, CSV for a spreadsheet.
        type: document, spreadsheet, or text for a plain file.
        folder: The id of the folder it goes to.
        """
        kinds = {"document": "text/markdown", "spreadsheet": "text/csv", "text": "text/plain"}
        kind = kinds[type]
        known: Record = {"name": name, "parents": [folder], "mimeType": _IMPORTS.get(kind, kind)}
        return await self._upload(known, text.encode(), kind)

    @tool(Effect.WRITE, trusted=True)
    async def upload(self, file: str, folder: str = "root") -> object:
        """Put a file of this conversation there, as it is.

        file: Its name.
        folder: The id of the folder it goes to.
        """
        content = await self.connection.files.read(file)
        known = {"name": file, "parents": [folder]}
        return await self._upload(known, content, "application/octet-stream")

    async def _list(self, query: str, limit: int, page: str, **more: str) -> object:
        fields = f"nextPageToken,files({_FIELDS})"
        asked = {"q": query, "pageSize": str(limit), "fields": fields, **_EVERYWHERE, **more}
        asked |= {"pageToken": page} if page else {}
        found = await self.http.get("/drive/v3/files", params=asked)
        files = [_entry(one) for one in several(found, "files")]
        return {"files": files, "next": found.get("nextPageToken")}

    async def _bytes(self, place: str, **asked: str) -> bytes:
        return (await self.http.request("GET", place, params=asked)).body

    async def _shown(self, name: str, kind: str, content: bytes) -> Record:
        if _TEXT.fullmatch(kind):
            text = content.decode("utf-8-sig", errors="replace")
            return {"text": cut(text, _LONGEST, what="file")}
        name = f"{name}.pdf" if kind == "application/pdf" and not name.endswith(".pdf") else name
        saved = await self.connection.files.write(name, content, kind)
        return {"saved_as": saved.name}

    async def _upload(self, known: Record, content: bytes, kind: str) -> object:
        body = aiohttp.MultipartWriter("related")
        body.append(orjson.dumps(known), {"Content-Type": "application/json; charset=UTF-8"})
        body.append(content, {"Content-Type": kind})
        asked = {"uploadType": "multipart", "fields": "id,webViewLink", "supportsAllDrives": "true"}
        made = await self.http.post("/upload/drive/v3/files", params=asked, data=body)
        return {"id": made["id"], "url": made.get("webViewLink")}


def _entry(found: Record) -> Record:
    kind = found["mimeType"]
    return {
        "id": found["id"],
        "name": found["name"],
        "type": kind.removeprefix(_OWN),
        "size": int(dig(found, "size") or 0) or None,
        "modified": found.get("modifiedTime"),
        "url": found.get("webViewLink"),
    }


def _quoted(text: str) -> str:
    """For a query: https://developers.google.com/workspace/drive/api/guides/search-files"""
    return text.replace("\\", "\\\\").replace("'", "\\'")
