"""Notion's blocks, made of Markdown and read as Markdown.

https://developers.notion.com/reference/block
"""

import re
from collections.abc import Sequence
from itertools import product

from monster.engine.toolkit.formats import markdown
from monster.engine.toolkit.formats.markdown import Block, Run
from monster.engine.toolkit.formats.records import Record, dig, several, within

_LONGEST = 2_000  # characters of one piece of text
_DEEPEST = 2  # levels of children that one request may have
_LANGUAGES = {
    "bash", "c", "c++", "c#", "css", "diff", "docker", "go", "graphql", "html", "java",
    "javascript", "json", "kotlin", "latex", "makefile", "markdown", "php", "powershell", "python",
    "r", "ruby", "rust", "scala", "shell", "sql", "swift", "toml", "typescript", "xml", "yaml",
}  # fmt: skip
_SHORT = {"py": "python", "js": "javascript", "ts": "typescript", "sh": "shell", "yml": "yaml"}
_STYLES = ("bold", "italic", "strikethrough", "code")


def from_markdown(text: str) -> list[Record]:
    return [made for block in markdown.blocks(text) for made in _block(block, 0)]


def text(words: str) -> list[Record]:
    """Plain words as rich text."""
    return _rich([Run(words)])


def _block(block: Block, depth: int) -> list[Record]:
    match block.type:
        case "heading":
            return [_made(f"heading_{min(int(block.tag[1:]), 3)}", markdown.runs(block))]
        case "bullet_list" | "ordered_list":
            kind = "bulleted" if block.type == "bullet_list" else "numbered"
            items = (_item(item, f"{kind}_list_item", depth) for item in block.children)
            return [made for item in items for made in item]
        case "fence" | "code_block":
            code = _made("code", [Run(block.content.rstrip("\n"))])
            code["code"]["language"] = _language(block.info)
            return [code]
        case "blockquote":
            return _item(block, "quote", depth)
        case "table":
            return [_table(block)]
        case _:
            divider: Record = {"type": "divider", "divider": {}}
            return [divider if block.type == "hr" else _made("paragraph", markdown.runs(block))]


def _item(item: Block, kind: str, depth: int) -> list[Record]:
    """Its first paragraph, and below it the rest; beside it where that would be too deep."""
    first = item.children[0] if item.children else None
    own = markdown.runs(first) if first and first.type in ("paragraph", "heading") else []
    rest = item.children[1:] if own else item.children
    made = _tick(_made(kind, own), own)
    children = [one for block in rest for one in _block(block, depth + 1)]
    if not children:
        return [made]
    if depth >= _DEEPEST:
        return [made, *children]
    made[made["type"]]["children"] = children
    return [made]


def _tick(made: Record, own: Sequence[Run]) -> Record:
    """`- [x] done` is something to do."""
    mark = own[0].text[:4].lower() if own else ""
    if made["type"] != "bulleted_list_item" or mark not in ("[ ] ", "[x] "):
        return made
    rest = [own[0]._replace(text=own[0].text[4:]), *own[1:]]
    return {"type": "to_do", "to_do": {"rich_text": _rich(rest), "checked": mark == "[x] "}}


def _table(block: Block) -> Record:
    rows = [row for part in block.children for row in part.children]
    cells = [[_rich(markdown.runs(cell)) for cell in row.children] for row in rows]
    children = [{"type": "table_row", "table_row": {"cells": row}} for row in cells]
    shape = {"table_width": len(cells[0]), "has_column_header": True}
    return {"type": "table", "table": {**shape, "children": children}}


def _made(kind: str, runs: Sequence[Run]) -> Record:
    return {"type": kind, kind: {"rich_text": _rich(runs)}}


def _rich(runs: Sequence[Run]) -> list[Record]:
    found: list[Record] = []
    for run in runs:
        link = {"url": run.link} if run.link.startswith(("http:", "https:", "mailto:")) else None
        styles = dict(zip(_STYLES, (run.bold, run.italic, run.struck, run.code), strict=True))
        for start in range(0, len(run.text), _LONGEST):
            piece = {"content": run.text[start : start + _LONGEST], "link": link}
            found.append({"type": "text", "text": piece, "annotations": styles})
    return found


def _language(info: str) -> str:
    name = info.split(" ", maxsplit=1)[0].lower()
    name = _SHORT.get(name, name)
    return name if name in _LANGUAGES else "plain text"


def to_markdown(blocks: Sequence[Record]) -> str:
    """Blocks with their `children` in themselves."""
    said, before, number = "", "", 0
    for block in blocks:
        kind = block["type"]
        number = number + 1 if kind == "numbered_list_item" else 0
        said += ("\n" if (before, kind) in _SAME_LIST else "\n\n") + _read(block, number)
        before = kind
    return re.sub(r"\n{3,}", "\n\n", said).strip()


_POINTS = ("bulleted_list_item", "to_do")
_SAME_LIST = {*product(_POINTS, _POINTS), ("numbered_list_item", "numbered_list_item")}


def _read(block: Record, number: int) -> str:
    kind, own = block["type"], within(block, block["type"])
    words, children = plain(several(own, "rich_text")), several(block, "children")
    if kind == "table":
        rows = [several(child, "table_row", "cells") for child in children]
        return markdown.table([[plain(several(cell)) for cell in row] for row in rows])
    below = to_markdown(children)
    if kind == "code":
        return f"```{own.get('language', '')}\n{words}\n```"
    if kind.startswith("heading_"):
        return "\n\n".join(filter(None, ("#" * int(kind[-1]) + f" {words}", below)))
    if mark := _mark(kind, own, number):
        inner = "\n".join(filter(None, (words, below)))
        return mark + inner.replace("\n", "\n" + (mark if mark == "> " else " " * len(mark)))
    return "\n\n".join(filter(None, (words or _thing(kind, own), below)))


def _mark(kind: str, own: Record, number: int) -> str:
    marks = {
        "bulleted_list_item": "- ",
        "numbered_list_item": f"{number}. ",
        "to_do": "- [x] " if own.get("checked") else "- [ ] ",
        "toggle": "- ",
        "quote": "> ",
        "callout": "> ",
    }
    return marks.get(kind, "")


def _thing(kind: str, own: Record) -> str:
    """What has no words of its own."""
    if kind == "divider":
        return "---"
    if kind in ("child_page", "child_database"):
        return f"[{kind.removeprefix('child_')}: {own.get('title')}]"
    if kind == "equation":
        return f"$${own.get('expression')}$$"
    url = own.get("url") or dig(own, "external", "url") or dig(own, "file", "url")
    return f"[{plain(several(own, 'caption')) or kind}]({url})" if url else ""


def plain(rich: Sequence[Record]) -> str:
    """Rich text as Markdown."""
    return "".join(map(_piece, rich))


def _piece(piece: Record) -> str:
    styles = within(piece, "annotations")
    bold, italic, struck, code = (bool(styles.get(name)) for name in _STYLES)
    words = piece.get("plain_text") or dig(piece, "text", "content") or ""
    return markdown.written(Run(words, bold, italic, struck, code, piece.get("href") or ""))
