"""How a server is reached: the `config_json` of its tool factory, and what its secrets fill in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from monster.contracts.auth_config import OAUTH
from monster.contracts.mcp import McpAuth, McpTransport
from monster.contracts.oauth import ClientAuth
from monster.engine.toolkit.effects import ToolFailed

HEADER = "header:"  # before the names of secrets that are headers
_REFERENCE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]{0,63})\}")
_UNSENDABLE = re.compile(r"[^\x20-\x7e]")


class ServerConfig(BaseModel):
    """`headers` are names; their values are secrets, as those of `environments`."""

    model_config = ConfigDict(frozen=True)

    transport: McpTransport
    url: str | None = None
    headers: tuple[str, ...] = ()
    command: str | None = None
    args: tuple[str, ...] = ()
    auth: McpAuth = "none"
    parameters: dict[str, str] = {}
    allowed: tuple[str, ...] = ()
    timeout_seconds: int = 60

    def auth_config(self) -> dict[str, Any]:
        """What a connection takes, as `contracts.auth_config` reads it."""
        if self.auth == "token":
            token = {"description": "Access token", "type": "secret"}
            return {"strategy_token": {"token": token}}
        if self.auth == "values":
            values = {
                name: {"description": said or name, "type": "secret", "order": n}
                for n, (name, said) in enumerate(self.parameters.items())
            }
            return {"strategy_values": values}
        return {OAUTH: {}} if self.auth == "oauth" else {}


@dataclass(frozen=True, slots=True)
class Registered:
    """A client of the authorization server. `resource` names the server in every request to it."""

    issuer: str
    authorize_url: str
    token_url: str
    revoke_url: str | None
    client_auth: ClientAuth
    client_id: str
    client_secret: str | None = field(repr=False)
    resource: str
    scopes: tuple[str, ...]


def split(secrets: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and environments."""
    headers = {n.removeprefix(HEADER): v for n, v in secrets.items() if n.startswith(HEADER)}
    return headers, {n: v for n, v in secrets.items() if not n.startswith(HEADER)}


def fill(text: str, values: Mapping[str, str]) -> str:
    """A header with its references replaced. Raises ToolFailed without quoting a value."""
    filled = _REFERENCE.sub(lambda found: _value(found[1], values), text)
    if _UNSENDABLE.search(filled):
        raise ToolFailed("a header of this server has characters that cannot be sent")
    return filled


def fill_address(url: str, values: Mapping[str, str]) -> str:
    """No value can leave its place in path or query."""
    return _REFERENCE.sub(lambda found: quote(_value(found[1], values), safe=""), url)


def references(text: str) -> set[str]:
    return set(_REFERENCE.findall(text))


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise ToolFailed(f"this server refers to {name}, which nobody has set")
    return values[name]
