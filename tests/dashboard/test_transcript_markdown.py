"""Markdown of answers: what is shown, what never is, and that it does not depend on the cuts."""

import re
import time
import uuid
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monster.contracts.runs import Source
from monster.dashboard.transcript.blocks import Blocks, whole
from monster.dashboard.transcript.markdown import render

SOURCES = {
    n: Source(
        number=n,
        chunk_id=uuid.UUID(int=n),
        document_id=uuid.UUID(int=n),
        title='Lamps "<b>&',
        place="Returns",
    )
    for n in (1, 2, 12)
}
SAFE_TAGS = {
    *("a", "blockquote", "br", "button", "code", "div", "em", "h2", "hr", "li", "ol", "p", "pre"),
    *("s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


class Seen(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def show(text: str) -> str:
    return whole(text, SOURCES, set())


def cite(number: int) -> str:
    return f"/passages/{uuid.UUID(int=number)}"


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("It is [1].", [1]),
        ("It is [1][2] so.", [1, 2]),
        ("It is [1, 12] so.", [1, 12]),
        ("It is **[1]**.", [1]),
        ("| a |\n|---|\n| b [2] |", [2]),
        ("It is [3].", []),
        ("It is [1, 3].", []),
        ("It is `[1]`.", []),
        ("```\n[1]\n```", []),
        ("    [1]", []),
        (r"It is \[1\].", []),
        ("[about [1]](https://a.example)", []),
    ],
)
def test_known_numbers_become_links_outside_of_code(text: str, cited: list[int]) -> None:
    html, numbers = render(text, SOURCES)

    assert re.findall(r'class="cite" href="([^"]+)"', html) == [cite(n) for n in cited]
    assert numbers == set(cited)


def test_a_citation_names_its_source() -> None:
    assert 'aria-label="Source 1: Lamps &quot;&lt;b&gt;&amp;"' in show("So [1]")


def test_code_has_colours_a_label_and_a_button() -> None:
    html = show("```python\nreturn '<b>'\n```")

    assert '<span class="t-k">return</span>' in html
    assert "&lt;b&gt;" in html
    assert 'aria-label="python"' in html
    assert "data-copy-button" in html
    assert "<code>a &lt; b\n</code>" in show("```no-such-language\na < b\n```")


def test_tables_scroll_by_keyboard_and_align_without_styles() -> None:
    html = show("| a | b |\n|---|--:|\n| 1 | 2 |")

    assert '<div class="table-in" tabindex="0" role="group" aria-label="Table"><table>' in html
    assert '<td class="num">2</td>' in html
    assert "style" not in html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:x) [y](data:text/html;base64,PHNjcmlwdD4=) [z](file:///etc/passwd)",
    "[x](//evil.example) [y](/settings/delete) [z](\\\\evil)",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://a.example "onmouseover=alert(1)")',
    '[x](https://a.example/"onclick="alert(1))',
    '```"><script>alert(1)</script>\nx\n```',
    "``` onclick=alert(1)\nx\n```",
    "| <b onclick=x> |\n|---|\n| <iframe src=x> |",
    "<a href='https://a' style='position:fixed'>x</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src onerror=x&gt;'>",
    "<div hx-get='/steal' hx-trigger=load>",
    "<button formaction=/delete data-open=x>x</button>",
    "</article></div><form action=/x>",
    "\x00<b>",
    "\u202e\u2066[1]",
]


def check(html: str) -> None:
    seen = Seen(html)
    assert seen.tags <= SAFE_TAGS
    for tag, name, value in seen.attributes:
        assert not name.startswith(("on", "hx-", "style", "src", "form", "id")), (tag, name)
        if name == "href":
            assert re.match(
                r"https?://|mailto:|/passages/[0-9a-f-]{36}$", value or "", re.IGNORECASE
            ), value


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    for around in ("{}", "> {}", "- {}", "**{}**", "[{}](https://a.example)", "# {}", "`{}`"):
        check(show(around.format(text)))


def test_links_lead_away_without_telling_from_where() -> None:
    html = show("[a](https://a.example)")
    assert 'target="_blank" rel="noopener noreferrer"' in html


@pytest.mark.parametrize(
    "unit",
    [
        *("[", "![", "*a ", "*a **", "_a__", "`a``", ">", "> ", "- ", "[a](", "<a", "~~a", "\\"),
        *(
            "&am",
            "|a",
            "#",
            "[[*_`",
            "[1]",
            "<http://x>",
            "\n",
            "- a\n",
            "a\n",
            "1. a\n\n",
            "```\n",
        ),
        *("| a | b |\n|---|---|\n", "> - ", "a\n\n", "x | y\n", "* * *\n", "\t- a\n", "\r"),
    ],
)
def test_whatever_is_repeated_costs_bounded_time(unit: str) -> None:
    """Quadratic cost would be minutes here."""
    blocks = Blocks(SOURCES)
    text = unit * (60_000 // len(unit))
    started = time.process_time()
    html = "".join([blocks.feed(text[at : at + 100]) for at in range(0, len(text), 100)])
    check(html + blocks.end())
    assert time.process_time() - started < 20


def test_depth_does_not_swallow_text() -> None:
    for text in (">" * 300 + " end", "\n".join("  " * n + "- x" for n in range(200)) + " end"):
        assert "end" in Seen(show(text)).text


markdown_text = st.lists(
    st.sampled_from(
        [
            *(
                "# ",
                "- ",
                "* ",
                "1. ",
                "> ",
                "    ",
                "```\n",
                "~~~",
                "\n",
                "\n\n",
                "\r\n",
                "\r",
                " ",
            ),
            *("| a |", "|---|", "a", "b c", "**", "_", "`", "[1]", "[x](http://y.example)", "<b>"),
            *("[a]: http://x.example", "---", "===", "\\", "&amp;", "\t", "é", "\0", "```py\n"),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=markdown_text, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_the_cuts_make_no_difference(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    one, many = Blocks(SOURCES), Blocks(SOURCES)
    html = "".join([many.feed(text[a:b]) for a, b in pairwise(places)])

    assert html == one.feed(text)
    assert (many.rest, many.cited) == (one.rest, one.cited)
    assert html + many.end() == show(text)
    assert many.rest == ""


@settings(max_examples=300, deadline=None)
@given(text=markdown_text)
def test_blocks_one_by_one_are_the_text_at_once(text: str) -> None:
    assert show(text) == render(text, SOURCES).html


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(), markdown_text))
def test_every_letter_is_visible_and_nothing_is_unsafe(text: str) -> None:
    html = show(text)

    check(html)
    letters = re.sub(r"&\w+;|[^a-z]", "", re.sub(r"\(http[^)]*\)|```\w*", "", text))
    shown = re.sub(r"[^a-z]", "", Seen(html.replace("Copy", "").replace("Text", "")).text)
    assert set(letters) <= set(shown) | set("py")
