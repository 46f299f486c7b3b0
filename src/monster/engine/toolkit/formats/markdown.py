"""Markdown as a tree, which other systems' documents are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

# A megabyte to import: not before somebody writes.
if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode


class Run(NamedTuple):
    """Text that is written in one way."""

    text: str
    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A node of the tree, as markdown-it names it: `tag` is that of HTML, `info` of a fence."""

    type: str
    tag: str
    content: str
    info: str
    attrs: Mapping[str, str | int | float]
    children: "tuple[Block, ...]"


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 (as above)

    # HTML stays the text it is: none of these documents knows it.
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def blocks(text: str) -> tuple[Block, ...]:
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415 (as above)

    return tuple(map(_block, SyntaxTreeNode(_parser().parse(text)).children))


def _block(node: "SyntaxTreeNode") -> Block:
    children = tuple(map(_block, node.children))
    return Block(node.type, node.tag, node.content, node.info, node.attrs, children)


def runs(node: Block, like: Run | None = None) -> list[Run]:
    """What stands in a paragraph, a heading or a cell; a picture is a link to it."""
    like = like or Run("")
    if node.type in _BREAKS:
        return [like._replace(text=_BREAKS[node.type])]
    if node.type in ("text", "code_inline"):
        return [like._replace(text=node.content, code=node.type == "code_inline")]
    if node.type == "image":
        return [like._replace(text=node.content or "picture", link=str(node.attrs["src"]))]
    inner = _styled(node, like)
    return [run for child in node.children for run in runs(child, inner) if run.text]


_BREAKS = {"softbreak": " ", "hardbreak": "\n"}


def _styled(node: Block, like: Run) -> Run:
    match node.type:
        case "strong":
            return like._replace(bold=True)
        case "em":
            return like._replace(italic=True)
        case "s":
            return like._replace(struck=True)
        case "link":
            return like._replace(link=str(node.attrs["href"]))
        case _:
            return like


def written(run: Run) -> str:
    """A run as Markdown."""
    if not run.text.strip():
        return run.text
    text = f"`{run.text}`" if run.code else run.text
    bare = text.strip()
    for mark, on in (("~~", run.struck), ("*", run.italic), ("**", run.bold)):
        bare = f"{mark}{bare}{mark}" if on else bare
    if run.link and run.link != bare:
        bare = f"[{bare}]({run.link})"
    start = len(text) - len(text.lstrip())
    return text[:start] + bare + text[len(text.rstrip()) :]


def indented(text: str, by: int) -> str:
    """All lines but the first."""
    return text.replace("\n", "\n" + " " * by)


def table(rows: list[list[str]]) -> str:
    """The first row is the head."""
    lines = ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join([*lines[:1], "|" + " --- |" * len(rows[0]), *lines[1:]]) if rows else ""
