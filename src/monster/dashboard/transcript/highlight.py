"""Colours for code: words become spans whose classes `app.css` knows."""

from html import escape

from pygments import highlight as paint
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

_PREFIX = "t-"
_LONGEST = 20_000  # characters; what is longer stays without colours

CLASSES = frozenset(_PREFIX + name for name in STANDARD_TYPES.values() if name)

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix=_PREFIX)


def highlight(code: str, language: str) -> str:
    """HTML. A language that nobody knows is plain text."""
    if len(code) > _LONGEST or not language:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return paint(code, lexer, _FORMATTER)
