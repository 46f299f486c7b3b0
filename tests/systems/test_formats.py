"""Whatever Markdown a model writes, what is made of it is what the other side takes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monster.engine.toolkit.formats import adf, html, mrkdwn, notion
from monster.engine.toolkit.formats.records import Record, several

_PIECES = st.sampled_from(
    [
        "# ", "###### ", "- ", "  - ", "    - ", "1. ", "7) ", "> ", "> > ", "```\n", "```py\n",
        "---\n", "| a | b |\n| - | - |\n| 1 |", "|", "**", "*", "~~", "`", "[", "](http://x.example)",
        "](",
        "![p](http://x.example/p)", "- [ ] ", "- [x] ", "\\", "<b>", "<!channel>", "<@U0123ABC>",
        "\n", "\n\n", "  \n", "\t", " ", "words", "x" * 2_100, "&amp;", "é", "\N{SNOWMAN}",
    ]
)  # fmt: skip
MARKDOWN = st.lists(_PIECES | st.text(max_size=8), max_size=25).map("".join)
_PLAIN = {"paragraph", "bulletList", "orderedList", "codeBlock"}


def check_adf(node: dict[str, Any], parent: str = "") -> None:
    kind, children = node["type"], several(node, "content")
    assert kind != "text" or node["text"]
    assert parent not in ("blockquote", "listItem") or kind in _PLAIN
    assert kind not in ("listItem", "blockquote", "tableCell", "bulletList") or children
    if kind == "listItem":
        assert children[0]["type"] in ("paragraph", "codeBlock")
    if kind == "text" and {"type": "code"} in node.get("marks", ()):
        assert {mark["type"] for mark in node["marks"]} <= {"code", "link"}
    for child in children:
        check_adf(child, kind)


def check_blocks(blocks: list[Record], depth: int = 0) -> None:
    assert depth <= 2
    for block in blocks:
        own = block[block["type"]]
        for piece in several(own, "rich_text"):
            assert 0 < len(piece["text"]["content"]) <= 2_000
        if block["type"] == "table":
            widths = {len(row["table_row"]["cells"]) for row in own["children"]}
            assert widths == {own["table_width"]}
        if children := several(own, "children"):
            check_blocks(children, depth + 1)


@given(MARKDOWN)
def test_jira_takes_what_is_made_of_markdown(text: str) -> None:
    made = adf.from_markdown(text)
    check_adf(made)
    again = adf.from_markdown(adf.to_markdown(made))
    check_adf(again)


@given(MARKDOWN)
def test_notion_takes_what_is_made_of_markdown(text: str) -> None:
    made = notion.from_markdown(text)
    check_blocks(made)
    assert isinstance(notion.to_markdown(made), str)


@given(MARKDOWN)
def test_nobody_is_woken_by_what_becomes_of_markdown(text: str) -> None:
    assert "<!" not in mrkdwn.from_markdown(text)


@given(st.lists(st.sampled_from(["<p>", "</p>", "<a href='http://x'>", "</a>", "<li>", "<script>",
    "</script>", "<style>", "<br/>", "<!-- ", " -->", "&lt;", "words", "<", ">", "<a href>"]),
    max_size=20).map("".join))  # fmt: skip
def test_any_letter_can_be_read(text: str) -> None:
    assert "\n\n\n" not in html.to_text(text)
