"""Runs in the sandbox: Markdown becomes a PDF, with the pictures that lie beside it."""

# The types of reportlab itself are not complete.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import PIL.Image
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    Image,
    ListFlowable,
    ListItem,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
    XPreformatted,
)
from reportlab.platypus.doctemplate import LayoutError

_FONTS = {
    "Text": "DejaVuSans",
    "Text-Bold": "DejaVuSans-Bold",
    "Text-Italic": "DejaVuSans-Oblique",
    "Text-BoldItalic": "DejaVuSans-BoldOblique",
    "Code": "DejaVuSansMono",
}
_MARGIN = 22 * mm
_PADDING = 6  # of the frame that a page is
_HIGHEST = 170 * mm  # of a picture
_LINE = 82  # characters of code in one
_INK, _GREY, _PALE = map(colors.HexColor, ("#222222", "#777777", "#F3F3F3"))
_BODY = ParagraphStyle(
    "body", fontName="Text", fontSize=10, leading=15, spaceAfter=7, textColor=_INK
)
_CELL = ParagraphStyle("cell", _BODY, fontSize=9, leading=12, spaceAfter=0)
_CELLS = {
    "center": ParagraphStyle("center", _CELL, alignment=TA_CENTER),
    "right": ParagraphStyle("right", _CELL, alignment=TA_RIGHT),
}
_RULED = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.HexColor("#CCCCCC")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), _PALE),
    ]
)
_QUOTE = ParagraphStyle("quote", _BODY, leftIndent=14, textColor=_GREY)
_CODE = ParagraphStyle(
    "code", _BODY, fontName="Code", fontSize=8.5, leading=12, backColor=_PALE, borderPadding=6,
    leftIndent=6, rightIndent=6, spaceBefore=6, spaceAfter=12,
)  # fmt: skip
_SIZES = (20, 15, 12.5, 11, 10, 10)  # of headings, by level
_HEADINGS = [
    ParagraphStyle(
        f"h{level}", _BODY, fontName="Text-Bold", fontSize=size, leading=size * 1.3,
        spaceBefore=size * 0.8, spaceAfter=size * 0.4, keepWithNext=1,
    )
    for level, size in enumerate(_SIZES, 1)
]  # fmt: skip
_BREAKS = {"softbreak": " ", "hardbreak": "<br/>", "image": ""}  # pictures stand by themselves
_OPENED = {"strong": "<b>", "em": "<i>", "s": "<strike>"}
_CLOSED = {"strong": "</b>", "em": "</i>", "s": "</strike>"}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """`file`, `markdown`, `title`, `paper` (A4 or letter)."""
    _register()
    pages = 0

    def number(canvas: Canvas, document: SimpleDocTemplate) -> None:
        nonlocal pages
        pages = max(pages, document.page)
        canvas.setFont("Text", 8)
        canvas.setFillColor(_GREY)
        canvas.drawRightString(document.pagesize[0] - _MARGIN, 12 * mm, str(document.page))

    document = SimpleDocTemplate(
        request["file"],
        pagesize=LETTER if request["paper"] == "letter" else A4,
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN),
        title=request["title"],
    )
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(request["markdown"])
    width = document.width - 2 * _PADDING
    try:
        story = [part for node in Node(tokens).children for part in _block(node, width)]
        document.build(story or [Spacer(1, 1)], onFirstPage=number, onLaterPages=number)
    except LayoutError as error:
        raise SystemExit("something in it is larger than a page: divide the table") from error
    return {"pages": pages}


def _register() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name, file in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{file}.ttf")))
    pdfmetrics.registerFontFamily(
        "Text", normal="Text", bold="Text-Bold", italic="Text-Italic", boldItalic="Text-BoldItalic"
    )


def _block(node: Node, width: float) -> list[Flowable]:
    """Of a kind that is not known, raw HTML for one, the text."""
    if draw := _BLOCKS.get(node.type):
        return draw(node, width)
    return [Paragraph(escape(node.content), _BODY)] if node.content else []


def _heading(node: Node, _: float) -> list[Flowable]:
    return [Paragraph(_inline(node), _HEADINGS[int(node.tag[1]) - 1])]


