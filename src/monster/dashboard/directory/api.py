"""JSON endpoints about tokens of directories and the groups they bring."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from monster.dashboard.directory import service
from monster.dashboard.directory.schemas import (
    GroupChanges,
    GroupOut,
    ScimTokenCreate,
    ScimTokenMade,
    ScimTokenOut,
)
from monster.dashboard.identity.scope import CurrentScope, Transaction
from monster.dashboard.tenancy.models import ScimToken
from monster.kit.schemas import Prose

router = APIRouter(tags=["directory"])


@router.get("/scim-tokens", response_model=list[ScimTokenOut])
async def list_scim_tokens(session: Transaction, scope: CurrentScope) -> Sequence[ScimToken]:
    """Newest first; a workspace has few."""
    return await service.tokens(session, scope)


@router.post("/scim-tokens", status_code=201)
async def create_scim_token(
    data: ScimTokenCreate, session: Transaction, scope: CurrentScope
) -> ScimTokenMade:
    """The token is in this answer and never again."""
    return await service.create_token(session, scope, data.name)


@router.delete("/scim-tokens/{token_id}", status_code=204)
async def revoke_scim_token(token_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    await service.revoke_token(session, scope, token_id)


@router.get("/groups")
async def list_groups(
    session: Transaction,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[GroupOut]:
    """Newest first. `q` is looked for in names."""
    return (await service.groups(session, scope, q, after, limit)).rows


@router.patch("/groups/{group_id}")
async def change_group(
    group_id: uuid.UUID, changes: GroupChanges, session: Transaction, scope: CurrentScope
) -> GroupOut:
    """Its members get the highest role among their groups; the owner's role never changes."""
    return await service.set_role(session, scope, group_id, changes.role)
