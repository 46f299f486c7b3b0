"""What the OpenAPI documents do not say: values that pass, and the forms of pages.

`*` in a value becomes something that nobody had before, `*next` a number above those before;
`@index` is the id of an index, to be tried with other companies' ids, too; `#totp` is something
else that a world knows by that name.
"""

import json
from typing import Any

PASSWORD = "correct horse battery"
NEW_PASSWORD = "battery staple horse"
TENANT = "Acme"  # what builders call every company

FOUND = "0" * 64  # the digest of what an MCP server was found to offer

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

# By the name of a field or of a part of a path.
SAMPLES: dict[str, str] = {
    "name": "A name *",
    "email": "somebody-*@example.com",
    "password": PASSWORD,
    "current": PASSWORD,
    "new": NEW_PASSWORD,
    "model": "builtin:quote",
    "tab": "model",
    "of": "dashboard",
    "version": "*next",
    "urn": _USER,
}

_ASSERTION = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
}
_PASSKEY = {"name": "Blue key", "challenge": "#passkey_challenge"}
_PROVIDER = {"name": "Sign-in *", "issuer": "https://login.example.com", "client_id": "monster"}
_KEY = {"name": "A key *", "permissions": ["runs:write"]}
_SCIM_USER = {"schemas": [_USER], "userName": "somebody-*@example.com"}
_SCIM_GROUP = {"schemas": [_GROUP], "displayName": "A group *", "members": [{"value": "@member"}]}
_ACCOUNT = {"name": "Eve", "password": PASSWORD}

_DOCUMENT = '{"openapi": "3.1.0", "paths": {"/items": {"get": {}}}}'
_TOOL = {
    "name": "A tool *",
    "base_url": "https://shop.example",
    "functions": [{"name": "items", "description": "All items.", "path": "/items"}],
}

