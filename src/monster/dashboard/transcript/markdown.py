"""Markdown as HTML that is safe to show: raw HTML is text, and an allow-list has the last word."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from html import escape
from typing import Any, NamedTuple, TypeAlias, cast

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from monster.contracts.runs import Source
from monster.dashboard.transcript.highlight import CLASSES, highlight

Sources: TypeAlias = Mapping[int, Source]

_DEEPEST = 60  # levels; what is deeper is shown as it was written
_LONGEST = 50_000  # characters of one piece of text; the same
_NUMBERS = re.compile(r"\[(\d{1,6}(?:\s*,\s*\d{1,6})*)\]")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_OURS = re.compile(r"/passages/[0-9a-f-]{36}")


class Rendered(NamedTuple):
    """`cited` are the numbers of the sources that the text refers to."""

    html: str
    cited: frozenset[int]


def render(text: str, sources: Sources | None = None) -> Rendered:
    """Whole blocks of Markdown. `[n]` becomes a link to source n, if there is one."""
    if len(text) > _LONGEST:
        return Rendered(as_written(text), frozenset())
    env: dict[str, Any] = {"sources": sources or {}, "cited": set[int]()}
    tokens = _PARSER.parse(text, env)
    if any(token.level >= _DEEPEST - 1 for token in tokens):  # the parser drops what is deeper
        return Rendered(as_written(text), frozenset())
    html = cast("str", _PARSER.renderer.render(tokens, _PARSER.options, env))
    return Rendered(_CLEANER.clean(html), frozenset(env["cited"]))


def as_written(text: str) -> str:
    return f'<p class="as-written">{escape(text)}</p>'


def block_starts(text: str) -> list[int]:
    """The lines on which the top-level blocks of this text begin."""
    tokens: list[Token] = []
    _PARSER.block.parse(text, _PARSER, {}, tokens)
    return [token.map[0] for token in tokens if token.level == 0 and token.map]


# Citations


def _cite(state: StateCore) -> None:
    """Inside of code and links a number stays text. Runs while escaped brackets are still apart."""
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_with_citations(block.children, state.env))


def _with_citations(tokens: Sequence[Token], env: MutableMapping[str, Any]) -> list[Token]:
    inside_link = 0
    result: list[Token] = []
    for token in tokens:
        inside_link += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not inside_link and "[" in token.content:
            result += _split(token, env)
        else:
            result.append(token)
    return result


def _split(token: Token, env: MutableMapping[str, Any]) -> list[Token]:
    parts: list[Token] = []
    end = 0
    for match in _NUMBERS.finditer(token.content):
        numbers = [int(number) for number in match[1].split(",")]
        if all(number in env["sources"] for number in numbers):
            parts.append(Token("text", "", 0, content=token.content[end : match.start()]))
            parts += [Token("citation", "", 0, meta={"number": number}) for number in numbers]
            env["cited"].update(numbers)
            end = match.end()
    return [*parts, Token("text", "", 0, content=token.content[end:])]


# What is written otherwise than the parser would


_Env: TypeAlias = MutableMapping[str, Any]


def _citation(_: RendererHTML, tokens: Sequence[Token], index: int, __: object, env: _Env) -> str:
    number: int = tokens[index].meta["number"]
    source: Source = env["sources"][number]
    title = escape(source.title)
    return (
        f'<a class="cite" href="/passages/{source.chunk_id}" title="{title}"'
        f' aria-label="Source {number}: {title}">{number}</a>'
    )


def _code(_: RendererHTML, tokens: Sequence[Token], index: int, __: object, ___: _Env) -> str:
    """As the macro `code` shows it, with its colours; `copy.js` knows the attributes."""
    token = tokens[index]
    language = token.info.partition(" ")[0]
    label = escape(token.info.strip() or "Text")
    return (
        f'<div class="code" data-copy=""><div class="code-top"><span>{label}</span>'
        '<button class="btn-copy" type="button" data-copy-button=""><span>Copy</span></button>'
        f'</div><pre tabindex="0" aria-label="{label}">'
        f"<code>{highlight(token.content, language)}</code></pre></div>\n"
    )


def _link(
    self: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: _Env,
) -> str:
    """Away from here, and the conversation stays open."""
    tokens[index].attrSet("target", "_blank")
    return self.renderToken(tokens, index, options, env)


def _cell(
    self: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: _Env,
) -> str:
    """The policy for styles forbids `style`."""
    token = tokens[index]
    align = str(token.attrs.pop("style", ""))
    if align.endswith(("right", "center")):
        token.attrSet("class", "num" if align.endswith("right") else "center")
    return self.renderToken(tokens, index, options, env)


def _heading(_: RendererHTML, tokens: Sequence[Token], index: int, __: object, ___: _Env) -> str:
    """All are h2 below the page's h1: answers skip levels, an outline must not."""
    token = tokens[index]
    return f'<h2 class="head-{token.tag[1]}">' if token.nesting == 1 else "</h2>\n"


def _table(_: RendererHTML, tokens: Sequence[Token], index: int, __: object, ___: _Env) -> str:
    if tokens[index].nesting == 1:
        return '<div class="table-in" tabindex="0" role="group" aria-label="Table"><table>\n'
    return "</table></div>\n"


def _parser() -> MarkdownIt:
    # References would change blocks that were finished long ago. Images would be fetched from
    # wherever an answer says; without their rule they are links.
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"]).disable(["reference", "image"])
    parser.validateLink = lambda url: bool(_SAFE_LINK.match(url))
    parser.core.ruler.before("text_join", "cite", _cite)
    for name, rule in {
        "citation": _citation,
        "fence": _code,
        "code_block": _code,
        "link_open": _link,
        "th_open": _cell,
        "td_open": _cell,
        "heading_open": _heading,
        "heading_close": _heading,
        "table_open": _table,
        "table_close": _table,
    }.items():
        parser.add_render_rule(name, rule)
    return parser


_PARSER = _parser()

_ATTRIBUTES = {
    "a": {"href", "title", "class", "aria-label", "target"},
    "button": {"class", "type", "data-copy-button"},
    "div": {"class", "data-copy", "role", "aria-label", "tabindex"},
    "h2": {"class"},
    "ol": {"start"},
    "pre": {"tabindex", "aria-label"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
_PLAIN_TAGS = {
    *("blockquote", "br", "code", "em", "hr", "li", "p", "s", "strong", "ul"),
    *("table", "tbody", "thead", "tr"),
}
_OUR_CLASSES = (
    CLASSES
    | {"cite", "code", "code-top", "btn-copy", "table-in", "num", "center"}
    | {f"head-{level}" for level in range(1, 7)}
)


def _filter(_: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return value if value in _OUR_CLASSES else None
    if attribute == "href":
        return value if _SAFE_LINK.match(value) or _OURS.fullmatch(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags={*_ATTRIBUTES, *_PLAIN_TAGS},
    attributes=_ATTRIBUTES,
    attribute_filter=_filter,
    url_schemes={"http", "https", "mailto"},
)
