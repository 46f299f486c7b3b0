"""Arguments become a request: each stays where it belongs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import quote, unquote, urlencode

import orjson

from monster.contracts.custom_tools import CustomFunction, CustomParameter
from monster.engine.toolkit import headers as headers_of
from monster.engine.toolkit.effects import ToolFailed

_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}


class Request(NamedTuple):
    """`path` is encoded as it is sent, with the query."""

    path: str
    headers: dict[str, str]
    body: bytes | None


class _Given(NamedTuple):
    parameter: CustomParameter
    value: Any

    @property
    def wire(self) -> str:
        return self.parameter.wire or self.parameter.name


def build(
    function: CustomFunction, arguments: Mapping[str, Any], query: Mapping[str, str]
) -> Request:
    """`query` is what the connection adds. Raises ToolFailed."""
    places: dict[str, list[_Given]] = {}
    for one in function.parameters:
        value = arguments.get(one.name, one.default)
        if value is not None:  # null is as good as not given
            places.setdefault(one.place, []).append(_Given(one, value))
    path = _path(function.path, places.get("path", []))
    pairs = [pair for one in places.get("query", []) for pair in _pairs(one)]
    text = urlencode([*pairs, *query.items()], quote_via=quote)
    headers = {one.wire: _text(one.value) for one in places.get("header", [])}
    for name, value in headers.items():
        headers_of.check(name, value)
    body = _body(function.encoding, places)
    if body is not None:
        headers["Content-Type"] = _TYPES[function.encoding]
    return Request(f"{path}?{text}" if text else path, headers, body)


def _path(template: str, given: Sequence[_Given]) -> str:
    """Raises ToolFailed if a value would lead out of its segment, however a server reads it."""
    path = quote(template, safe="/{}:@!$&'()*+,;=~%")
    for one in given:
        text = _text(one.value)
        steps = unquote(text).replace("\\", "/").split("/")
        if not text or not text.isprintable() or any(step in (".", "..") for step in steps):
            raise ToolFailed(f"the argument {one.parameter.name!r} cannot be part of an address")
        path = path.replace("{" + one.parameter.name + "}", quote(text, safe=""))
    if any(step in (".", "..") for step in unquote(path).split("/")):
        raise ToolFailed("the address is not one")
    return path


def _pairs(one: _Given) -> list[tuple[str, str]]:
    if not isinstance(one.value, list):
        return [(one.wire, _text(one.value))]
    items = cast("list[Any]", one.value)
    texts = [_text(item) for item in items]
    if one.parameter.explode:
        return [(one.wire, text) for text in texts]
    return [(one.wire, ",".join(texts))]


def _body(encoding: str, places: Mapping[str, Sequence[_Given]]) -> bytes | None:
    whole, parts = places.get("whole", ()), places.get("body", ())
    if not whole and not parts:
        return None
    value = whole[0].value if whole else {one.wire: one.value for one in parts}
    if encoding == "text":
        return _text(value).encode()
    if encoding == "form":
        if not isinstance(value, dict):
            raise ToolFailed("a form is an object")
        fields = cast("dict[str, Any]", value)
        return urlencode({name: _text(part) for name, part in fields.items()}).encode()
    return orjson.dumps(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
