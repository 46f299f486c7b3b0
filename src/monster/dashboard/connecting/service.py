"""Makes connections: what the engine is told, and what the form needs to know of it."""

from pydantic import TypeAdapter

from monster.contracts.auth_config import Strategy
from monster.contracts.oauth import OAuthProviderOut, ProviderKindOut
from monster.dashboard.connecting.schemas import Registrations
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.systems.schemas import System

_KINDS = TypeAdapter(list[ProviderKindOut])
_OWN = TypeAdapter(list[OAuthProviderOut])


async def registrations(
    engine: HttpEngine, caller: Caller, system: System, strategy: Strategy
) -> Registrations | None:
    """None if the strategy is not OAuth, or the system registers Monster by itself."""
    if not strategy.is_oauth or system.factory.kind == "mcp_server":
        return None
    kinds = await engine.call(caller, "GET", "/v1/oauth_providers/kinds")
    own = await engine.call(caller, "GET", "/v1/oauth_providers")
    return Registrations.of(
        system.factory.oauth, _KINDS.validate_python(kinds), _OWN.validate_python(own)
    )
