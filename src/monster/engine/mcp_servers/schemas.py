"""What was found at a server, as it is kept until somebody accepts it, and how it is shown."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from monster.contracts.mcp import (
    McpChangedOut,
    McpDiscoveredOut,
    McpFoundOut,
    McpLeftOutOut,
    McpServerOut,
)
from monster.contracts.oauth import CUSTOM, Endpoints, OAuthProviderCreate
from monster.contracts.pinning import digest
from monster.contracts.tools import FunctionOut
from monster.engine.mcp.config import Registered, ServerConfig
from monster.engine.mcp.offers import Offers
from monster.engine.tool_factories.models import ToolFactory

_MOST_LEFT_OUT = 100


class Found(BaseModel):
    model_config = ConfigDict(frozen=True)

    digest: str
    offers: tuple[McpFoundOut, ...]
    left_out: tuple[McpLeftOutOut, ...]

    @classmethod
    def of(cls, offers: Offers) -> "Found":
        found = [McpFoundOut.model_validate(asdict(one)) for one in offers.found.values()]
        marks = [[one.name, one.original, one.hint, one.hash] for one in found]
        left_out = [McpLeftOutOut(name=name, why=why) for name, why in offers.left_out]
        return cls(
            digest=hashlib.sha256(json.dumps(marks).encode()).hexdigest(),
            offers=tuple(found),
            left_out=tuple(left_out[:_MOST_LEFT_OUT]),
        )

    def among(self, allowed: Sequence[str]) -> list[McpFoundOut]:
        return [one for one in self.offers if not allowed or one.name in allowed]

    def beside(
        self, tools: Sequence[dict[str, Any]], allowed: Sequence[str]
    ) -> McpDiscoveredOut | None:
        """What differs from what was accepted; None if nothing does."""
        before = {one["name"]: FunctionOut.model_validate(one) for one in tools}
        now = {one.name: one for one in self.among(allowed)}
        changed = [
            McpChangedOut(before=before[name], now=one)
            for name, one in now.items()
            if name in before and hash_of(before[name]) != one.hash
        ]
        new = [one for name, one in now.items() if name not in before]
        gone = [one for name, one in before.items() if name not in now]
        if not (new or changed or gone):
            return None
        return McpDiscoveredOut(
            digest=self.digest, new=new, changed=changed, gone=gone, left_out=list(self.left_out)
        )


def hash_of(function: FunctionOut) -> str:
    return digest(function.name, function.description, function.parameters)


def app_of(name: str, registered: Registered) -> OAuthProviderCreate:
    """What we became at the authorization server of a server, as an OAuth app of the workspace."""
    endpoints = Endpoints(
        authorize_url=registered.authorize_url,
        token_url=registered.token_url,
        revoke_url=registered.revoke_url,
        issuer=registered.issuer,
        pkce=True,
        client_auth=registered.client_auth,
        params={"resource": registered.resource},
    )
    secret = registered.client_secret
    return OAuthProviderCreate(
        system_name=CUSTOM,
        name=name,
        client_id=registered.client_id,
        client_secret=SecretStr(secret) if secret else None,
        endpoints=endpoints,
        scopes=registered.scopes,
    )


def told(server: ToolFactory) -> dict[str, object]:
    """What the audit log may keep: of the secrets their names."""
    tools = {one["name"]: hash_of(FunctionOut.model_validate(one))[:12] for one in server.tools}
    effects = {one["name"]: one["effect"] for one in server.tools}
    kept = {n: getattr(server, n) for n in ("name", "description", "type", "environments")}
    return {**kept, **server.config, "tools": tools, "effects": effects}


def out(server: ToolFactory) -> McpServerOut:
    config = ServerConfig.model_validate(server.config)
    found = Found.model_validate(server.found) if server.found else None
    same = set(McpServerOut.model_fields) & set(ServerConfig.model_fields)
    plain = set(McpServerOut.model_fields) - same - {"found"}
    return McpServerOut.model_validate(
        {
            **{name: getattr(server, name) for name in plain},
            **config.model_dump(include=same),
            "found": found.beside(server.tools, config.allowed) if found else None,
        }
    )
