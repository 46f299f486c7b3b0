"""What registrations are made of: the providers that Monster knows, and the platform's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from monster.contracts.oauth import CUSTOM, Endpoints, PlatformApp, ProviderKindOut
from monster.engine.oauth.errors import BadEndpoint, NotRegistered
from monster.engine.oauth.kinds import BUILT_IN
from monster.engine.oauth.schemas import Provider, Registration
from monster.engine.secrets.service import Secrets
from monster.kit.addresses import Blocked, Guard

_URLS = ("authorize_url", "token_url", "revoke_url", "userinfo_url", "device_url")
_BOTH = ("resource", "audience")  # parameters that requests for tokens repeat (RFC 8707)


@dataclass(frozen=True, slots=True)
class Registry:
    """One a process. `apps` are the platform's registrations, by the provider's `system_name`."""

    secrets: Secrets
    guard: Guard
    apps: Mapping[str, PlatformApp]

    def kinds(self) -> list[ProviderKindOut]:
        return [
            ProviderKindOut(
                system_name=one.system_name,
                name=one.name,
                help=one.help,
                available=self._registered(one.system_name),
            )
            for one in BUILT_IN.values()
        ]

    def platform(self, system_name: str) -> Registration:
        """The platform's own, for all tenants. Raises NotRegistered."""
        provider = self.provider(system_name, Endpoints())
        app = self.apps.get(system_name)
        if app is None or not self._registered(system_name):
            raise NotRegistered(
                f"Monster is not registered with {provider.name}: register an app there and enter"
                " it as an OAuth app of this workspace"
            )
        secret = app.client_secret.get_secret_value() if app.client_secret else None
        return Registration(provider, app.client_id, secret, app.scopes)

    def provider(self, system_name: str, said: Endpoints, name: str = "") -> Provider:
        """`said` before what the platform says, before what is known. Raises NotRegistered."""
        known = BUILT_IN.get(system_name)
        if known is None and system_name != CUSTOM:
            raise NotRegistered(f"there is no OAuth provider {system_name!r}")
        found = known or Provider(CUSTOM, name or "The provider", client_auth="basic")
        for one in (self.apps.get(system_name), said):
            found = _with(found, one) if one else found
        return found

    def check(self, system_name: str, said: Endpoints, *, has_secret: bool) -> None:
        """Raises BadEndpoint with the field that is wrong."""
        if system_name != CUSTOM and system_name not in BUILT_IN:
            raise BadEndpoint(f"there is no provider {system_name!r}", field="system_name")
        for name in (*_URLS, "issuer"):
            if url := getattr(said, name):
                self._check_address(url, f"endpoints.{name}")
        found = self.provider(system_name, said)
        if not found.token_url:
            raise BadEndpoint("where are tokens given?", field="endpoints.token_url")
        if not has_secret and not found.pkce:
            raise BadEndpoint(
                "without PKCE a client secret is needed", field="client_secret"
            )  # or whoever sees a code has the grant

    def _registered(self, system_name: str) -> bool:
        app = self.apps.get(system_name)
        return bool(app and app.client_id)

    def _check_address(self, url: str, field: str) -> None:
        """HTTPS; plain HTTP only at an address that an admin has allowed. What a name leads to is
        judged whenever it is asked."""
        parts = urlsplit(url)
        try:
            address = ip_address(parts.hostname or "")
        except ValueError:
            address = None
        allowed = address is not None and any(
            address in net for net in self.guard.allowed if net.version == address.version
        )
        if parts.scheme != "https" and not allowed:
            raise BadEndpoint(f"{url[:200]} does not begin with https", field=field)
        if address is not None:
            try:
                self.guard.check(str(address))
            except Blocked as blocked:
                raise BadEndpoint(str(blocked), field=field) from blocked


def _with(provider: Provider, said: Endpoints) -> Provider:
    changes: dict[str, object] = {
        name: getattr(said, name)
        for name in (*_URLS, "issuer", "pkce", "client_auth")
        if getattr(said, name) is not None
    }
    params = {**provider.params, **said.params}
    tokens = {name: said.params[name] for name in _BOTH if name in said.params}
    token_params = {**provider.token_params, **tokens}
    moved = provider.issuer and said.authorize_url and not said.issuer
    changes |= {"params": params, "token_params": token_params} | ({"issuer": ""} if moved else {})
    return replace(provider, **changes)
