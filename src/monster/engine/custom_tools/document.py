"""A document that somebody else wrote, as JSON: within limits, whatever is in it."""

from collections.abc import Iterator
from typing import Any, cast

import orjson
import yaml

from monster.engine.custom_tools.errors import BadDocument
from monster.kit.schemas import storable_json

_DEEPEST = 60
_MOST = 400_000  # events of YAML: each node is one or two


def parse(text: str) -> dict[str, Any]:
    """JSON or YAML; blocks for as long as it is big: call it in a thread. Raises BadDocument."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = _yaml(text)
    if not isinstance(found, dict):
        raise BadDocument("this is no OpenAPI document", field="document")
    _check_depth(found)
    _check_storable(cast(object, found))
    return cast("dict[str, Any]", found)


def _yaml(text: str) -> object:
    try:
        for n, event in enumerate(_events(text)):
            # An alias repeats what stands elsewhere: a few of them make a document of any size.
            if isinstance(event, yaml.AliasEvent) or n > _MOST:
                raise BadDocument("aliases are not read, nor endless YAML", field="document")
        return _plain(yaml.load(text, Loader=_Loader))  # noqa: S506 (it is a safe one)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())[:200]
        raise BadDocument(f"this is neither JSON nor YAML: {words}", field="document") from error


def _events(text: str) -> Iterator[yaml.Event]:
    depth = 0
    for event in cast("Any", yaml).parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BadDocument("it is nested too deep", field="document")
        yield event


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _plain(value: Any) -> Any:  # noqa: ANN401 (YAML)
    """As JSON would have it: names are text."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _check_depth(value: Any) -> None:  # noqa: ANN401 (JSON)
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [child for one in level for child in _children(one)]
        if not level:
            return
    raise BadDocument("it is nested too deep", field="document")


def _check_storable(found: object) -> None:
    try:
        storable_json(found)
    except ValueError:
        said = "it holds NUL, half a character or a number that is none"
        raise BadDocument(said, field="document") from None


def _children(value: Any) -> list[Any]:  # noqa: ANN401 (JSON)
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []


def mapping(value: object) -> dict[str, Any]:
    """Empty if it is something else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def several(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
