"""Letters: written as MIME, and read as Gmail takes MIME apart."""

import base64
import binascii
import mimetypes
from collections.abc import Iterator, Sequence
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import getaddresses

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.formats import html
from monster.engine.toolkit.formats.records import Record, dig, several


def write(
    headers: dict[str, str], text: str, attachments: Sequence[tuple[str, bytes]] = ()
) -> bytes:
    """Empty headers are left out. Raises ToolFailed if one cannot be a header."""
    letter = EmailMessage()
    for name, value in headers.items():
        if value:
            try:
                letter[name] = value
            except (ValueError, HeaderParseError) as error:
                raise ToolFailed(f"{name} has characters that it cannot have") from error
    letter.set_content(text)
    for name, content in attachments:
        guess, packed = mimetypes.guess_type(name)
        whole = guess if guess and not packed else "application/octet-stream"
        kind, _, sort = whole.partition("/")
        letter.add_attachment(content, maintype=kind, subtype=sort, filename=name)
    return letter.as_bytes()


def addresses(*texts: str) -> str:
    """Raises ToolFailed if one is no address."""
    found = getaddresses([text for text in texts if text])
    wrong = [name or one for name, one in found if "@" not in one or not one.isascii()]
    if wrong:
        raise ToolFailed(f"{wrong[0]!r} is no e-mail address")
    return ", ".join(texts)


def header(message: Record, name: str) -> str:
    headers = several(message, "payload", "headers")
    found = (one["value"] for one in headers if one["name"].lower() == name.lower())
    return next(found, "")


def parts(part: Record) -> Iterator[Record]:
    """It, and all that are in it."""
    yield part
    for inner in several(part, "parts"):
        yield from parts(inner)


def text(message: Record) -> str:
    """As its writer meant it to be read without pictures."""
    for kind, read in (("text/plain", str), ("text/html", html.to_text)):
        said = [
            decode(part["body"]["data"]).decode(errors="replace")
            for part in parts(message["payload"])
            if part.get("mimeType") == kind and not part.get("filename") and _data(part)
        ]
        if said:
            return "\n\n".join(map(read, said)).replace("\r\n", "\n").strip()
    return ""


def attachments(message: Record) -> list[Record]:
    return [part for part in parts(message["payload"]) if part.get("filename")]


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


def decode(data: str) -> bytes:
    """Gmail leaves out what fills the last block."""
    try:
        return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    except binascii.Error as error:
        raise ToolFailed("a part of the letter cannot be read") from error


def _data(part: Record) -> str:
    return dig(part, "body", "data") or ""
