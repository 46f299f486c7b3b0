"""A small IMAP4rev1 server (RFC 3501): login, list, select, search, fetch; it changes nothing."""

import asyncio
import re
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy

USER, PASSWORD = "ada@example.com", "a password of mail"
_PART = re.compile(r"<0\.(\d+)>")


@dataclass
class ImapServer:
    """`mails` are those of the inbox; the numbers in `seen` were read."""

    mails: list[bytes] = field(default_factory=list[bytes])
    seen: set[int] = field(default_factory=set[int])
    commands: list[str] = field(default_factory=list[str])
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionResetError):  # of clients that wanted TLS
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := await reader.readline():
            text = line.decode(errors="replace").strip()
            self.commands.append(text)
            tag, _, rest = text.partition(" ")
            answer = self.answer(tag, rest)
            writer.write(answer)
            if rest.upper() == "LOGOUT":
                break
        writer.close()

    def answer(self, tag: str, text: str) -> bytes:
        name, _, rest = text.partition(" ")
        if name.upper() == "UID":
            name, _, rest = rest.partition(" ")
        do = getattr(self, f"on_{name.lower()}", None)
        said, verdict = do(rest) if do else (b"", "BAD unknown")
        return said + f"{tag} {verdict}\r\n".encode()

    def on_capability(self, _: str) -> tuple[bytes, str]:
        return b"* CAPABILITY IMAP4rev1\r\n", "OK done"

    def on_login(self, text: str) -> tuple[bytes, str]:
        fine = shlex.split(text) == [USER, PASSWORD]
        return b"", "OK in" if fine else "NO [AUTHENTICATIONFAILED] Invalid credentials"

    def on_noop(self, _: str) -> tuple[bytes, str]:
        return b"", "OK done"

    def on_logout(self, _: str) -> tuple[bytes, str]:
        return b"* BYE\r\n", "OK bye"

    def on_list(self, _: str) -> tuple[bytes, str]:
        lines = b'* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST () "/" "Sent mail"\r\n'
        return lines, "OK done"

    def on_examine(self, text: str) -> tuple[bytes, str]:
        if text.strip('"') != "INBOX":
            return b"", "NO [NONEXISTENT] no such mailbox"
        return f"* {len(self.mails)} EXISTS\r\n".encode(), "OK [READ-ONLY] open"

    def on_search(self, text: str) -> tuple[bytes, str]:
        words = shlex.split(text)
        found = [n for n in range(1, len(self.mails) + 1) if self._matches(n, list(words))]
        return f"* SEARCH {' '.join(map(str, found))}\r\n".encode(), "OK done"

    def _matches(self, number: int, words: list[str]) -> bool:
        mail = message_from_bytes(self.mails[number - 1], policy=policy.default)
        whole = self.mails[number - 1].decode().lower()
        while words:
            word = words.pop(0)
            if word == "UNSEEN" and number in self.seen:
                return False
            if word == "CHARSET":
                words.pop(0)
            if word == "TEXT" and words.pop(0).lower() not in whole:
                return False
            if word == "FROM" and words.pop(0).lower() not in str(mail["From"]).lower():
                return False
            if word == "SINCE":
                day = words.pop(0)
                assert re.fullmatch(r"\d\d-[A-Z][a-z]{2}-\d{4}", day), day
        return True

    def on_fetch(self, text: str) -> tuple[bytes, str]:
        numbers, _, what = text.partition(" ")
        said = b""
        for number in map(int, numbers.split(",")):
            if not 1 <= number <= len(self.mails):
                continue
            content = self.mails[number - 1]
            part = "BODY[]<0>"
            if "HEADER.FIELDS" in what:
                content = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                part = "BODY[HEADER.FIELDS (FROM TO SUBJECT DATE)]"
            elif limit := _PART.search(what):
                content = content[: int(limit[1])]
            flags = "\\Seen" if number in self.seen else ""
            head = f"* {number} FETCH (UID {number} FLAGS ({flags}) {part} {{{len(content)}}}\r\n"
            said += head.encode() + content + b")\r\n"
        return said, "OK done"


@asynccontextmanager
async def imap_server() -> AsyncGenerator[ImapServer]:
    served = ImapServer()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served
