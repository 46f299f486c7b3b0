"""The operations of an OpenAPI document, as functions of a custom tool."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from monster.contracts.custom_tools import CustomFunction
from monster.engine.custom_tools.document import mapping, several
from monster.engine.custom_tools.errors import BadDocument
from monster.engine.custom_tools.references import References
from monster.engine.toolkit import headers

_METHODS = ("get", "head", "post", "put", "patch", "delete")
_MOST = 1_000  # operations of a document
_MOST_PARTS = 40  # of a body that are arguments of their own
_NOT_NAMES = re.compile(r"[^A-Za-z0-9_]+")
_BRACES = re.compile(r"\{([^{}]+)\}")
_FORM = "application/x-www-form-urlencoded"


class Found(NamedTuple):
    functions: dict[str, CustomFunction]
    summaries: dict[str, str]
    notes: list[str]


class _Body(NamedTuple):
    parameters: list[dict[str, Any]]
    encoding: str = "json"


class _Unusable(Exception):
    """Says why an operation cannot be a function."""


def read(document: dict[str, Any]) -> Found:
    """Raises BadDocument."""
    references = References(document)
    found = Found({}, {}, [])
    for n, (method, path, item, operation) in enumerate(_operations(document, references)):
        if n >= _MOST:
            found.notes.append(f"Only the first {_MOST} operations are shown.")
            break
        name = _unique(_name(operation, method, path), found.functions)
        try:
            made = _function(references, name, method, path, (item, operation))
            found.functions[name] = CustomFunction.model_validate(made)
            found.summaries[name] = str(operation.get("summary") or "")[:300]
        except (_Unusable, ValidationError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            found.notes.append(f"{method.upper()} {path[:200]} cannot be used: {why}")
    return found


def _operations(
    document: Mapping[str, Any], references: References
) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    if not isinstance(document.get("paths"), dict):
        raise BadDocument("it has no paths", field="document")
    for path, node in mapping(document["paths"]).items():
        item = references.follow(node)
        for method in _METHODS:
            if isinstance(item.get(method), dict):
                yield method, path, item, mapping(item[method])


def _function(
    references: References,
    name: str,
    method: str,
    path: str,
    nodes: tuple[dict[str, Any], dict[str, Any]],
) -> dict[str, Any]:
    operation = nodes[1]
    given = _parameters(references, nodes)
    body = _body(references, operation, given)
    arguments = dict[str, dict[str, Any]]()
    for one in [*_asked(given), *_missing(path, given), *body.parameters]:
        one["name"] = _unique(_argument(one["wire"]), arguments)
        arguments[one["name"]] = one
    renamed = {one["wire"]: n for n, one in arguments.items() if one["place"] == "path"}
    words = operation.get("description") or operation.get("summary") or f"{method.upper()} {path}"
    return {
        "name": name,
        "description": str(words)[:2_000],
        "method": method.upper(),
        "path": _BRACES.sub(lambda hole: "{" + renamed[hole[1]] + "}", path),
        "parameters": list(arguments.values()),
        "encoding": body.encoding,
    }


def _parameters(
    references: References, nodes: tuple[dict[str, Any], dict[str, Any]]
) -> list[dict[str, Any]]:
    """As they stand; those of the operation take the place of those of the path."""
    found = dict[tuple[str, str], dict[str, Any]]()
    for node in nodes:
        for one in several(node.get("parameters")):
            said = references.follow(one)
            found[str(said.get("in")), str(said.get("name"))] = said | {
                "schema": _shape(references, said)
            }
    return list(found.values())


def _shape(references: References, said: Mapping[str, Any]) -> dict[str, Any]:
    if content := mapping(said.get("content")):
        media = references.follow(next(iter(content.values())))
        return references.schema(media.get("schema", {}))
    # Swagger 2 writes the schema into the parameter itself.
    inline = {k: v for k, v in said.items() if k not in ("required", "description", "in", "name")}
    return references.schema(said.get("schema", inline))


def _asked(given: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for said in given:
        place, wire = said.get("in"), str(said.get("name"))
        theirs = wire.lower() in ("accept", "content-type") or headers.is_ours(wire)
        if place in ("path", "query") or (place == "header" and not theirs):
            joined = said.get("explode") is False or said.get("collectionFormat") == "csv"
            yield {
                "place": place,
                "wire": wire,
                "description": str(said.get("description") or "")[:2_000],
                "shape": said["schema"],
                "required": place == "path" or said.get("required") is True,
                "explode": not joined,
            }


def _missing(path: str, given: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the path has, and nobody described."""
    known = {str(said.get("name")) for said in given if said.get("in") == "path"}
    for wire in dict.fromkeys(_BRACES.findall(path)):
        if wire not in known:
            yield {"place": "path", "wire": wire, "required": True, "shape": {"type": "string"}}


def _body(
    references: References, operation: Mapping[str, Any], given: list[dict[str, Any]]
) -> _Body:
    if any(said.get("in") in ("body", "formData") for said in given):
        return _old_body(given)
    if "requestBody" not in operation:
        return _Body([])
    said = references.follow(operation["requestBody"])
    content = mapping(said.get("content"))
    for media, node in content.items():
        kind = media.partition(";")[0].strip().lower()
        shape = references.schema(references.follow(node).get("schema", {}))
        if kind == "application/json" or kind.endswith("+json") or kind == "*/*":
            return _Body(_parts(shape, required=said.get("required") is True))
        if kind == _FORM:
            return _Body(_parts(shape, required=said.get("required") is True), "form")
        if kind.startswith("text/"):
            return _Body([_whole({"type": "string"}, required=True)], "text")
    raise _Unusable(f"its body is {', '.join(content) or 'of no type'}")


def _old_body(given: list[dict[str, Any]]) -> _Body:
    """Of Swagger 2."""
    for said in given:
        if said.get("in") == "body":
            return _Body(_parts(said["schema"], required=said.get("required") is True))
    fields = [said for said in given if said.get("in") == "formData"]
    if any(said.get("type") == "file" for said in fields):
        raise _Unusable("its body is a file")
    return _Body(
        [_part(str(f["name"]), f["schema"], f.get("required") is True) for f in fields], "form"
    )


def _parts(shape: dict[str, Any], *, required: bool) -> list[dict[str, Any]]:
    """An object's members are arguments of their own, as long as it is nothing else."""
    members = mapping(shape.get("properties"))
    plain = shape.keys() <= {"type", "title", "description", "properties", "required", "examples"}
    if not plain or not 0 < len(members) <= _MOST_PARTS:
        return [_whole(shape, required=required)]
    needed = several(shape.get("required")) if required else []
    return [_part(name, part, name in needed) for name, part in members.items()]


def _part(wire: str, shape: Any, required: bool) -> dict[str, Any]:  # noqa: ANN401, FBT001
    return {"place": "body", "wire": wire, "shape": mapping(shape), "required": required}


def _whole(shape: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"place": "whole", "wire": "body", "shape": shape, "required": required}


def _name(operation: Mapping[str, Any], method: str, path: str) -> str:
    said = str(operation.get("operationId") or f"{method}{path}")
    name = _NOT_NAMES.sub("_", said).strip("_")[:60]
    return name if name[:1].isalpha() else f"{method}_{name}"[:60]


def _argument(wire: str) -> str:
    name = _NOT_NAMES.sub("_", wire).strip("_")[:60]
    return name if name and not name[0].isdigit() else f"_{name}"


def _unique(name: str, taken: Mapping[str, object]) -> str:
    n, free = 2, name
    while free in taken:
        n, free = n + 1, f"{name[:57]}_{n}"
    return free
