"""JSON endpoints about tool factories."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request

from monster.contracts.custom_tools import (
    CustomToolChange,
    CustomToolCreate,
    OpenApiImport,
    OpenApiPreview,
    OpenApiSource,
)
from monster.contracts.tokens import Permission
from monster.contracts.tools import ToolFactoryOut
from monster.engine.access.scope import CurrentScope, Transaction, transaction
from monster.engine.custom_tools import openapi
from monster.engine.custom_tools.openapi import Source
from monster.engine.secrets.scope import KeysReady, TheSecrets
from monster.engine.tool_factories import service
from monster.engine.toolkit.catalogue import Catalogue

router = APIRouter(prefix="/tool_factories", tags=["tool factories"])


async def _catalogue(request: Request) -> Catalogue:
    return request.app.state.catalogue


async def _source(request: Request) -> Source:
    return request.app.state.documents


TheSource: TypeAlias = Annotated[Source, Depends(_source)]
TheCatalogue: TypeAlias = Annotated[Catalogue, Depends(_catalogue)]


@router.get("")
async def list_tool_factories(
    session: Transaction, scope: CurrentScope, catalogue: TheCatalogue
) -> list[ToolFactoryOut]:
    """All that a tool can be made of: what comes with Monster, then the workspace's own."""
    return await service.all_of(session, scope, catalogue)


@router.post("/custom", status_code=201, dependencies=[KeysReady])
async def create_custom_tool(
    data: CustomToolCreate, session: Transaction, scope: CurrentScope, secrets: TheSecrets
) -> ToolFactoryOut:
    return await service.create_custom(session, scope, secrets, data)


@router.patch("/{tool_factory_id}", dependencies=[KeysReady])
async def change_custom_tool(
    tool_factory_id: uuid.UUID,
    data: CustomToolChange,
    session: Transaction,
    scope: CurrentScope,
    secrets: TheSecrets,
) -> ToolFactoryOut:
    """The address of a tool that people have connected stays."""
    return await service.change_custom(session, scope, secrets, tool_factory_id, data)


@router.post("/openapi/preview")
async def preview_openapi(
    data: OpenApiSource, request: Request, scope: CurrentScope, source: TheSource
) -> OpenApiPreview:
    """The operations of an OpenAPI document, to choose from."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope):
        pass  # only of a workspace that is open
    return openapi.preview(await source.read(data))


@router.post("/openapi", status_code=201, dependencies=[KeysReady])
async def import_openapi(
    data: OpenApiImport,
    request: Request,
    scope: CurrentScope,
    secrets: TheSecrets,
    source: TheSource,
) -> ToolFactoryOut:
    """A custom tool, made of the operations that are chosen."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope):
        pass  # as above
    tool = openapi.tool(await source.read(data), data)
    async with transaction(request, scope) as session:
        return await service.create_custom(session, scope, secrets, tool)


@router.get("/{tool_factory_id}")
async def get_tool_factory(
    tool_factory_id: uuid.UUID, session: Transaction, scope: CurrentScope, catalogue: TheCatalogue
) -> ToolFactoryOut:
    return await service.get(session, scope, catalogue, tool_factory_id)


@router.delete("/{tool_factory_id}", status_code=204)
async def delete_tool_factory(
    tool_factory_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await service.delete(session, scope, tool_factory_id)
