"""JSON endpoints about oneself: profile, password, sessions."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from monster.dashboard.accounts import service as accounts
from monster.dashboard.accounts.schemas import Account, Mailed
from monster.dashboard.identity.scope import CurrentPerson, PersonTransaction
from monster.dashboard.profile import service
from monster.dashboard.profile.schemas import (
    ChangeEmail,
    ChangePassword,
    LoginOut,
    ProfileOut,
    Rename,
)

router = APIRouter(tags=["profile"])


@router.get("/profile", response_model=ProfileOut)
async def get_profile(session: PersonTransaction, person: CurrentPerson) -> Account:
    return await service.profile(session, person)


@router.patch("/profile", status_code=204)
async def change_profile(data: Rename, session: PersonTransaction, person: CurrentPerson) -> None:
    await service.rename(session, person, data.name)


@router.post("/profile/email", status_code=202)
async def change_email(data: ChangeEmail, request: Request, person: CurrentPerson) -> Mailed:
    await service.change_email(request.app.state.sessions, person, data)
    return Mailed(message=accounts.MAILED)


@router.post("/profile/password", status_code=204)
async def change_password(data: ChangePassword, request: Request, person: CurrentPerson) -> None:
    await service.change_password(request.app.state.sessions, person, data)


@router.get("/sessions")
async def list_sessions(
    request: Request,
    session: PersonTransaction,
    person: CurrentPerson,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[LoginOut]:
    """One's own, newest first."""
    idle = request.app.state.lifetime.idle
    return await service.logins(session, person, idle, after, limit)


@router.delete("/sessions", status_code=204)
async def end_other_sessions(session: PersonTransaction, person: CurrentPerson) -> None:
    """All of one's own but the one that asks."""
    await service.end_others(session, person)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(
    session_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    await service.end(session, person, session_id)