def _code(node: Node, _: float) -> list[Flowable]:
    """Lines that are too long go on below."""
    folded = "\n".join(
        line[start : start + _LINE]
        for line in node.content.rstrip("\n").expandtabs(4).split("\n")
        for start in range(0, max(len(line), 1), _LINE)
    )
    return [XPreformatted(escape(folded), _CODE)]


def _quote(node: Node, width: float) -> list[Flowable]:
    return [part for one in node.children for part in _quoted(one, width)]


def _line(*_: Node | float) -> list[Flowable]:
    return [HRFlowable(width="100%", color=_GREY, spaceBefore=6, spaceAfter=10)]


def _paragraph(node: Node, width: float, style: ParagraphStyle = _BODY) -> list[Flowable]:
    """Pictures stand by themselves, after the text around them."""
    inline = node.children[0].children if node.children else []
    text = _inline(node)
    pictures = [_picture(one, width) for one in inline if one.type == "image"]
    return [*([Paragraph(text, style)] if text.strip() else []), *pictures]


def _picture(node: Node, width: float) -> Flowable:
    name = str(node.attrs.get("src", ""))
    try:
        with PIL.Image.open(name) as opened:
            opened.verify()
            wide, high = opened.size
    except (OSError, ValueError) as error:
        raise SystemExit(f"there is no picture {name!r} (PNG or JPEG) among the files") from error
    scale = min(1.0, width / wide, _HIGHEST / high)
    return Image(name, wide * scale, high * scale, hAlign="LEFT")


def _quoted(node: Node, width: float) -> list[Flowable]:
    if node.type == "paragraph":
        return _paragraph(node, width, _QUOTE)
    return _block(node, width)


def _list(node: Node, width: float) -> list[Flowable]:
    ordered = node.type == "ordered_list"
    items = [
        ListItem([part for one in item.children for part in _block(one, width - 18)], leftIndent=18)
        for item in node.children
    ]
    drawn = ListFlowable(
        items,  # pyright: ignore[reportArgumentType] (what it is made for)
        bulletType="1" if ordered else "bullet",
        start=int(node.attrs.get("start", 1)) if ordered else "•",
        bulletFormat="%s." if ordered else None,
        bulletFontName="Text",
        bulletFontSize=10,
        leftIndent=18,
    )
    return [drawn, Spacer(1, 7)]


def _table(node: Node, width: float) -> list[Flowable]:
    rows = [
        [_cell(cell, head=part.type == "thead") for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    columns = max(map(len, rows))
    table = Table(rows, colWidths=[width / columns] * columns, repeatRows=1, hAlign="LEFT")
    table.setStyle(_RULED)
    return [table, Spacer(1, 10)]


def _cell(node: Node, *, head: bool) -> Paragraph:
    aligned = str(node.attrs.get("style", "")).removeprefix("text-align:")
    style = _CELLS.get(aligned, _CELL)
    return Paragraph(f"<b>{_inline(node)}</b>" if head else _inline(node), style)


_BLOCKS: dict[str, Callable[[Node, float], list[Flowable]]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "bullet_list": _list,
    "ordered_list": _list,
    "fence": _code,
    "code_block": _code,
    "blockquote": _quote,
    "table": _table,
    "hr": _line,
}


def _inline(node: Node) -> str:
    """In the little markup that a paragraph of reportlab reads; all that was written is escaped."""
    return "".join(map(_span, node.children))


def _span(node: Node) -> str:
    if node.type in ("text", "html_inline"):
        return escape(node.content)
    if node.type == "code_inline":
        return f'<font face="Code" backColor="#F3F3F3">{escape(node.content)}</font>'
    if node.type == "link":
        return _link(node)
    if node.type in _BREAKS:
        return _BREAKS[node.type]
    return _OPENED.get(node.type, "") + _inline(node) + _CLOSED.get(node.type, "")


def _link(node: Node) -> str:
    """Addresses of the web only: no other kind of link gets into a document."""
    address = str(node.attrs.get("href", ""))
    if not address.startswith(("http://", "https://", "mailto:")):
        return _inline(node)
    return f'<a href="{escape(address)}" color="#0B57A4">{_inline(node)}</a>'
