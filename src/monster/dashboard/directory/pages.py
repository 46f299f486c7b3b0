"""The settings page about directories: where they send people, as whom, and what groups give."""

import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.directory import service
from monster.dashboard.directory.errors import TooManyScimTokens
from monster.dashboard.directory.schemas import ROLES, GroupForm, ScimTokenCreate
from monster.dashboard.identity.scope import CurrentScope, Scope, Transaction
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.errors import Invalid
from monster.kit.schemas import Prose

router = APIRouter(prefix="/settings/scim", tags=["pages"], default_response_class=HTMLResponse)

_HERE = "/settings/scim"
_PAGE = 50
_HINTS = {"name": "Give it a name of up to 200 characters, such as the directory's."}


@router.get("")
async def show_directory_sync(
    request: Request,
    scope: CurrentScope,
    session: Transaction,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    if pages.is_partial(request):
        listed = await service.groups(session, scope, q, after, _PAGE)
        return pages.fragment(
            request, scope.shell, "scim_groups", listed=listed, q=q, after=after, roles=ROLES
        )
    return await _page(request, scope, session, {"q": q, "after": after})


async def _page(
    request: Request, scope: Scope, session: AsyncSession, said: Mapping[str, object]
) -> Response:
    """`said`: what is asked for of the groups; a form that was not right; a token just made."""
    values = {"q": "", "after": None, "form": Form(), "made": None, **said}
    q, after, form = str(values["q"]), values["after"], values["form"]
    errors = isinstance(form, Form) and form.errors
    key = after if isinstance(after, uuid.UUID) else None
    return pages.page(
        request,
        scope.shell,
        "scim",
        section="settings",
        crumbs=[Crumb("Settings", "/settings"), Crumb("Directory sync")],
        status=422 if errors else 200,
        at="scim",
        base_url=f"{request.app.state.settings.public_url.rstrip('/')}/scim/v2",
        tokens=await service.tokens(session, scope),
        listed=await service.groups(session, scope, q, key, _PAGE),
        roles=ROLES,
        **values,
    )


@router.post("/tokens")
async def make_token(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    """Answers with the page itself: the token must be in no address and no cookie."""
    form = await forms.read(request, ScimTokenCreate, _HINTS)
    if form.data is None:
        return await _page(request, scope, session, {"form": form})
    try:
        made = await service.create_token(session, scope, form.data.name)
    except TooManyScimTokens as error:
        wrong = Form(form.values, {"name": sentence(error.message)})
        return await _page(request, scope, session, {"form": wrong})
    return await _page(request, scope, session, {"made": made})


@router.get("/tokens/{token_id}/revoke")
async def ask_to_revoke(
    token_id: uuid.UUID, request: Request, scope: CurrentScope, session: Transaction
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    token = await service.token(session, scope, token_id)
    crumbs = [Crumb("Directory sync", _HERE), Crumb("Revoke")]
    return pages.page(
        request,
        scope.shell,
        "scim_revoke",
        section="settings",
        crumbs=crumbs,
        at="scim",
        token=token,
    )


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(
    token_id: uuid.UUID, request: Request, scope: CurrentScope, session: Transaction
) -> Response:
    await service.revoke_token(session, scope, token_id)
    return pages.go(request, _HERE, "The token is revoked.")


@router.post("/groups/{group_id}")
async def set_role(
    group_id: uuid.UUID, request: Request, scope: CurrentScope, session: Transaction
) -> Response:
    form = await forms.read(request, GroupForm)
    if form.data is None:
        raise Invalid("a group gives the role viewer, editor, admin or none", field="role")
    group = await service.set_role(session, scope, group_id, form.data.role or None)
    gives = f"gives the role {group.role}" if group.role else "gives no role"
    return pages.go(request, _HERE, f"{group.name} {gives}.")
