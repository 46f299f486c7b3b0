"""Headers that every answer of a service carries unless it says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def attachment(name: str) -> str:
    """The value of Content-Disposition with which a browser saves what it gets (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class DefaultHeaders:
    app: ASGIApp
    headers: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add(MutableHeaders(scope=message), self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def add(present: MutableHeaders, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        present.setdefault(name, value)
