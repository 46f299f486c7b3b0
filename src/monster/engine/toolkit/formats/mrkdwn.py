"""Slack's own markup, made of Markdown and read as Markdown.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Sequence

from monster.engine.toolkit.formats import markdown
from monster.engine.toolkit.formats.markdown import Block, Run

# People and channels may be named. Words such as <!channel> would wake everybody: they stay text.
_MENTION = re.compile(r"&lt;([@#][A-Z0-9]+)(\|[^&<>]*)?&gt;")
_LINK = re.compile(r"<(https?://[^|>]+|mailto:[^|>]+)(?:\|([^>]*))?>")
_CHARACTERS = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def from_markdown(text: str) -> str:
    return _blocks(markdown.blocks(text), "\n\n")


def to_markdown(text: str) -> str:
    """Mentions keep their ids; what is bold in one star there stays so."""
    text = _LINK.sub(lambda found: f"[{found[2]}]({found[1]})" if found[2] else found[1], text)
    for character, escaped in reversed(_CHARACTERS):
        text = text.replace(escaped, character)
    return text


def _blocks(blocks: Sequence[Block], between: str) -> str:
    return between.join(filter(None, map(_block, blocks)))


def _block(block: Block) -> str:
    match block.type:
        case "heading":
            return f"*{_escaped(''.join(run.text for run in markdown.runs(block)))}*"
        case "bullet_list" | "ordered_list":
            return _list(block)
        case "blockquote":
            return "> " + _blocks(block.children, "\n\n").replace("\n", "\n> ")
        case "fence" | "code_block":
            return f"```\n{_escaped(block.content)}```"
        case "table":
            rows = [row for part in block.children for row in part.children]
            cells = [[_inline(cell) for cell in row.children] for row in rows]
            return f"```\n{markdown.table(cells)}\n```"
        case _:
            return "———" if block.type == "hr" else _inline(block)


def _list(block: Block) -> str:
    first = int(block.attrs.get("start", 1))
    marks = "•" if block.type == "bullet_list" else "{}."
    items = enumerate(block.children, first)
    return "\n".join(f"{marks.format(number)} {_item(item, 3)}" for number, item in items)


def _item(item: Block, by: int) -> str:
    return markdown.indented(_blocks(item.children, "\n"), by)


def _inline(block: Block) -> str:
    return "".join(map(_run, markdown.runs(block)))


def _run(run: Run) -> str:
    text = _escaped(run.text)
    if not text.strip():
        return text
    text = f"`{text}`" if run.code else text
    if run.link:
        text = f"<{_escaped(run.link).replace('|', '%7C')}|{text}>"
    for mark, on in (("~", run.struck), ("_", run.italic), ("*", run.bold)):
        text = f"{mark}{text}{mark}" if on else text
    return text


def _escaped(text: str) -> str:
    for character, escaped in _CHARACTERS:
        text = text.replace(character, escaped)
    return _MENTION.sub(r"<\1>", text)
