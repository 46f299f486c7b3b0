"""Dropbox as it answers: https://www.dropbox.com/developers/documentation/http/documentation"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.systems.served import Refused, Served, reply

TOKEN = "sl.u.local-access-token"


def conflict(summary: str) -> Refused:
    tag = summary.split("/", maxsplit=1)[0]
    return Refused(409, {"error_summary": f"{summary}/..", "error": {".tag": tag}})


@dataclass
class DropboxServer(Served):
    """`files` by path; `exports` are of documents that cannot be downloaded: a name, content."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    exports: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    scopes: set[str] = field(default_factory=lambda: {"files.content.write"})

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/2/users/get_current_account", self._account),
            web.post("/2/files/list_folder", self._list),
            web.post("/2/files/list_folder/continue", self._more),
            web.post("/2/files/search_v2", self._search),
            web.post("/2/files/search/continue_v2", self._more),
            web.post("/2/files/download", self._download),
            web.post("/2/files/export", self._export),
            web.post("/2/files/upload", self._upload),
        ]

    def authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            error = {".tag": "invalid_access_token"}
            raise Refused(401, {"error_summary": "invalid_access_token/", "error": error})

    def too_many(self) -> Refused:
        error = {"reason": {".tag": "too_many_requests"}}
        body = {"error_summary": "too_many_requests/", "error": error}
        return Refused(429, body, {"Retry-After": self.wait})

    async def _account(self, request: web.Request) -> web.Response:
        if await request.read():
            raise Refused(400, "this method takes no arguments")
        name = {"display_name": "Ada Lovelace"}
        return reply({"account_id": "dbid:1", "name": name, "email": "ada@acme.example"})

    async def _list(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        folder = asked["path"]
        if folder == "/" or (folder and not folder.startswith("/")):
            raise conflict("path/malformed_path")
        names = {path[len(folder) :] for path in self._all() if path.startswith(f"{folder}/")}
        if folder and not names:
            raise conflict("path/not_found")
        below = sorted({name.split("/")[1] for name in names})
        entries = [self._entry(f"{folder}/{name}") for name in below]
        return self._page(entries, asked.get("limit", 2000), "entries")

    def _all(self) -> list[str]:
        return [*self.files, *self.exports]

    def _entry(self, path: str) -> dict[str, Any]:
        known = {"name": path.rsplit("/", 1)[1], "path_display": path, "id": f"id:{path}"}
        if path not in self._all():
            return {".tag": "folder"} | known
        size = len(self.files.get(path, b""))
        return {".tag": "file", "size": size, "server_modified": "2026-01-01T00:00:00Z"} | known

    def _page(self, found: list[dict[str, Any]], limit: int, name: str) -> web.Response:
        cursor = f"cursor-{len(self.lists)}"
        self.lists[cursor] = found[limit:]
        return reply({name: found[:limit], "cursor": cursor, "has_more": limit < len(found)})

    async def _more(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        if asked["cursor"] not in self.lists:
            raise conflict("reset")
        name = "matches" if "search" in request.path else "entries"
        return self._page(self.lists[asked["cursor"]], 2, name)

    async def _search(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        folder, wanted = asked["options"]["path"], asked["query"].lower().encode()
        found = [
            {"metadata": {".tag": "metadata", "metadata": self._entry(path)}}
            for path, content in sorted(self.files.items())
            if path.startswith(f"{folder}/") and wanted in path.lower().encode() + content.lower()
        ]
        return self._page(found, asked["options"]["max_results"], "matches")

    async def _download(self, request: web.Request) -> web.Response:
        path = _argument(request)["path"].removeprefix("id:")
        if path in self.exports:
            raise conflict("unsupported_file")
        if path not in self.files:
            raise conflict("path/not_found")
        return _bytes(self._entry(path), self.files[path])

    async def _export(self, request: web.Request) -> web.Response:
        path = _argument(request)["path"].removeprefix("id:")
        name, content = self.exports[path]
        exported = {"name": name, "size": len(content)}
        whole = {"export_metadata": exported, "file_metadata": self._entry(path)}
        return _bytes(whole, content)

    async def _upload(self, request: web.Request) -> web.Response:
        if "files.content.write" not in self.scopes:
            error = {".tag": "missing_scope", "required_scope": "files.content.write"}
            raise Refused(401, {"error_summary": "missing_scope/", "error": error})
        if request.content_type != "application/octet-stream":
            raise Refused(400, "Bad HTTP Content-Type header")
        argument, content = _argument(request), await request.read()
        path = argument["path"]
        same = self.files.get(path, content) == content
        if argument["mode"] == "add" and not same:
            raise conflict("path/conflict/file")
        self.files[path] = content
        return reply(self._entry(path))


async def _json(request: web.Request) -> Any:  # noqa: ANN401
    if request.content_type != "application/json":
        raise Refused(400, 'Error in call: Bad HTTP "Content-Type" header')
    return await request.json()


def _argument(request: web.Request) -> Any:  # noqa: ANN401
    text = request.headers["Dropbox-API-Arg"]
    if not text.isascii():
        raise Refused(400, "Error in call: HTTP header Dropbox-API-Arg: not safe")
    return orjson.loads(text)


def _bytes(known: object, content: bytes) -> web.Response:
    headers = {"Dropbox-API-Result": json.dumps(known)}
    return web.Response(body=content, headers=headers, content_type="application/octet-stream")


@asynccontextmanager
async def dropbox_server() -> AsyncGenerator[DropboxServer]:
    server = DropboxServer()
    async with server.serving():
        yield server
