"""JSON endpoints about all people, for platform admins; for others there is nothing here."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from monster.dashboard.identity.scope import CurrentPerson, PersonTransaction
from monster.dashboard.people import service
from monster.dashboard.people.schemas import UserOut, UserPage
from monster.kit.schemas import Prose

router = APIRouter(prefix="/admin/users", tags=["admin"])


@router.get("")
async def list_users(
    session: PersonTransaction,
    person: CurrentPerson,
    q: Annotated[Prose, Query(max_length=254)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[UserOut]:
    """Newest first. `q`: how an address begins, or a part of a name."""
    return await service.page(session, person, q, after, limit)


@router.get("/{user_id}")
async def get_user(
    user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> UserPage:
    return await service.get(session, person, user_id)


@router.post("/{user_id}/activate", status_code=204)
async def activate_user(
    user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    await service.set_active(session, person, user_id, active=True)


@router.post("/{user_id}/deactivate", status_code=204)
async def deactivate_user(
    user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    """Out with their next request, and they cannot come back."""
    await service.set_active(session, person, user_id, active=False)


@router.post("/{user_id}/unlock", status_code=204)
async def unlock_user(
    user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    """After too many wrong passwords."""
    await service.unlock(session, person, user_id)


@router.post("/{user_id}/end-sessions", status_code=204)
async def end_sessions(
    user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    """On all devices."""
    await service.end_sessions(session, person, user_id)


@router.delete("/{user_id}", status_code=204)
async def delete_user(
    user_id: uuid.UUID,
    session: PersonTransaction,
    person: CurrentPerson,
    *,
    leave_ownerless: bool = False,
) -> None:
    """`leave_ownerless` says that it is meant if nobody else owns one of their workspaces."""
    await service.delete(session, person, user_id, leave_ownerless=leave_ownerless)
