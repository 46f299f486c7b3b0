"""Every operation of both services, from their OpenAPI documents: which ids it takes, and a request
that it would accept."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from fastapi import FastAPI
from pydantic import SecretStr

from monster.dashboard.app import create_app as create_dashboard
from monster.dashboard.settings import Settings as DashboardSettings
from monster.engine.app import create_app as create_engine
from monster.engine.settings import Settings as EngineSettings
from monster.kit.ids import new_id
from tests.builders import PRIVATE_PEM, PUBLIC_PEM
from tests.isolation.forms import BODIES, FORMS, SAMPLES
from tests.process import MASTER_KEY

Json = dict[str, Any]
Place = Literal["path", "query", "body"]

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_CONTENT = "application/octet-stream"

# Where a list goes on. A position among one's own rows, which may be any id at all.
CURSORS = {"after", "before"}


_NUMBERS = itertools.count(7)

# In a path, ids that the document calls no more than text, for SCIM does.
TEXT_IDS = {"user_id", "group_id"}


@dataclass(frozen=True)
class Field:
    """One that takes an id; `keys` lead to it within a body. `kind`: if its name does not tell."""

    place: Place
    keys: tuple[str | int, ...]
    many: bool = False
    kind: str = ""

    @property
    def name(self) -> str:
        return str(self.keys[-1])

    @property
    def is_cursor(self) -> bool:
        return self.place == "query" and self.name in CURSORS

    def __str__(self) -> str:
        return f"{self.place}:{'.'.join(map(str, self.keys))}"


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    params: Mapping[str, str]
    json: Json | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Operation:
    service: Literal["dashboard", "engine"]
    method: str
    path: str
    details: Json
    components: Json

    def __str__(self) -> str:
        return f"{self.service}:{self.method} {self.path}"

    @cached_property
    def fields(self) -> list[Field]:
        marked = list(_marked(self._known))
        named = {field.keys for field in marked}
        inside = _ids_in(self._body, self.components)
        return [*self._parameters(), *marked, *(one for one in inside if one.keys not in named)]

    def request(self, ids: Mapping[Field, str], values: Mapping[str, object]) -> Request:
        """With an id in each field that is named; in the path, there must be one. `values` are
        what else is known of a world, for `#name`."""
        url = self.path
        for field in self.fields:
            if field.place == "path":
                url = url.replace("{" + field.name + "}", ids[field])
        for hole in re.findall(r"\{(\w+)(?::path)?\}", url):
            known = values.get(hole, SAMPLES.get(hole))
            assert known is not None, f"{self} takes a {hole}"
            url = re.sub(rf"\{{{hole}(:path)?\}}", str(known), url)
        params = {field.name: ids[field] for field in ids if field.place == "query"}
        if self._media == _CONTENT:
            return Request(self.method, url, params, content=b"# A title")
        in_body = {field: value for field, value in ids.items() if field.place == "body"}
        body = cast("Json | None", _filled(self._example(), values))
        for field, value in in_body.items():
            _put(body, field, value)
        if self._media.endswith("json"):
            return Request(self.method, url, params, json=body)
        form = {name: str(value) for name, value in (body or {}).items() if value is not None}
        names = [name for name in self._properties if _is_file(self._properties[name])]
        files = dict.fromkeys(names, ("a.md", b"# A title"))
        plain = {name: value for name, value in form.items() if name not in files}
        return Request(self.method, url, params, form=plain, files=files)

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @cached_property
    def _known(self) -> Mapping[str, Any] | None:
        """What is written down about its body."""
        return self.form if self.form is not None else BODIES.get(self.key)

    @cached_property
    def form(self) -> Mapping[str, str] | None:
        """What a page's form sends; a value like `@index` is an id of that kind."""
        return FORMS.get(self.key)

    @cached_property
    def _content(self) -> Json:
        return self.details.get("requestBody", {}).get("content", {})

    @cached_property
    def _media(self) -> str:
        if self.form is not None:
            return _FORM
        return next(iter(self._content), _JSON)

    @cached_property
    def _body(self) -> Json | None:
        return self._content.get(self._media, {}).get("schema")

    @cached_property
    def _properties(self) -> Json:
        return _resolve(self._body or {}, self.components).get("properties", {})

    @property
    def is_page(self) -> bool:
        return "pages" in self.details.get("tags", ())

    @property
    def is_platforms(self) -> bool:
        """For platform admins alone; for others there is nothing here."""
        return self.path.startswith(("/admin", "/api/admin", "/dev/"))

    @property
    def takes_unknown_form(self) -> bool:
        """A page that reads a form, of which the document says nothing and we neither."""
        return self.is_page and self.method == "POST" and self.form is None and not self._body

    def _parameters(self) -> Iterator[Field]:
        for parameter in self.details.get("parameters", ()):
            place = parameter["in"]
            named = parameter["name"] in TEXT_IDS and place == "path"
            if place in {"path", "query"} and (named or _is_id(parameter["schema"])):
                yield Field(place, (parameter["name"],))

    def _example(self) -> Json | None:
        if self._known is not None:
            return cast(Json, _fresh(self._known))
        if self._body is None:
            return None
        return cast(Json, _example(self._body, self.components, ""))


