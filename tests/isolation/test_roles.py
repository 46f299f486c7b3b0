"""Every operation that changes something, asked by a viewer of the same company: refused, unless it
is on the list. New operations join by themselves."""

import pytest
from fastapi import FastAPI

from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role
from tests.builders import Tenant
from tests.isolation import world as worlds
from tests.isolation.operations import OPERATIONS, Operation
from tests.isolation.test_matrix import ids, send
from tests.isolation.world import World

# What whoever belongs to a company may do, or whoever comes to the door.
_DOOR = "for whoever comes to the door"
_LINK = "for whoever holds the link of a mail"
_ACCOUNT = "one's own account"
_SESSIONS = "one's own sessions"
_FACTORS = "one's own second factors"
_PLACES = "where one works oneself"
_TALK = "talks to an agent"
_OWN = "one's own"
_BY_REASON: dict[str, tuple[str, ...]] = {
    _DOOR: (
        "POST /api/sessions",
        "POST /api/sessions/second-factor",
        "POST /api/sessions/second-factor/passkey",
        "POST /api/sessions/second-factor/passkey/options",
        "POST /api/registrations",
        "POST /api/password-resets",
        "POST /sign-in",
        "POST /sign-in/second-factor",
        "POST /sign-in/second-factor/passkey",
        "POST /register",
        "POST /forgot",
    ),
    _LINK: (
        "POST /api/registrations/verify",
        "POST /api/password-resets/redeem",
        "POST /api/email-changes/confirm",
        "POST /api/invitations/accept",
        "POST /api/invitations/join",
        "POST /register/verify",
        "POST /reset",
        "POST /settings/email/confirm",
        "POST /invitations/accept",
        "POST /invitations/accept/join",
    ),
    _ACCOUNT: (
        "PATCH /api/profile",
        "POST /api/profile/email",
        "POST /api/profile/password",
        "POST /settings/profile",
        "POST /settings/profile/email",
        "POST /settings/profile/password",
    ),
    _SESSIONS: (
        "DELETE /api/sessions",
        "DELETE /api/sessions/current",
        "DELETE /api/sessions/{session_id}",
        "POST /sign-out",
        "POST /settings/sessions/end-others",
        "POST /settings/sessions/{session_id}/end",
    ),
    _FACTORS: (
        "POST /api/factors/totp",
        "POST /api/factors/totp/confirm",
        "POST /api/factors/totp/remove",
        "POST /api/factors/passkeys",
        "POST /api/factors/passkeys/options",
        "POST /api/factors/passkeys/{passkey_id}/remove",
        "POST /api/factors/recovery-codes",
        "POST /settings/security/totp",
        "POST /settings/security/totp/begin",
        "POST /settings/security/totp/remove",
        "POST /settings/security/passkeys",
        "POST /settings/security/passkeys/{passkey_id}/remove",
        "POST /settings/security/recovery-codes",
    ),
    _PLACES: (
        "POST /api/members/leave",
        "POST /api/workspaces",
        "POST /api/workspaces/{tenant_id}/enter",
        "POST /api/workspaces/invitations/{invitation_id}/accept",
        "POST /settings/members/leave",
        "POST /workspaces",
        "POST /workspaces/{tenant_id}/enter",
        "POST /workspaces/invitations/{invitation_id}",
    ),
    _TALK: (
        "POST /chat/{agent_id}/runs",
        "POST /chat/{agent_id}/files",
        "POST /approvals/runs/{run_id}/answers",
        "POST /chat/runs/{run_id}/answers",
        "POST /chat/runs/{run_id}/cancel",
        "POST /v1/agents/{agent_id}/runs",
        "POST /v1/runs/{run_id}/answers",
        "POST /v1/runs/{run_id}/cancel",
    ),
    _OWN: (
        "POST /conversations/{conversation_id}/rename",
        "POST /conversations/{conversation_id}/delete",
        "POST /conversations/{conversation_id}/files/{file_id}/delete",
        "POST /v1/conversations",
        "PATCH /v1/conversations/{conversation_id}",
        "DELETE /v1/conversations/{conversation_id}",
        "PUT /v1/conversations/{conversation_id}/files/{name}",
        "DELETE /v1/files/{file_id}",
    ),
    "reads": ("POST /v1/indexes/{index_id}/search",),
}
EVERYONE = {operation for operations in _BY_REASON.values() for operation in operations}

CHANGES = [operation for operation in OPERATIONS if operation.method != "GET"]


def test_the_list_names_operations() -> None:
    assert {operation.key for operation in CHANGES} >= EVERYONE


def _refusal(operation: Operation) -> int:
    """For others than platform admins there is no such place; directories hold a token."""
    if operation.is_platforms:
        return 404
    return 401 if operation.path.startswith("/scim/") else 403


@pytest.fixture(scope="module")
async def company(dashboard: FastAPI, engine: FastAPI) -> World:
    return await worlds.settle(Tenant(dashboard, engine))


@pytest.mark.parametrize("operation", [one for one in CHANGES if one.key not in EVERYONE], ids=str)
async def test_a_viewer_changes_nothing(operation: Operation, company: World) -> None:
    tenant = company.tenant
    if operation.service == "engine":
        viewer = Scope(tenant.id, tenant.user_id, Role.VIEWER)
        client = tenant.caller(*viewer.caller.permissions)
    else:
        client = tenant.member("viewer")
    before = worlds.state(company)

    answer = await send(client, operation.request(ids(operation, company), company.values))

    assert answer.status_code == _refusal(operation), answer.text[:500]
    assert worlds.state(company) == before