# Bodies that cannot be made from their schema alone.
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/tool_factories/custom": _TOOL,
    "POST /v1/tool_factories/{tool_factory_id}/try": {"function": "nothing"},
    "PATCH /v1/tool_factories/{tool_factory_id}": {"name": "A tool *"},
    "POST /v1/tool_factories/openapi/preview": {"document": _DOCUMENT},
    "POST /v1/tool_factories/openapi": {
        "document": _DOCUMENT,
        "name": "A tool *",
        "base_url": "https://shop.example",
        "operations": ["get_items"],
    },
    "POST /v1/credentials": {
        "tool_factory_id": "@tool_factory",
        "strategy": "strategy_oauth",
        "oauth_provider_id": "@oauth_provider",
        "name": "Grant *",
    },
    "PUT /v1/agents/{agent_id}": {
        "version": "*next",
        "user_id": "@user",
        "scope": "shared",
        "name": "A name *",
        "model": "builtin:quote",
        "instruction": "Be brief.",
        "tools": [{"name": "t", "tool_factory_id": "@tool_factory", "credential_id": "@link"}],
    },
    "POST /v1/runs/{run_id}/answers": {"answers": [{"call": "@call", "decision": "deny"}]},
    "POST /v1/mcp_servers": {"name": "Server *", "url": "https://mcp.example.com/mcp"},
    "PATCH /v1/mcp_servers/{mcp_server_id}": {"name": "Server *"},
    "POST /v1/mcp_servers/{mcp_server_id}/accept": {"digest": FOUND},
    "POST /v1/mcp_servers/{mcp_server_id}/register": {
        "redirect_uri": "https://monster.example/connections/oauth/callback"
    },
    "POST /v1/oauth_providers": {
        "system_name": "custom",
        "name": "App *",
        "client_id": "monster",
        "endpoints": {
            "authorize_url": "https://login.example.com/authorize",
            "token_url": "https://login.example.com/token",
            "device_url": "https://127.0.0.1:1/device",
        },
    },
    "POST /v1/credentials/{credential_id}/authorize": {
        "redirect_uri": "http://monster/connections/oauth/callback"
    },
    "POST /v1/oauth/callback": {"state": "#oauth_state", "error": "access_denied"},
    "POST /chat/{agent_id}/runs": {"message": "Hello"},
    "POST /chat/runs/{run_id}/answers": {"decision": "deny", "call": "@call"},
    "POST /conversations/{conversation_id}/rename": {"title": "A title"},
    "POST /api/registrations/verify": {"token": "#register"},
    "POST /api/password-resets/redeem": {"token": "#reset", "password": NEW_PASSWORD},
    "POST /api/email-changes/confirm": {"token": "#email"},
    "POST /api/invitations/accept": {"token": "#invite", **_ACCOUNT},
    "POST /api/invitations/join": {"token": "#waiting"},
    "POST /api/sessions/second-factor": {"challenge": "#challenge", "code": "wrong"},
    "POST /api/sessions/second-factor/passkey/options": {"challenge": "#challenge"},
    "POST /api/sessions/second-factor/passkey": {
        "challenge": "#challenge",
        "credential": _ASSERTION,
    },
    "POST /api/factors/totp/confirm": {"code": "#totp"},
    "POST /api/factors/passkeys": _PASSKEY | {"credential": "#passkey"},
    "POST /api/identity-providers": _PROVIDER,
    "PATCH /api/identity-providers/{provider_id}": {"name": "Sign-in *"},
    "PATCH /api/contacts/{contact_id}": {"name": "A name *"},
    "POST /api/agents/{agent_id}/tools": {
        "tool_factory_id": "@tool_factory",
        "credential_id": "@link",
        "name": "tool_*",
    },
    "PATCH /api/agents/{agent_id}/tools/{tool_id}": {"credential_id": "@link"},
    "PATCH /v1/contacts/{contact_id}": {"name": "A name *"},
    "PATCH /api/members/{member_id}": {"role": "viewer"},
    "DELETE /api/workspace": {"name": TENANT},
    "POST /api/api-keys": _KEY,
    "POST /v1/api-keys": _KEY,
    "DELETE /api/admin/tenants/{tenant_id}": {"name": TENANT},
    "POST /api/admin/users/{user_id}/impersonate": {"reason": "They asked"},
    "POST /scim/v2/.search": {"schemas": [_SEARCH]},
    "POST /scim/v2/Users": _SCIM_USER,
    "POST /scim/v2/Users/.search": {"schemas": [_SEARCH]},
    "PUT /scim/v2/Users/{user_id}": {"schemas": [_USER], "userName": "#colleague", "active": False},
    "PATCH /scim/v2/Users/{user_id}": {
        "schemas": [_PATCH],
        "Operations": [{"op": "replace", "path": "active", "value": False}],
    },
    "POST /scim/v2/Groups": _SCIM_GROUP,
    "POST /scim/v2/Groups/.search": {"schemas": [_SEARCH]},
    "PUT /scim/v2/Groups/{group_id}": _SCIM_GROUP,
    "PATCH /scim/v2/Groups/{group_id}": {
        "schemas": [_PATCH],
        "Operations": [
            {"op": "replace", "path": "displayName", "value": "A group *"},
            {"op": "add", "path": "members", "value": [{"value": "@member"}]},
        ],
    },
}

_NAME = {"name": "A name *"}
_SURE = {"password": PASSWORD}
_AGENT = {"name": "A name *", "description": "", "scope": "shared"}
_FOLDER = {"name": "A name *", "parent_id": "@shelf", "scope": "shared"}
_CONTACT = {"name": "A name *", "ext_id": "*", "meta": "{}"}
_CLIENT = {"client_id": "monster", "system_name": "github"}
_CALL = {"function": "look", "says": "Looks.", "path": "/items"}
_OPENAPI = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/items": {"get": {"operationId": "items", "responses": {}}}},
    }
)
_ATTACHED = {"name": "tool_*", "functions": "look", "approval": "never", "credential_id": "@link"}
_FORM = _PROVIDER | {"scopes": "openid", "default_role": "viewer"}

