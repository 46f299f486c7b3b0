"""A mailbox by IMAP: what is read there stays unread."""

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.fetch import plain
from monster.engine.toolkit.mail import ANSWER, WHOLE, Account, Place
from monster.kit.smtp import one_line

_LARGEST = 2 << 20  # bytes of a mail that are read
_LONGEST = 30_000  # characters of its text that a model is shown
_HEADERS = "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]"
_UID = re.compile(rb"UID (\d+)")
_FOLDER = re.compile(rb'\((?P<flags>[^)]*)\) (?:"[^"]*"|NIL) (?P<name>.+)')

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mailbox:
    account: Account = field(repr=False)
    place: Place

    async def run(self, do: Callable[["Box"], T]) -> T:
        """In a thread, on a connection of its own. Raises ToolFailed, ConnectionRefused."""
        sock = await self.place.connect()
        sock.settimeout(ANSWER)
        try:
            async with asyncio.timeout(WHOLE):
                return await asyncio.to_thread(self._in_thread, sock, do)
        except (OSError, imaplib.IMAP4.error) as error:  # also TimeoutError, ssl.SSLError
            raise ToolFailed(f"{self.place.host}: {one_line(str(error))[:300]}") from error
        finally:
            sock.close()  # ends the thread, too, if it still waits

    def _in_thread(self, sock: socket.socket, do: Callable[["Box"], T]) -> T:
        host = self.place.host
        if self.place.security == "tls":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        with _Imap(sock, host) as imap:
            if self.place.security == "starttls":
                imap.starttls(ssl.create_default_context())
            try:
                imap.login(self.account.user, self.account.password)
            except imap.error as error:
                raise ConnectionRefused(f"{host} refuses the password: {error}") from error
            return do(Box(imap))


class _Imap(imaplib.IMAP4):
    """Over a socket that is there already."""

    def __init__(self, given: socket.socket, host: str) -> None:
        self._given = given
        super().__init__(host, timeout=ANSWER)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002
        return self._given

    def read(self, size: int) -> bytes:
        if size > _LARGEST * 2:
            raise self.abort("it sends more than was asked for")
        return super().read(size)


@dataclass(frozen=True, slots=True)
class Box:
    imap: imaplib.IMAP4

    def check(self) -> None:
        _fine(self.imap.noop())

    def folders(self) -> list[str]:
        found = (_FOLDER.match(line) for line in _fine(self.imap.list()) if isinstance(line, bytes))
        return [one["name"].decode(errors="replace").strip('"') for one in found if one]

    def search(
        self, folder: str, wanted: tuple[str, str, str, bool], limit: int
    ) -> list[dict[str, Any]]:
        self._open(folder)
        criteria, utf8 = _criteria(*wanted)
        uid: Any = self.imap.uid  # takes bytes, too, though its types do not say so
        found = _fine(uid("SEARCH", *(("CHARSET", "UTF-8") if utf8 else ()), *criteria))
        uids = (found[0] or b"").split()[-limit:]
        if not uids:
            return []
        rows = _fine(self.imap.uid("FETCH", b",".join(uids).decode(), f"(UID FLAGS {_HEADERS})"))
        listed = [_listed(*row) for row in _literals(rows)]
        return sorted(listed, key=lambda one: one["uid"], reverse=True)

    def read(self, folder: str, uid: int) -> dict[str, Any]:
        self._open(folder)
        rows = _fine(self.imap.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{_LARGEST}>)"))
        literals = _literals(rows)
        if not literals:
            raise ToolFailed(f"there is no mail {uid} in {folder}")
        content = literals[0][1]
        message = message_from_bytes(content, policy=policy.default)
        files = [part.get_filename() or "" for part in message.iter_attachments()]
        return {"uid": uid, **_head(message), "text": _text(message), "attachments": files}

    def _open(self, folder: str) -> None:
        _fine(self.imap.select(_quoted(folder), readonly=True))


def _criteria(
    words: str,
    sender: str,
    since: str,
    unread: bool,  # noqa: FBT001
) -> tuple[list[str | bytes], bool]:
    found: list[str | bytes] = ["UNSEEN"] if unread else []
    if since:
        try:
            found += ["SINCE", f"{date.fromisoformat(since):%d-%b-%Y}"]
        except ValueError as error:
            raise ToolFailed(f"{since} is no day") from error
    for name, text in (("TEXT", words), ("FROM", sender)):
        if text:
            found += [name, _quoted(text).encode()]
    return found or ["ALL"], not (words + sender).isascii()


def _quoted(text: str) -> str:
    """As IMAP quotes it: a line's end would begin another command."""
    if any(character in "\r\n\0" for character in text):
        raise ToolFailed("a line's end cannot be looked for")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _fine(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, rows = answer
    if kind != "OK":
        words = b" ".join(row for row in rows if isinstance(row, bytes)).decode(errors="replace")
        raise ToolFailed(f"the mail server refused it: {words[:300]}")
    return rows


def _literals(rows: list[Any]) -> list[tuple[bytes, bytes]]:
    """What stands before a literal, and the literal."""
    return [row for row in rows if isinstance(row, tuple)]


def _listed(said: bytes, headers: bytes) -> dict[str, Any]:
    uid = _UID.search(said)
    message = message_from_bytes(headers, policy=policy.default)
    number = int(uid[1]) if uid else 0
    return {"uid": number, **_head(message), "unread": b"\\Seen" not in said}


def _head(message: EmailMessage) -> dict[str, str]:
    return {name.lower(): str(message.get(name, "")) for name in ("From", "To", "Subject", "Date")}


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        payload: Any = part.get_payload(decode=True)
        text = bytes(payload).decode(errors="replace")
    return (plain(text) if part.get_content_subtype() == "html" else text)[:_LONGEST]
