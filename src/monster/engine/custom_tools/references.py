"""References within a document. None leads out of it, and a circle ends."""

from typing import Any, cast

from monster.engine.custom_tools.document import mapping, several
from monster.engine.custom_tools.errors import BadDocument

_DEEPEST = 12  # references within references; then anything goes
_MOST = 3_000  # nodes of one schema, when its references are put in

# What JSON Schema has and models read; annotations and OpenAPI's own words are left out.
_KEPT = frozenset(
    (
        *("type", "format", "enum", "const", "default", "description", "title", "examples"),
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
        *("minLength", "maxLength", "pattern", "minimum", "maximum", "multipleOf"),
        *("exclusiveMinimum", "exclusiveMaximum", "minProperties", "maxProperties"),
        *("oneOf", "anyOf", "allOf", "not", "if", "then", "else"),
    )
)
_MAPS = ("properties", "patternProperties")  # of names, that are no keywords


class References:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._left = _MOST

    def follow(self, node: object) -> dict[str, Any]:
        """Through as many references as lead on. Raises BadDocument."""
        for _ in range(_DEEPEST):
            if not isinstance(node, dict):
                raise BadDocument("something in it is no object", field="document")
            found = cast("dict[str, Any]", node)
            if "$ref" not in found:
                return found
            node = self._at(str(found["$ref"]))
        raise BadDocument("its references run in a circle", field="document")

    def schema(self, node: object) -> dict[str, Any]:
        """Without references: where one leads back to itself, anything goes."""
        self._left = _MOST
        return mapping(self._schema(node, ()))

    def _schema(self, node: object, trail: tuple[str, ...]) -> Any:  # noqa: ANN401 (JSON Schema)
        self._left -= 1
        if self._left < 0:
            return {}
        if isinstance(node, list):
            return [self._schema(one, trail) for one in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        found = cast("dict[str, Any]", node)
        if reference := found.get("$ref"):
            if reference in trail or len(trail) >= _DEEPEST:
                return {}
            return self._schema(self._at(str(reference)), (*trail, str(reference)))
        return _modern(
            {k: self._member(k, v, trail) for k, v in found.items() if k in _KEPT}, found
        )

    def _member(self, name: str, value: Any, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        if name in _MAPS:
            return {key: self._schema(one, trail) for key, one in mapping(value).items()}
        if name in ("default", "const", "enum", "examples", "required"):
            return value
        return self._schema(value, trail)

    def _at(self, reference: str) -> object:
        if not reference.startswith("#/"):
            raise BadDocument(f"{reference[:100]} leads out of the document", field="document")
        node: object = self._document
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            if key not in mapping(node):
                raise BadDocument(f"there is no {reference[:100]} in it", field="document")
            node = mapping(node)[key]
        return node


def _modern(said: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI 3.0 says in words of its own, as JSON Schema says it."""
    for name, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if said.get(name) is True and limit in said:
            said[name] = said.pop(limit)
        elif isinstance(said.get(name), bool):
            del said[name]
    if said.get("type") == "file":  # of Swagger 2
        said["type"] = "string"
    kind = said.get("type")
    if before.get("nullable") is True and isinstance(kind, str):
        said["type"] = [kind, "null"]
        if "enum" in said:
            said["enum"] = [*several(said["enum"]), None]
    return said
