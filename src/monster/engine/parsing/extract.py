"""A file's bytes become Markdown text. What a file is, its bytes say, not who sent it."""

import codecs
import re
from pathlib import PurePath
from typing import NamedTuple

from monster.engine.parsing.errors import ParseError
from monster.engine.parsing.types import OF_SUFFIX, PARSED, TEXT_SUFFIXES

MAX_CHARACTERS = 5_000_000
_SECONDS = 120
_SCANNED = "no text was found in it; if these are scanned pages, they need text recognition first"
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Kreuzberg puts the page's head before its body; as Markdown it has become a heading.
_HTML_HEAD = re.compile(r"\A---\n(?:[^\n]*\n)*?## [\w:-]+: [^\n]*\n+")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


class Extracted(NamedTuple):
    """`pages` are the offsets in `text` at which page 1, 2, … begin; none if it has no pages."""

    text: str
    title: str
    mime_type: str
    pages: tuple[int, ...] = ()


def extract(data: bytes, name: str) -> Extracted:
    """Blocks for as long as the file is big: call it in a thread. Raises ParseError."""
    if not data.strip():
        raise ParseError("the file is empty")
    mime_type = sniff(data, name)
    if mime_type in PARSED:
        text, title, pages = _parse(data, mime_type)
    else:
        text, title, pages = _decode(data), "", ()
    if not text.strip():
        raise ParseError(_SCANNED)
    if len(text) > MAX_CHARACTERS:
        raise ParseError(f"its text is longer than {MAX_CHARACTERS:,} characters: split it")
    return Extracted(text, title or _first_heading(text) or _stem(name), mime_type, pages)


def sniff(data: bytes, name: str) -> str:
    """The type by content; the name only tells apart what looks the same (text, mostly)."""
    import kreuzberg  # noqa: PLC0415 (60 MB of native code: when the first document comes)

    suffix = PurePath(name.lower()).suffix
    try:
        found = kreuzberg.detect_mime_type_from_bytes(data)  # pyright: ignore[reportPrivateImportUsage]
    except RuntimeError:  # it knows no such beginning
        found = "text/plain"
    if found == "text/plain" and not _reads_as_text(data):
        found = "application/octet-stream"
    claimed = OF_SUFFIX.get(suffix)
    if _is_text(found):
        found = TEXT_SUFFIXES.get(suffix, found)
        if claimed and _is_text(claimed):
            return claimed
    if claimed and found != claimed and found in {"text/plain", "application/octet-stream"}:
        raise ParseError(f"it is called {suffix}, but its content is something else, or damaged")
    if found in PARSED or _is_text(found):
        return found
    raise ParseError(f"files of this type ({found}) cannot be read")


def _reads_as_text(data: bytes) -> bool:
    return data.startswith(tuple(_BOMS)) or not _BINARY.search(data[:4096])


def _is_text(mime_type: str) -> bool:
    return mime_type.startswith(("text/", "message/")) or mime_type in {
        "application/json",
        "application/xml",
        "application/rtf",
    }


def _parse(data: bytes, mime_type: str) -> tuple[str, str, tuple[int, ...]]:
    import kreuzberg  # noqa: PLC0415

    paged = mime_type == "application/pdf"
    config = kreuzberg.ExtractionConfig(
        use_cache=False,  # it would keep what tenants upload in a folder of its own
        enable_quality_processing=False,
        disable_ocr=True,  # pyright: ignore[reportCallIssue]
        output_format="markdown",
        extraction_timeout_secs=_SECONDS,
        pages=kreuzberg.PageConfig(extract_pages=True) if paged else None,
    )
    try:
        result = kreuzberg.extract_bytes_sync(data, mime_type, config)
    except (kreuzberg.KreuzbergError, RuntimeError) as error:
        raise ParseError(_reason(str(error))) from error
    title = " ".join(_clean(str(result.metadata.get("title") or "")).split())[:200]
    if paged and result.pages:
        text, starts = _joined([_clean(page["content"]) for page in result.pages])
        return text, title, starts
    text = _clean(result.content)
    return (_HTML_HEAD.sub("", text) if mime_type == "text/html" else text), title, ()


def _joined(pages: list[str]) -> tuple[str, tuple[int, ...]]:
    starts: list[int] = []
    at = 0
    for page in pages:
        starts.append(at)
        at += len(page) + 2
    return "\n\n".join(pages), tuple(starts)


def _reason(message: str) -> str:
    if "password" in message.lower() or "encrypt" in message.lower():
        return "it is protected by a password: remove the protection and upload it again"
    if "timed out" in message.lower() or "timeout" in message.lower():
        return f"reading it took longer than {_SECONDS} seconds"
    return "it is damaged, or not what its beginning says it is"


def _decode(data: bytes) -> str:
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return _clean(data.decode(encoding, errors="replace"))
    try:
        return _clean(data.decode())
    except UnicodeDecodeError:
        return _clean(data.decode("cp1252", errors="replace"))


def _clean(text: str) -> str:
    """What PostgreSQL can store: no NUL, no half of a surrogate pair; lines end in one way."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode(errors="replace").decode()


def _first_heading(text: str) -> str:
    found = _HEADING.search(text[:20_000])
    return found[1].strip()[:200] if found else ""


def _stem(name: str) -> str:
    return PurePath(name).stem or name
