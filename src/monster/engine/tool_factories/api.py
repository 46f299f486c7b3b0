"""JSON endpoints about tool factories."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request

from monster.contracts.tools import ToolFactoryOut
from monster.engine.access.scope import CurrentScope, Transaction
from monster.engine.tool_factories import service
from monster.engine.toolkit.catalogue import Catalogue

router = APIRouter(prefix="/tool_factories", tags=["tool factories"])


async def _catalogue(request: Request) -> Catalogue:
    return request.app.state.catalogue


TheCatalogue: TypeAlias = Annotated[Catalogue, Depends(_catalogue)]


@router.get("")
async def list_tool_factories(
    session: Transaction, scope: CurrentScope, catalogue: TheCatalogue
) -> list[ToolFactoryOut]:
    """All that a tool can be made of: what comes with Monster, then the workspace's own."""
    return await service.all_of(session, scope, catalogue)


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