# What each page that takes a form is sent.
FORMS: dict[str, dict[str, str]] = {
    # at the door
    "POST /sign-in": {"email": "nobody@example.com", "password": "wrong password"},
    "POST /sign-out": {},
    "POST /sign-in/second-factor": {"code": "wrong"},
    "POST /sign-in/second-factor/passkey": {"credential": json.dumps(_ASSERTION)},
    "POST /register": _NAME | _SURE | {"company": "Acme", "email": "somebody-*@example.com"},
    "POST /register/verify": {"token": "#register"},
    "POST /forgot": {"email": "somebody-*@example.com"},
    "POST /reset": {"token": "#reset", "password": NEW_PASSWORD},
    "POST /settings/email/confirm": {"token": "#email"},
    "POST /invitations/accept": {"token": "#invite", **_ACCOUNT},
    "POST /invitations/accept/join": {"token": "#waiting"},
    # what is worked with
    "POST /conversations/{conversation_id}/delete": {},
    "POST /conversations/{conversation_id}/files/{file_id}/delete": {},
    "POST /approvals/runs/{run_id}/answers": {"decision": "deny", "call": "@call"},
    "POST /connections/{credential_id}/test": {},
    "POST /connections/{credential_id}/delete": {},
    "POST /connections/{credential_id}": _NAME | {"values.api_key": "sk-test"},
    "POST /connections/{credential_id}/authorize": {},
    "POST /connections/{credential_id}/device": {},
    "POST /connections/{credential_id}/device/poll": {},
    "POST /connections/new": _NAME | {"oauth_provider_id": "@oauth_provider"},
    "POST /knowledge": _NAME,
    "POST /knowledge/{index_id}/delete": {},
    "POST /knowledge/{index_id}/documents/{document_id}/retry": {},
    "POST /knowledge/{index_id}/documents/{document_id}/delete": {},
    "POST /agents": _AGENT | {"folder_id": "@folder"},
    "POST /agents/{agent_id}/delete": {},
    "POST /agents/{agent_id}/move": {"folder_id": "@folder"},
    "POST /agents/{agent_id}/publish": {"note": ""},
    "POST /agents/{agent_id}/instructions": _AGENT | {"instruction": "Be brief."},
    "POST /agents/{agent_id}/model": {"source": "@credential", "model_name": "gpt"},
    "POST /agents/{agent_id}/knowledge": {"index_id": "@index"},
    "POST /agents/{agent_id}/knowledge/detach": {"index_id": "@index"},
    "POST /agents/{agent_id}/tools/new": _ATTACHED,
    "POST /agents/{agent_id}/tools/{tool_id}": _ATTACHED,
    "POST /agents/{agent_id}/tools/{tool_id}/approval": {"approval": "never"},
    "POST /agents/{agent_id}/tools/{tool_id}/detach": {},
    "POST /folders": _FOLDER,
    "POST /folders/{folder_id}": _FOLDER,
    "POST /folders/{folder_id}/delete": {},
    "POST /contacts": _CONTACT,
    "POST /contacts/{contact_id}": _CONTACT,
    "POST /contacts/{contact_id}/erase": {"word": "#marker"},
    # one's own account
    "POST /settings/profile": _NAME,
    "POST /settings/profile/email": _SURE | {"email": "somebody-*@example.com"},
    "POST /settings/profile/password": {"current": PASSWORD, "new": NEW_PASSWORD},
    "POST /settings/sessions/end-others": {},
    "POST /settings/sessions/{session_id}/end": {},
    "POST /settings/security/totp/begin": {},
    "POST /settings/security/totp": {"code": "#totp"},
    "POST /settings/security/totp/remove": _SURE,
    "POST /settings/security/passkeys": _PASSKEY | {"credential": "#passkey_text"},
    "POST /settings/security/passkeys/{passkey_id}/remove": _SURE,
    "POST /settings/security/recovery-codes": _SURE,
    "POST /workspaces": _NAME,
    "POST /workspaces/invitations/{invitation_id}": {},
    "POST /workspaces/{tenant_id}/enter": {},
    # the workspace
    "POST /settings/workspace": _NAME | {"email": "acme-*@example.com", "slug": "acme-*"},
    "POST /settings/workspace/delete": {"word": TENANT},
    "POST /settings/members/invite": {"email": "somebody-*@example.com", "role": "editor"},
    "POST /settings/invitations/{invitation_id}/resend": {},
    "POST /settings/invitations/{invitation_id}/withdraw": {},
    "POST /settings/members/leave": {},
    "POST /settings/members/{member_id}/role": {"role": "viewer"},
    "POST /settings/members/{member_id}/deactivate": {},
    "POST /settings/members/{member_id}/reactivate": {},
    "POST /settings/members/{member_id}/remove": {},
    "POST /settings/members/{member_id}/make-owner": _SURE,
    "POST /settings/sso": _FORM,
    "POST /settings/sso/{provider_id}": _FORM | {"client_secret": "another"},
    "POST /settings/sso/{provider_id}/enabled": {"on": "false"},
    "POST /settings/sso/{provider_id}/test": {},
    "POST /settings/sso/{provider_id}/delete": {},
    "POST /settings/scim/tokens": _NAME,
    "POST /settings/scim/tokens/{token_id}/revoke": {},
    "POST /settings/scim/groups/{group_id}": {"role": "viewer"},
    "POST /settings/api-keys": _NAME | {"permissions": "runs:write", "agent_ids": "@agent"},
    "POST /settings/api-keys/{key_id}": _NAME | {"agent_ids": "@agent"},
    "POST /settings/api-keys/{key_id}/revoke": {},
    "POST /settings/oauth-providers": _NAME | _CLIENT,
    "POST /settings/oauth-providers/{oauth_provider_id}": _NAME | _CLIENT,
    "POST /settings/oauth-providers/{oauth_provider_id}/delete": {},
    "POST /settings/custom-tools": _NAME | _CALL | {"base_url": "https://api.example.com"},
    "POST /settings/custom-tools/import": _NAME | {"document": _OPENAPI, "operations": "items"},
    "POST /settings/custom-tools/{tool_factory_id}": _CALL,
    "POST /settings/custom-tools/{tool_factory_id}/try": {"try": "nothing", "arguments": "{}"},
    "POST /settings/custom-tools/{tool_factory_id}/delete": {},
    "POST /settings/mcp": _NAME | {"url": "http://127.0.0.1:9/mcp", "auth": "token"},
    "POST /settings/mcp/{mcp_server_id}": _NAME
    | {"url": "http://127.0.0.1:9/mcp", "timeout_seconds": "30"},
    "POST /settings/mcp/{mcp_server_id}/discover": {},
    "POST /settings/mcp/{mcp_server_id}/register": {},
    "POST /settings/mcp/{mcp_server_id}/accept": {"digest": FOUND},
    "POST /settings/mcp/{mcp_server_id}/delete": {},
    # the platform
    "POST /admin/tenants": _NAME | {"email": "somebody-*@example.com"},
    "POST /admin/tenants/{tenant_id}/suspend": {},
    "POST /admin/tenants/{tenant_id}/resume": {},
    "POST /admin/tenants/{tenant_id}/delete": {"name": TENANT},
    "POST /admin/users/{user_id}/impersonate": {"reason": "They asked", "tenant_id": "@tenant"},
    "POST /admin/impersonation/end": {},
    "POST /admin/users/{user_id}/activate": {},
    "POST /admin/users/{user_id}/deactivate": {},
    "POST /admin/users/{user_id}/unlock": {},
    "POST /admin/users/{user_id}/end-sessions": {},
    "POST /admin/users/{user_id}/delete": {"leave_ownerless": "yes"},
    "POST /admin/system/jobs/{of}/{job_id}/retry": {},
}
