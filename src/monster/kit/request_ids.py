"""Every request has an id, its own or a new one; the response and the logs tell it."""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monster.kit import logs
from monster.kit.ids import new_id

_HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class RequestIds:
    """Outermost, so that answers to bugs have it, too. A few microseconds: it is on the hot path.

    Nothing is reset afterwards: the server handles each request in a task of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        value = _given(scope["headers"]) or new_id().hex.encode()
        logs.request_id.set(value.decode())
        logs.tenant_id.set(None)
        logs.run_id.set(None)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (_HEADER, value)]
            await send(message)

        await self.app(scope, receive, send_with_id)


def _given(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == _HEADER:
            return value if _SANE.fullmatch(value) else None
    return None
