"""Requests to any HTTP interface, within the address that a connection names."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import aiohttp
import orjson
from pydantic import Field
from yarl import URL

from monster.engine.toolkit import headers as headers_of
from monster.engine.toolkit.effects import ConnectionRefused, Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, Http
from monster.kit import logs

_LONGEST = 50_000  # characters of an answer
_BASE = {"description": "The address that requests may go to, and all below it", "type": "url"}
_METHODS = {
    "description": "What it may be used for",
    "type": "choice",
    "options": ["read", "read and write"],
    "default": "read",
    "order": 900,
}
_HEADER = r"[\x20-\x7e]{1,8000}"


def _strategy(**parameters: object) -> dict[str, object]:
    given = {f"{n}. {name}": value for n, (name, value) in enumerate(parameters.items(), 2)}
    return {"1. base_url": _BASE, **given, "methods": _METHODS}


def _secret(description: str) -> dict[str, object]:
    return {"description": description, "type": "secret", "pattern": _HEADER}


class HttpRequest(ToolFactory):
    system_name = "http_request"
    name = "HTTP request"
    category = "Web"
    description = "Calls any HTTP interface, with its authentication"
    logo = "webhook"
    help = """\
The connection's address confines where its secret may go: requests stay below it, and redirects are
not followed. A connection for reading allows GET and HEAD only.
"""
    auth_config: ClassVar = {
        "strategy_none": _strategy(),
        "strategy_bearer": _strategy(token=_secret("Token, sent as “Authorization: Bearer …”")),
        "strategy_basic": _strategy(username="User name", password=_secret("Password")),
        "strategy_header": _strategy(
            header_name={"description": "Name of the header", "pattern": r"[A-Za-z0-9-]{1,100}"},
            header_value=_secret("Its value"),
        ),
        "strategy_query_key": _strategy(
            key_name={"description": "Name in the query", "pattern": r"[A-Za-z0-9_.-]{1,100}"},
            key_value=_secret("Its value"),
        ),
        "strategy_client_credentials": _strategy(
            token_url={"description": "Where tokens are given out", "type": "url"},
            client_id="Client ID",
            client_secret=_secret("Client secret"),
            scopes={"description": "Scopes, separated by blanks", "required": False},
        ),
    }

    @property
    def url(self) -> str:
        return self.values["base_url"]

    def authorization(self) -> Mapping[str, str]:
        values = self.values
        if "token" in values:
            return {"Authorization": f"Bearer {values['token']}"}
        if "username" in values:
            return {"Authorization": headers_of.basic(values["username"], values["password"])}
        if "header_name" in values:
            return {values["header_name"]: values["header_value"]}
        return {}

    async def account(self) -> str | None:
        await self._send("GET", "/", {}, {}, {})
        return None

    @tool(Effect.READ)
    async def read(
        self,
        path: Annotated[str, Field(max_length=2_000)],
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        method: Literal["GET", "HEAD"] = "GET",
    ) -> object:
        """Read from the connected HTTP interface. Returns status, type and content.

        path: Below the connection's address, such as /items/7; or the whole address.
        query: Parameters that follow the address.
        headers: Headers beside those of the connection.
        method: GET, or HEAD for the headers alone.
        """
        return await self._send(method, path, query or {}, headers or {}, {})

    @tool(Effect.WRITE)
    async def write(
        self,
        method: Literal["POST", "PUT", "PATCH", "DELETE"],
        path: Annotated[str, Field(max_length=2_000)],
        body: dict[str, Any] | list[Any] | None = None,
        text: str | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> object:
        """Send something to the connected HTTP interface. Returns status, type and content.

        method: What to do with it, as the interface documents it.
        path: Below the connection's address, such as /items; or the whole address.
        body: What is sent as JSON.
        text: What is sent as it stands, in place of `body`.
        query: Parameters that follow the address.
        headers: Headers beside those of the connection.
        """
        if self.values.get("methods") != "read and write":
            raise ToolFailed("this connection is for reading only")
        sent: dict[str, Any] = {} if body is None else {"json": body}
        if text is not None:
            sent = {"data": text.encode()}
        return await self._send(method, path, query or {}, headers or {}, sent)

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Mapping[str, Any],
    ) -> object:
        own = {name.lower() for name in self.authorization()}
        for name, value in headers.items():
            headers_of.check(name, value)
            if name.lower() in own:
                raise ToolFailed(f"the header {name!r} is the connection's")
        params = dict(query)
        if key := self.values.get("key_name"):
            params[key] = self.values["key_value"]
        below = within(self.url, path)
        answer = await self.http.request(
            method, below, params=params, headers=dict(headers), **body
        )
        return said(answer)

    async def _authorize(self, again: bool) -> Mapping[str, str]:
        if "client_secret" not in self.values:
            return await super()._authorize(again)
        if self._token is None or again:
            self._token = await self._new_token()
        return {"Authorization": f"Bearer {self._token}"}

    async def _new_token(self) -> str:
        values = self.values
        who = headers_of.basic(values["client_id"], values["client_secret"])

        async def client(_: bool) -> Mapping[str, str]:
            return {"Authorization": who}

        place = Http(self.connection.session, "The token endpoint", values["token_url"], client)
        form = {"grant_type": "client_credentials", "scope": values.get("scopes", "")}
        asked = aiohttp.FormData({name: value for name, value in form.items() if value})
        found = await place.query("", data=asked)
        token: object = found.get("access_token") if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(token, str) or not headers_of.is_value(token):
            raise ConnectionRefused("the token endpoint gave no token")
        logs.hide(token)
        return token


def within(base: str, path: str) -> str:
    """What follows `base`, however it is written. Raises ToolFailed if it leads elsewhere."""
    try:
        root = URL(base)
        whole = "://" in path.partition("?")[0]
        url = URL(path if whole else f"{base.rstrip('/')}/{path.lstrip('/')}")
        stays = url.origin() == root.origin() and not (url.user or url.password)
    except ValueError as error:
        raise ToolFailed("that is no address") from error
    folder = root.raw_path.rstrip("/")
    steps = url.path.replace("\\", "/").split("/")
    if not stays or ".." in steps or not f"{url.raw_path}/".startswith(f"{folder}/"):
        raise ToolFailed(f"this connection goes to {base} and what is below it only")
    return url.raw_path_qs.removeprefix(folder)


def said(answer: Answer) -> dict[str, object]:
    """Without what is secret, and not longer than a model can take."""
    kind = answer.header("Content-Type")
    text = logs.mask(answer.text)
    content: object = text[:_LONGEST]
    if "json" in kind and len(text) <= _LONGEST:
        try:
            content = orjson.loads(text)
        except orjson.JSONDecodeError:
            content = text
    found: dict[str, object] = {"status": answer.status, "type": kind, "content": content}
    return found | ({"cut_at": _LONGEST} if len(text) > _LONGEST else {})
