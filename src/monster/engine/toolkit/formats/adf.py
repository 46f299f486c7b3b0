"""Atlassian Document Format, made of Markdown and read as Markdown.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from datetime import UTC, datetime
from typing import Any, TypeAlias

from monster.engine.toolkit.formats import markdown
from monster.engine.toolkit.formats.markdown import Block, Run

Node: TypeAlias = dict[str, Any]

_HEADS = ("", "# ", "## ", "### ", "#### ", "##### ", "###### ")  # a paragraph has no level
_LISTS = {"bullet_list": "bulletList", "ordered_list": "orderedList"}


def from_markdown(text: str) -> Node:
    content = [made for block in markdown.blocks(text) for made in _block(block)]
    return {"version": 1, "type": "doc", "content": content}


def _block(block: Block) -> list[Node]:
    match block.type:
        case "heading":
            level = int(block.tag[1:])
            return [{"type": "heading", "attrs": {"level": level}, "content": _inline(block)}]
        case "hr":
            return [{"type": "rule"}]
        case "blockquote":
            return [{"type": "blockquote", "content": _nested(block)}]
        case "table":
            rows = [_row(row) for part in block.children for row in part.children]
            return [{"type": "table", "content": rows}]
        case _:
            return _plain(block)


def _plain(block: Block) -> list[Node]:
    """What may stand anywhere, in a list or a quotation, too."""
    match block.type:
        case "bullet_list" | "ordered_list":
            items = [_item(item) for item in block.children]
            start = {"attrs": {"order": block.attrs["start"]}} if "start" in block.attrs else {}
            return [{"type": _LISTS[block.type], **start, "content": items}]
        case "fence" | "code_block":
            code: Node = {"type": "codeBlock", "content": _text(block.content.rstrip("\n"))}
            return [code | {"attrs": {"language": block.info}}] if block.info else [code]
        case _:
            return [{"type": "paragraph", "content": _inline(block)}]


def _nested(block: Block) -> list[Node]:
    """The rest is flattened: quotations in quotations are refused, for example."""
    found: list[Node] = []
    for child in block.children:
        found += _nested(child) if child.type == "blockquote" else _plain(child)
    return found or [{"type": "paragraph", "content": []}]


def _item(item: Block) -> Node:
    content = _nested(item)
    if content[0]["type"].endswith("List"):
        content.insert(0, {"type": "paragraph", "content": []})
    return {"type": "listItem", "content": content}


def _row(row: Block) -> Node:
    cells = [
        {
            "type": "tableHeader" if cell.type == "th" else "tableCell",
            "content": [{"type": "paragraph", "content": _inline(cell)}],
        }
        for cell in row.children
    ]
    return {"type": "tableRow", "content": cells}


def _inline(block: Block) -> list[Node]:
    found: list[Node] = []
    for run in markdown.runs(block):
        if run.text == "\n":
            found.append({"type": "hardBreak"})
        else:
            found += _text(run.text, _marks(run))
    return found


def _text(text: str, marks: list[Node] | None = None) -> list[Node]:
    """A text without characters is refused."""
    node: Node = {"type": "text", "text": text}
    return [node | {"marks": marks} if marks else node] if text else []


def _marks(run: Run) -> list[Node]:
    link: list[Node] = [{"type": "link", "attrs": {"href": run.link}}] if run.link else []
    if run.code:  # goes with nothing but a link
        return [*link, {"type": "code"}]
    styles = (("strong", run.bold), ("em", run.italic), ("strike", run.struck))
    return [*link, *({"type": name} for name, on in styles if on)]


def to_markdown(node: object) -> str:
    """Text as it is, where a site still keeps text; nothing if there is nothing."""
    if not isinstance(node, dict):
        return str(node or "")
    return _read(node).strip()  # pyright: ignore[reportUnknownArgumentType]


def _read(node: Node) -> str:
    match node.get("type"):
        case "text" | "hardBreak" | "mention" | "emoji" | "date" | "inlineCard" | "status":
            return _word(node)
        case "paragraph" | "heading":
            return _HEADS[int(_attribute(node, "level") or 0)] + _join(node, "")
        case "codeBlock":
            return f"```{_attribute(node, 'language')}\n{_join(node, '')}\n```"
        case "blockquote" | "panel":
            return "> " + _join(node, "\n\n").replace("\n", "\n> ")
        case "table":
            rows = [[_join(cell, " ") for cell in _content(row)] for row in _content(node)]
            return markdown.table(rows)
        case _:
            return _other(node)


def _other(node: Node) -> str:
    match node.get("type"):
        case "bulletList" | "decisionList":
            return "\n".join("- " + _listed(item, 2) for item in _content(node))
        case "orderedList":
            first = int(_attribute(node, "order") or 1)
            items = enumerate(_content(node), first)
            return "\n".join(f"{n}. " + _listed(item, len(f"{n}. ")) for n, item in items)
        case "taskList":
            return "\n".join(_task(item) for item in _content(node))
        case "rule":
            return "---"
        case "media":
            return f"[file: {_attribute(node, 'alt') or _attribute(node, 'id')}]"
        case _:  # a container, or a kind that came later: what it contains
            return _join(node, "\n\n")


def _word(node: Node) -> str:
    match node["type"]:
        case "text":
            return markdown.written(_run(node))
        case "hardBreak":
            return "\n"
        case "date":
            moment = datetime.fromtimestamp(int(_attribute(node, "timestamp")) / 1000, UTC)
            return moment.date().isoformat()
        case "inlineCard":
            return _attribute(node, "url")
        case _:
            return _attribute(node, "text") or _attribute(node, "shortName")


def _run(node: Node) -> Run:
    marks = {mark["type"]: mark.get("attrs", {}) for mark in node.get("marks", ())}
    link = str(marks.get("link", {}).get("href", ""))
    return Run(
        node["text"], "strong" in marks, "em" in marks, "strike" in marks, "code" in marks, link
    )


def _listed(item: Node, by: int) -> str:
    inner = item if item["type"] != "decisionItem" else {"type": "paragraph", **item}
    return markdown.indented(_join(inner, "\n" if item["type"] == "listItem" else ""), by)


def _task(item: Node) -> str:
    done = _attribute(item, "state") == "DONE"
    return f"- [{'x' if done else ' '}] " + markdown.indented(_join(item, ""), 2)


def _content(node: Node) -> list[Node]:
    return node.get("content") or []


def _join(node: Node, by: str) -> str:
    return by.join(filter(None, map(_read, _content(node))))


def _attribute(node: Node, name: str) -> str:
    return str(node.get("attrs", {}).get(name) or "")
