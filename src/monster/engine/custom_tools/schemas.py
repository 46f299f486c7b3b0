"""JSON Schemas that others write: within limits, without references, in linear time."""

from collections.abc import Mapping
from typing import Any, cast

import orjson

from monster.engine.custom_tools.errors import BadTool
from monster.engine.toolkit.effects import ToolFailed

_LARGEST = 100_000  # bytes of one
_DEEPEST = 30
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef", "$id"}
_LONGEST = 500  # characters of what is said about a wrong argument


def check_schema(schema: Mapping[str, Any], where: str) -> None:
    """Raises BadTool."""
    if _depth(schema) > _DEEPEST or len(orjson.dumps(schema)) > _LARGEST:
        raise BadTool("this schema is too large or too deep", field=where)
    if _refers(schema):
        raise BadTool("a schema here refers to no other", field=where)
    try:
        _validator(schema)
    except ValueError as error:
        words = str(error).partition("\n")[0][:_LONGEST]
        raise BadTool(f"this is no JSON Schema: {words}", field=where) from error


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises ToolFailed, which says what is wrong in words a model can act on."""
    errors = list(_validator(schema).iter_errors(dict(arguments)))
    if errors:
        said = "; ".join(f"{'.'.join(map(str, e.instance_path))}: {e.message}" for e in errors[:5])
        raise ToolFailed(f"the arguments are not right: {said[:_LONGEST]}")


def _validator(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 (imported late)
    # Native code of some MB: when the first custom tool is used.
    import jsonschema_rs  # noqa: PLC0415

    linear = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator(dict(schema), pattern_options=linear, offline=True)


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level and deepest <= _DEEPEST:
        level = [child for one in level for child in _children(one)]
        deepest += 1
    return deepest


def _refers(schema: object) -> bool:
    todo = [schema]
    while todo:
        one = todo.pop()
        if isinstance(one, dict) and _REFERENCES & one.keys():
            return True
        todo += _children(one)
    return False


def _children(value: Any) -> list[Any]:  # noqa: ANN401 (JSON)
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []
