"""The text of HTML, as far as letters need it: words, lines, lists and links."""

import re
from html.parser import HTMLParser

_SILENT = {"script", "style", "head", "title", "template"}
_LINES = {"br", "div", "tr", "ul", "ol", "blockquote", "table"}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "li":
            self.said.append("\n- ")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.said)))
        else:
            self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            self._link(*self._links.pop())
        else:
            self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(re.sub(r"\s+", " ", data))

    def _space(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.said.append("\n\n")
        elif tag in _LINES:
            self.said.append("\n")

    def _link(self, href: str, start: int) -> None:
        text = "".join(self.said[start:]).strip()
        if text and href.startswith(("http:", "https:", "mailto:")) and href != text:
            self.said[start:] = [f"[{text}]({href})"]


def to_text(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.said).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
