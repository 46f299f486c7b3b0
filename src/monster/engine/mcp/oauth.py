"""Where a server wants people to sign in, and how we become known there.

RFC 9728 (protected resource metadata), RFC 8414 (authorization server metadata), RFC 7591 (dynamic
registration), RFC 8707 (resource indicators), as the authorization specification of MCP has them.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from mcp.client.auth import OAuthFlowError, OAuthRegistrationError
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_client_registration_request,
    create_oauth_metadata_request,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    get_client_metadata_scopes,
    handle_auth_metadata_response,
    handle_protected_resource_response,
    handle_registration_response,
    validate_metadata_issuer,
)
from mcp.shared.auth import OAuthClientMetadata, OAuthMetadata, ProtectedResourceMetadata
from pydantic import AnyUrl, ValidationError

from monster.contracts.oauth import ClientAuth
from monster.engine.mcp.config import Registered
from monster.engine.toolkit.effects import ToolFailed
from monster.kit.addresses import TooLarge, why_blocked

_WAYS: dict[str, ClientAuth] = {
    "": "none",
    "none": "none",
    "client_secret_basic": "basic",
    "client_secret_post": "post",
}
_GRANTS = ["authorization_code", "refresh_token"]


async def discover_oauth(
    transport: httpx2.AsyncBaseTransport, url: str, redirect_uri: str, name: str
) -> Registered:
    """`name` is what people read when they are asked to agree. Raises ToolFailed."""
    http = httpx2.AsyncClient(transport=transport, timeout=10, trust_env=False)  # shared: not ours
    try:
        resource, scope = await _resource(http, url)
        metadata = await _metadata(http, str(resource.authorization_servers[0]))
        return await _register(http, metadata, resource, scope, _Client(redirect_uri, name))
    except (OAuthFlowError, OAuthRegistrationError, ValidationError, TooLarge) as error:
        raise ToolFailed(f"one cannot sign in to this server: {error}"[:500]) from error
    except httpx2.HTTPError as error:
        why = why_blocked(error) or error
        raise ToolFailed(f"one cannot sign in to this server: {why}"[:500]) from error


@dataclass(frozen=True, slots=True)
class _Client:
    redirect_uri: str
    name: str


async def _resource(
    http: httpx2.AsyncClient, url: str
) -> tuple[ProtectedResourceMetadata, str | None]:
    """And the scopes that the server asks for, if it says so."""
    answer = await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    told = extract_resource_metadata_from_www_auth(answer) if answer.status_code == 401 else None
    for place in build_protected_resource_metadata_discovery_urls(told, url):
        found = await handle_protected_resource_response(
            await http.send(create_oauth_metadata_request(place))
        )
        if found is None:
            continue
        if not _covers(str(found.resource), url):
            raise OAuthFlowError("its metadata are of another resource")
        return found, extract_scope_from_www_auth(answer)
    raise OAuthFlowError("it does not say where (RFC 9728)")


def _covers(resource: str, url: str) -> bool:
    """The same origin, and the path of the server or one above it: no token for somebody else."""
    ours, theirs = urlsplit(url), urlsplit(resource)
    if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
        return False
    above = theirs.path.rstrip("/") + "/"
    return (ours.path.rstrip("/") + "/").startswith(above)


async def _metadata(http: httpx2.AsyncClient, issuer: str) -> OAuthMetadata:
    for place in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        goes_on, found = await handle_auth_metadata_response(
            await http.send(create_oauth_metadata_request(place))
        )
        if found:
            _same_issuer(found, issuer)
            if "S256" not in (found.code_challenge_methods_supported or ()):
                raise OAuthFlowError("its authorization server does without PKCE")
            return found
        if not goes_on:
            break
    raise OAuthFlowError("its authorization server does not describe itself (RFC 8414)")


def _same_issuer(found: OAuthMetadata, issuer: str) -> None:
    """A slash at the end, which URLs get when they are read, makes no other issuer."""
    if str(found.issuer).rstrip("/") != issuer.rstrip("/"):
        validate_metadata_issuer(found, issuer)


async def _register(
    http: httpx2.AsyncClient,
    metadata: OAuthMetadata,
    resource: ProtectedResourceMetadata,
    scope: str | None,
    client: _Client,
) -> Registered:
    if metadata.registration_endpoint is None:
        raise OAuthFlowError(
            "its authorization server takes no registrations by machine: register an OAuth app"
            " there and enter it"
        )
    scopes = get_client_metadata_scopes(scope, resource, metadata, _GRANTS)
    methods = metadata.token_endpoint_auth_methods_supported or ["client_secret_basic"]
    wanted = OAuthClientMetadata(
        redirect_uris=[AnyUrl(client.redirect_uri)],
        client_name=client.name,
        grant_types=list(_GRANTS),
        application_type="web" if client.redirect_uri.startswith("https://") else "native",
        scope=scopes,
        token_endpoint_auth_method="none" if "none" in methods else "client_secret_basic",
    )
    request = create_client_registration_request(metadata, wanted, str(metadata.issuer))
    made = await handle_registration_response(await http.send(request))
    if not made.client_id:
        raise OAuthRegistrationError("the registration names no client")
    how = made.token_endpoint_auth_method or ("client_secret_basic" if made.client_secret else "")
    if how not in _WAYS:
        raise OAuthRegistrationError("the authorization server wants a proof that we do not have")
    return Registered(
        issuer=str(metadata.issuer),
        authorize_url=str(metadata.authorization_endpoint),
        token_url=str(metadata.token_endpoint),
        revoke_url=str(metadata.revocation_endpoint) if metadata.revocation_endpoint else None,
        client_auth=_WAYS[how],
        client_id=made.client_id,
        client_secret=made.client_secret,
        resource=str(resource.resource),
        scopes=tuple((made.scope or scopes or "").split()),
    )