def _resolve(schema: Json, components: Json) -> Json:
    if "$ref" in schema:
        return components["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        return _resolve(schema["anyOf"][0], components)
    return schema


def _is_file(schema: Json) -> bool:
    """One, or several."""
    each = [one.get("items", one) for one in (schema, *schema.get("anyOf", ()))]
    return any("contentMediaType" in one or one.get("format") == "binary" for one in each)


def _is_id(schema: Json) -> bool:
    return any(one.get("format") == "uuid" for one in (schema, *schema.get("anyOf", ())))


def _ids_in(schema: Json | None, components: Json, keys: tuple[str, ...] = ()) -> Iterator[Field]:
    found = _resolve(schema or {}, components)
    for name, part in found.get("properties", {}).items():
        inner = _resolve(part, components)
        if _is_id(part):
            yield Field("body", (*keys, name))
        elif inner.get("type") == "array" and _is_id(inner.get("items", {})):
            yield Field("body", (*keys, name), many=True)
        elif inner.get("properties"):
            yield from _ids_in(inner, components, (*keys, name))


def _put(body: Json | None, field: Field, value: str) -> None:
    assert body is not None, f"{field} has no body to be in"
    place: dict[str | int, Any] = cast("dict[str | int, Any]", body)  # or a list
    for key in field.keys[:-1]:
        place = place[key] if isinstance(key, int) else place.setdefault(key, {})
    place[field.keys[-1]] = [value] if field.many else value


def _marked(value: object, keys: tuple[str | int, ...] = ()) -> Iterator[Field]:
    """Where `@kind` stands for an id of that kind."""
    if isinstance(value, str) and value.startswith("@"):
        yield Field("body", keys, kind=value[1:])
    elif isinstance(value, Mapping):
        for name, part in cast(Mapping[str, object], value).items():
            yield from _marked(part, (*keys, name))
    elif isinstance(value, list):
        for at, part in enumerate(cast(list[object], value)):
            yield from _marked(part, (*keys, at))


def _replaced(value: object, each: Callable[[str], object]) -> object:
    """The same with every text in it replaced."""
    if isinstance(value, str):
        return each(value)
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, object], value).items()
        return {name: _replaced(part, each) for name, part in pairs}
    if isinstance(value, list):
        return [_replaced(part, each) for part in cast(list[object], value)]
    return value


def _filled(value: object, values: Mapping[str, object]) -> object:
    """`#name` stands for what a world knows by that name."""
    return _replaced(value, lambda text: values[text[1:]] if text[:1] == "#" else text)


def _example(schema: Json, components: Json, name: str) -> object:
    """Only what is needed."""
    part = _resolve(schema, components)
    if name in SAMPLES:
        return _fresh(SAMPLES[name])
    if "enum" in part or "const" in part:
        return part.get("const", part.get("enum", [None])[0])
    if part.get("format") == "uuid":
        return str(new_id())
    kind = part.get("type", "object")
    if kind == "object":
        return {
            key: _example(part["properties"][key], components, key)
            for key in part.get("required", ())
        }
    made: Json = {"string": f"Some {name}", "integer": 1, "number": 1, "boolean": True, "array": []}
    return made[kind]


def _fresh(value: object) -> object:
    """`*` stands for something that nobody had before, `*next` for a number above those before."""

    def made(text: str) -> object:
        return next(_NUMBERS) if text == "*next" else text.replace("*", new_id().hex)

    return _replaced(value, made)


def _apps() -> dict[Literal["dashboard", "engine"], FastAPI]:
    """Only to be read: they reach no database."""
    url = SecretStr("postgresql+psycopg://nobody@/nowhere")
    dashboard = DashboardSettings(
        database_url=url, signing_key=SecretStr(PRIVATE_PEM), account_key=SecretStr(MASTER_KEY)
    )
    engine = EngineSettings(
        database_url=url,
        dashboard_public_key=PUBLIC_PEM,
        master_key=SecretStr(MASTER_KEY),
        data_dir=Path("/nowhere"),
    )
    return {"dashboard": create_dashboard(dashboard), "engine": create_engine(engine)}


def all_operations() -> list[Operation]:
    found = list[Operation]()
    for service, app in _apps().items():
        document = app.openapi()
        for path, methods in document["paths"].items():
            for method, details in methods.items():
                components = document.get("components", {})
                found.append(Operation(service, method.upper(), path, details, components))
    return found


OPERATIONS = all_operations()
