"""Screens about all people, for platform admins; for others there is nothing here."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity.scope import CurrentPerson, PersonTransaction
from monster.dashboard.people import service
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb
from monster.kit.schemas import Prose

router = APIRouter(prefix="/admin/users", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 50
_CRUMBS = (Crumb("Platform", "/admin"), Crumb("Users", "/admin/users"))


@router.get("")
async def list_users(
    request: Request,
    session: PersonTransaction,
    person: CurrentPerson,
    q: Annotated[Prose, Query(max_length=254)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    found = await service.page(session, person, q, after, _PAGE + 1)
    values: dict[str, object] = {
        "users": found[:_PAGE],
        "next": found[_PAGE - 1].id if len(found) > _PAGE else "",
        "after": after,
        "query": q,
    }
    if pages.is_partial(request):
        return pages.fragment(request, person.shell, "admin_users", status=200, **values)
    crumbs = [_CRUMBS[0], Crumb("Users")]
    return pages.page(
        request, person.shell, "admin_users", section="admin", crumbs=crumbs, status=200, **values
    )


@router.get("/{user_id}")
async def show_user(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    found = await service.get(session, person, user_id)
    alone = await service.owned_alone(session, person, user_id, found.memberships)
    return pages.page(
        request,
        person.shell,
        "admin_user",
        section="admin",
        crumbs=[*_CRUMBS, Crumb(found.user.name)],
        found=found,
        alone=alone,
        is_me=user_id == person.user_id,
        losses=[
            "They can sign in nowhere any more. What they made stays in its workspaces.",
            *[f"{one.tenant_name} is left without an owner." for one in alone],
        ],
    )


@router.post("/{user_id}/activate")
async def activate_user(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    await service.set_active(session, person, user_id, active=True)
    return pages.go(request, f"/admin/users/{user_id}", "The account is active.")


@router.post("/{user_id}/deactivate")
async def deactivate_user(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    await service.set_active(session, person, user_id, active=False)
    return pages.go(request, f"/admin/users/{user_id}", "The account is deactivated.")


@router.post("/{user_id}/unlock")
async def unlock_user(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    await service.unlock(session, person, user_id)
    return pages.go(request, f"/admin/users/{user_id}", "They may try to sign in again.")


@router.post("/{user_id}/end-sessions")
async def end_sessions(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    await service.end_sessions(session, person, user_id)
    return pages.go(request, f"/admin/users/{user_id}", "They are signed out everywhere.")


@router.post("/{user_id}/delete")
async def delete_user(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    """`leave_ownerless` is sent by the dialog that has said so."""
    meant = "leave_ownerless" in await forms.fields(request)
    await service.delete(session, person, user_id, leave_ownerless=meant)
    return pages.go(request, "/admin/users", "The account is deleted.")
