"""Providers that Monster knows: where they answer, and what each has of its own.

Taken from their public documentation. How to register is told in docs/oauth.md; `help` is its gist.
"""

# ruff: noqa: S106 (an address is no password)

from collections.abc import Mapping

from monster.engine.oauth.schemas import Provider

_REDIRECT = "Enter the redirect URI that is shown here, letter by letter."


def _help(*steps: str) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate((*steps, _REDIRECT), 1))


_ALL = (
    Provider(
        "google",
        "Google",
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",
        revoke_url="https://oauth2.googleapis.com/revoke",
        userinfo_url="https://openidconnect.googleapis.com/v1/userinfo",
        device_url="https://oauth2.googleapis.com/device/code",
        issuer="https://accounts.google.com",
        # Without both it gives no refresh token when somebody agrees for the second time.
        params={"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
        base_scopes=("openid", "email"),
        help=_help(
            "In the Google Cloud console, enable the APIs you need and set up the consent screen.",
            "Under *Credentials*, make an OAuth client of the type *Web application*.",
        ),
    ),
    Provider(
        "microsoft",
        "Microsoft",
        authorize_url="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",
        userinfo_url="https://graph.microsoft.com/oidc/userinfo",
        device_url="https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
        base_scopes=("openid", "email", "profile", "offline_access"),
        help=_help(
            "In the Microsoft Entra admin center, register an application of the type *Web*.",
            "Under *Certificates & secrets*, make a client secret and copy its value.",
            "For one directory only, replace `common` in the addresses by the tenant's id.",
        ),
    ),
    Provider(
        "slack",
        "Slack",
        authorize_url="https://slack.com/oauth/v2/authorize",
        token_url="https://slack.com/api/oauth.v2.access",
        revoke_url="https://slack.com/api/auth.revoke",
        pkce=False,  # its PKCE is for apps without a secret
        client_auth="basic",
        separator=",",
        revoking="bearer",
        who=("team.name", "enterprise.name"),
        help=_help(
            "At api.slack.com/apps, make an app and add the bot token scopes that you need.",
            "*Basic information* has the client ID and the client secret.",
        ),
    ),
    Provider(
        "atlassian",
        "Atlassian",
        authorize_url="https://auth.atlassian.com/authorize",
        token_url="https://auth.atlassian.com/oauth/token",
        userinfo_url="https://api.atlassian.com/me",
        params={"audience": "api.atlassian.com", "prompt": "consent"},
        as_json=True,
        base_scopes=("offline_access", "read:me"),
        help=_help(
            "In the Atlassian developer console, make an *OAuth 2.0 integration*.",
            "Under *Permissions*, add the APIs and the user identity API with their scopes.",
        ),
    ),
    Provider(
        "github",
        "GitHub",
        authorize_url="https://github.com/login/oauth/authorize",
        token_url="https://github.com/login/oauth/access_token",
        revoke_url="https://api.github.com/applications/{client_id}/grant",
        userinfo_url="https://api.github.com/user",
        device_url="https://github.com/login/device/code",
        headers={"Accept": "application/json", "X-GitHub-Api-Version": "2022-11-28"},
        revoking="github",
        who=("login",),
        help=_help("Under *Developer settings*, make an OAuth app or a GitHub app and a secret."),
    ),
    Provider(
        "dropbox",
        "Dropbox",
        authorize_url="https://www.dropbox.com/oauth2/authorize",
        token_url="https://api.dropboxapi.com/oauth2/token",
        revoke_url="https://api.dropboxapi.com/2/auth/token/revoke",
        params={"token_access_type": "offline"},  # or there is no refresh token
        revoking="bearer",
        help=_help("In the Dropbox app console, make an app with *scoped access* and its scopes."),
    ),
    Provider(
        "notion",
        "Notion",
        authorize_url="https://api.notion.com/v1/oauth/authorize",
        token_url="https://api.notion.com/v1/oauth/token",
        revoke_url="https://api.notion.com/v1/oauth/revoke",
        pkce=False,
        client_auth="basic",
        params={"owner": "user"},
        as_json=True,
        headers={"Notion-Version": "2022-06-28"},
        revoking="notion",
        who=("owner.user.person.email", "owner.user.name", "workspace_name"),
        help=_help("At notion.so/my-integrations, make a *public* integration."),
    ),
    Provider(
        "salesforce",
        "Salesforce",
        authorize_url="https://login.salesforce.com/services/oauth2/authorize",
        token_url="https://login.salesforce.com/services/oauth2/token",
        revoke_url="https://login.salesforce.com/services/oauth2/revoke",
        userinfo_url="https://login.salesforce.com/services/oauth2/userinfo",
        base_scopes=("refresh_token",),
        facts=("instance_url",),
        help=_help("In *Setup*, make an external client app (or a connected app) with OAuth."),
    ),
    Provider(
        "hubspot",
        "HubSpot",
        authorize_url="https://app.hubspot.com/oauth/authorize",
        token_url="https://api.hubapi.com/oauth/2026-03/token",
        revoke_url="https://api.hubapi.com/oauth/2026-03/token/revoke",
        base_scopes=("oauth",),
        help=_help("In a HubSpot developer account, make an app and add its scopes."),
    ),
    Provider(
        "linear",
        "Linear",
        authorize_url="https://linear.app/oauth/authorize",
        token_url="https://api.linear.app/oauth/token",
        revoke_url="https://api.linear.app/oauth/revoke",
        params={"prompt": "consent"},
        separator=",",
        base_scopes=("read",),
        help=_help("Under *Settings, API*, make an OAuth application."),
    ),
)

BUILT_IN: Mapping[str, Provider] = {one.system_name: one for one in _ALL}
