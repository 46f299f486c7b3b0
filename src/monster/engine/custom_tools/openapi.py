"""OpenAPI documents (3.0, 3.1, Swagger 2) become custom tools, operation by operation."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urljoin

from pydantic import ValidationError

from monster.contracts.custom_tools import (
    LARGEST_DOCUMENT,
    CustomToolCreate,
    OpenApiImport,
    OpenApiOperation,
    OpenApiPreview,
    OpenApiSource,
)
from monster.engine.custom_tools import definition, document, operations, security
from monster.engine.custom_tools.document import mapping, several
from monster.engine.custom_tools.errors import BadDocument, DocumentUnreachable
from monster.engine.custom_tools.operations import Found
from monster.engine.custom_tools.references import References
from monster.engine.custom_tools.security import Security
from monster.engine.toolkit import fetch
from monster.engine.toolkit.effects import ToolFailed
from monster.kit import outbound
from monster.kit.addresses import Guard


class Read(NamedTuple):
    """`servers` are where it says that the interface is."""

    info: Mapping[str, Any]
    servers: list[str]
    security: Security
    found: Found


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents come from."""

    guard: Guard

    async def read(self, source: OpenApiSource) -> Read:
        """Raises BadDocument, DocumentUnreachable."""
        if bool(source.document) == bool(source.url):
            raise BadDocument("give one of document and url", field="document")
        if source.url and not source.url.lower().startswith(("https://", "http://")):
            raise BadDocument("an address begins with https:// or http://", field="url")
        text = source.document or await self._fetch(source.url)
        return await asyncio.to_thread(_read, text, source.url)

    async def _fetch(self, url: str) -> str:
        async with outbound.session(self.guard) as session:
            try:
                got = await fetch.get(session, url, LARGEST_DOCUMENT)
            except ToolFailed as error:
                raise DocumentUnreachable(str(error), field="url") from error
        return fetch.as_utf8(got).decode(errors="replace")


def preview(read: Read) -> OpenApiPreview:
    shown = [
        OpenApiOperation(
            id=name,
            method=function.method,
            path=function.path,
            summary=read.found.summaries[name],
            parameters=definition.schema_of(function),
            effect=definition.effect_of(function),
        )
        for name, function in read.found.functions.items()
    ]
    return OpenApiPreview(
        name=str(read.info.get("title") or "")[:200],
        description=str(read.info.get("description") or "")[:500],
        version=str(read.info.get("version") or "")[:50],
        servers=read.servers,
        auth_config=read.security.auth_config,
        oauth=read.security.oauth,
        operations=shown,
        notes=[*read.security.notes, *read.found.notes][:200],
    )


def tool(read: Read, wanted: OpenApiImport) -> CustomToolCreate:
    """Raises BadDocument with the field."""
    functions = [read.found.functions.get(name) for name in dict.fromkeys(wanted.operations)]
    if None in functions:
        raise BadDocument("one of these operations is not in it", field="operations")
    base_url = wanted.base_url or next(iter(read.servers), "")
    if not base_url:
        raise BadDocument("it does not say where the interface is", field="base_url")
    made = {
        "name": wanted.name,
        "description": wanted.description,
        "base_url": base_url,
        "auth_config": read.security.auth_config,
        "headers": read.security.headers,
        "query": read.security.query,
        "basic": read.security.basic,
        "functions": functions,
    }
    try:
        return CustomToolCreate.model_validate(made)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadDocument(first["msg"], field=str(first["loc"][0])) from None


def _read(text: str, url: str) -> Read:
    found = document.parse(text)
    version = str(found.get("openapi") or found.get("swagger") or "")
    if not version.startswith(("3.", "2.")):
        raise BadDocument("this is no OpenAPI document", field="document")
    schemes = mapping(mapping(found.get("components")).get("securitySchemes"))
    schemes = schemes or mapping(found.get("securityDefinitions"))
    references = References(found)
    known = {name: references.follow(one) for name, one in schemes.items()}
    servers = [urljoin(url, one) if url else one for one in _servers(found)]
    usable = [one for one in servers if one.startswith(("https://", "http://"))]
    return Read(mapping(found.get("info")), usable, security.read(known), operations.read(found))


def _servers(found: Mapping[str, Any]) -> list[str]:
    if host := found.get("host"):  # Swagger 2
        schemes = [str(one) for one in several(found.get("schemes")) or ["https"]]
        return [f"{one}://{host}{found.get('basePath') or ''}".rstrip("/") for one in schemes]
    servers = [mapping(one) for one in several(found.get("servers"))][:20]
    return [_filled(one) for one in servers]


def _filled(server: Mapping[str, Any]) -> str:
    """With the defaults of its variables."""
    url = str(server.get("url") or "")
    for name, variable in mapping(server.get("variables")).items():
        url = url.replace("{" + name + "}", str(mapping(variable).get("default") or ""))
    return url.rstrip("/")
