"""What one request may send: so much, announced or streamed, and its text as UTF-8."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_TAKES_FILES = set[Callable[..., Any]]()


def takes_files(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint as one whose body may be as large as an upload."""
    _TAKES_FILES.add(endpoint)
    return endpoint


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refused when the endpoint asks for the body: its error handlers then write the 413."""

    app: ASGIApp
    upload: int  # bytes that an endpoint with @takes_files accepts
    usual: int = MIB

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            limit = self.upload if scope.get("endpoint") in _TAKES_FILES else self.usual
            if _announced(scope) > limit:
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received and not _is_utf8(scope):
                raise HTTPException(415, "this must be written in UTF-8")
            if received > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, receive_within_limit, send)


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _is_utf8(scope: Scope) -> bool:
    """Python knows codecs (`undefined`, `unicode_escape`) that fail or make what is no text."""
    sent = Headers(scope=scope).get("content-type", "")
    if "charset" not in sent.lower():
        return True
    charset = parse_options_header(sent)[1].get(b"charset", b"utf-8")
    return charset.lower() in {b"utf-8", b"utf8", b"us-ascii"}


def _too_large(limit: int) -> HTTPException:
    # Not an AppError: while FastAPI reads a body, it lets only this class through. The connection
    # stays open and the server drops the rest of the body: browsers read no answer while they send.
    size = f"{limit / MIB:g} MiB" if limit >= MIB else f"{limit} bytes"
    return HTTPException(413, f"this is larger than the {size} allowed")
