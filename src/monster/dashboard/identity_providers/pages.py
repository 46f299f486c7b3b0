"""Screens of the settings: with which companies' sign-in people get in."""

import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity.scope import Begin, CurrentScope, Scope, Transaction
from monster.dashboard.identity_providers import service
from monster.dashboard.identity_providers.errors import (
    BadIssuer,
    ProviderNameTaken,
    SecretNeeded,
)
from monster.dashboard.identity_providers.schemas import (
    SCOPES,
    MappedRole,
    ProviderChanges,
    ProviderCreate,
    ProviderForm,
)
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy.models import IdentityProvider
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.schemas import Prose

router = APIRouter(prefix="/settings/sso", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 30
_SETTINGS = Crumb("Settings", "/settings")
_HOME = Crumb("Single sign-on", "/settings/sso")
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "issuer": "Enter a whole address that begins with https.",
    "client_id": "Copy it from the provider.",
    "scopes": "Words with spaces between; openid must be among them.",
    "role_claim": "The name of a claim has up to 200 characters.",
}
_REFUSALS = (BadIssuer, ProviderNameTaken, SecretNeeded)
_EMPTY = {
    "name": "", "issuer": "", "client_id": "", "scopes": SCOPES, "role_claim": "",
    "admins": "", "editors": "", "viewers": "", "default_role": "viewer",
}  # fmt: skip


@router.get("")
async def list_providers(
    request: Request,
    scope: CurrentScope,
    session: Transaction,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    found = await service.page(session, scope, q, after, _PAGE + 1)
    values: dict[str, object] = {
        "providers": found[:_PAGE],
        "more": found[_PAGE - 1].id if len(found) > _PAGE else "",
        "query": q,
    }
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "sso_providers", status=200, **values)
    links = _links(request, await service.slug(session, scope))
    crumbs = [_SETTINGS, Crumb("Single sign-on")]
    return pages.page(
        request,
        scope.shell,
        "sso_settings",
        section="settings",
        crumbs=crumbs,
        status=200,
        **links,
        **values,
    )


@router.get("/new")
async def new_provider(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    scope.require(Can.SSO)
    slug = await service.slug(session, scope)
    return _form(request, scope, slug, Form(_EMPTY))


@router.post("")
async def create_provider(request: Request, scope: CurrentScope, begin: Begin) -> Response:
    scope.require(Can.SSO)
    form, state = await forms.read(request, ProviderForm, _HINTS), request.app.state
    try:
        if form.data is not None:
            wanted = ProviderCreate.model_validate(form.data.told())
            async with begin() as session:
                made = await service.create(session, scope, state.account_key, state.oidc, wanted)
            return pages.go(request, f"/settings/sso/{made.id}", f"{made.name} is there. Test it.")
    except _REFUSALS as refused:
        form = _refused(form, refused)
    async with begin() as session:
        slug = await service.slug(session, scope)
    return _form(request, scope, slug, form)


@router.get("/{provider_id}")
async def show_provider(
    request: Request, scope: CurrentScope, session: Transaction, provider_id: uuid.UUID
) -> Response:
    provider = await service.get(session, scope, provider_id)
    slug = await service.slug(session, scope)
    return _form(request, scope, slug, Form(_filled(provider)), provider)


@router.post("/{provider_id}")
async def change_provider(
    request: Request, scope: CurrentScope, begin: Begin, provider_id: uuid.UUID
) -> Response:
    scope.require(Can.SSO)
    form, state = await forms.read(request, ProviderForm, _HINTS), request.app.state
    keep = (state.account_key, state.oidc)
    try:
        if form.data is not None:
            changes = ProviderChanges.model_validate(form.data.told())
            async with begin() as session:
                saved = await service.update(session, scope, *keep, provider_id, changes)
            return pages.go(request, f"/settings/sso/{provider_id}", f"{saved.name} is saved.")
    except _REFUSALS as refused:
        form = _refused(form, refused)
    async with begin() as session:
        provider = await service.get(session, scope, provider_id)
        slug = await service.slug(session, scope)
    return _form(request, scope, slug, form, provider)


@router.post("/{provider_id}/enabled")
async def switch_provider(
    request: Request, scope: CurrentScope, session: Transaction, provider_id: uuid.UUID
) -> Response:
    """On or off, as the form says."""
    state = request.app.state
    on = (await forms.fields(request)).get("on") == "true"
    changes = ProviderChanges(enabled=on)
    saved = await service.update(
        session, scope, state.account_key, state.oidc, provider_id, changes
    )
    said = "is on." if on else "is off. Whoever came through it is signed out."
    return pages.go(request, f"/settings/sso/{provider_id}", f"{saved.name} {said}")


@router.post("/{provider_id}/test")
async def test_provider(
    request: Request, scope: CurrentScope, begin: Begin, provider_id: uuid.UUID
) -> Response:
    async with begin() as session:
        provider = await service.get(session, scope, provider_id)
        slug = await service.slug(session, scope)
    result = await service.test(request.app.state.oidc, provider)
    async with begin() as session:
        await service.tested(session, scope, provider_id, result)
    if result.works:
        return pages.go(request, f"/settings/sso/{provider_id}", f"{provider.name} works.")
    form = Form(_filled(provider), {"": sentence(result.problem or "it does not work")})
    return _form(request, scope, slug, form, provider)


@router.get("/{provider_id}/delete")
async def ask_to_delete(
    request: Request, scope: CurrentScope, session: Transaction, provider_id: uuid.UUID
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    provider = await service.get(session, scope, provider_id)
    crumbs = [_SETTINGS, _HOME, Crumb(provider.name, f"/settings/sso/{provider_id}")]
    crumbs.append(Crumb("Delete"))
    return pages.page(
        request, scope.shell, "sso_delete", section="settings", crumbs=crumbs, provider=provider
    )


@router.post("/{provider_id}/delete")
async def delete_provider(
    request: Request, scope: CurrentScope, session: Transaction, provider_id: uuid.UUID
) -> Response:
    name = await service.delete(session, scope, provider_id)
    return pages.go(request, "/settings/sso", f"{name} is deleted.")


def _form(
    request: Request, scope: Scope, slug: str, form: Form, provider: IdentityProvider | None = None
) -> Response:
    title = provider.name if provider else "New identity provider"
    problem = form.errors.get("", "")
    return pages.page(
        request,
        scope.shell,
        "sso_provider",
        section="settings",
        crumbs=[_SETTINGS, _HOME, Crumb(title)],
        status=422 if form.errors and not problem else 200,
        provider=provider,
        values={**_EMPTY, **form.values, "client_secret": ""},
        errors=form.errors,
        problem=problem,
        **_links(request, slug),
    )


def _refused(
    form: Form, refused: BadIssuer | ProviderNameTaken | SecretNeeded
) -> forms.Filled[ProviderForm]:
    return forms.Filled(form.values, {refused.field or "": sentence(refused.message)})


def _links(request: Request, slug: str) -> dict[str, str]:
    base = request.app.state.settings.public_url.rstrip("/") + "/sign-in/sso"
    return {"redirect_uri": f"{base}/callback", "sign_in_url": f"{base}/{slug}"}


def _filled(provider: IdentityProvider) -> Mapping[str, str]:
    def giving(role: MappedRole) -> str:
        return "\n".join(value for value, given in provider.roles.items() if given == role)

    return {
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "scopes": provider.scopes,
        "role_claim": provider.role_claim or "",
        "admins": giving("admin"),
        "editors": giving("editor"),
        "viewers": giving("viewer"),
        "default_role": provider.default_role,
    }
