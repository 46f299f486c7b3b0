"""What a document says about authentication, as `auth_config` and templates."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from monster.engine.custom_tools.document import mapping

_NAME = re.compile(r"[^A-Za-z0-9]+")


class Security(NamedTuple):
    """`oauth` is what is said of the provider; `notes` are about what cannot be used."""

    auth_config: dict[str, Any]
    headers: dict[str, str]
    query: dict[str, str]
    basic: tuple[str, str] | None
    oauth: dict[str, Any]
    notes: list[str]


def read(schemes: Mapping[str, dict[str, Any]]) -> Security:
    """One strategy for each scheme."""
    found = Security({}, {}, {}, None, {}, [])
    for key, scheme in schemes.items():
        name = _NAME.sub("_", key).strip("_").lower()[:40] or "key"
        found = _read(found, name, scheme)
    return found


def _read(found: Security, name: str, scheme: dict[str, Any]) -> Security:
    kind, words = scheme.get("type"), str(scheme.get("description") or "")[:500]
    http = str(scheme.get("scheme", "")).lower() if kind == "http" else ""
    if kind == "apiKey":
        return _key(found, name, scheme, words)
    if kind == "basic" or http == "basic":
        user, secret = f"{name}_username", f"{name}_password"
        parameters = {f"1. {user}": "User name", f"2. {secret}": _secret("Password")}
        found.auth_config[f"strategy_{name}"] = parameters
        return found._replace(basic=(f"{{{user}}}", f"{{{secret}}}"))
    if http == "bearer":
        return _bearer(found, name, words)
    if kind == "oauth2":
        return _oauth(found, scheme)
    found.notes.append(f"The authentication {name!r} ({kind}) cannot be used.")
    return found


def _key(found: Security, name: str, scheme: dict[str, Any], words: str) -> Security:
    place, wire = scheme.get("in"), str(scheme.get("name") or "")
    template = f"{{{name}}}"
    if place == "header":
        found.headers[wire] = template
    elif place == "query":
        found.query[wire] = template
    elif place == "cookie":
        found.headers["Cookie"] = f"{wire}={template}"
    parameter = _secret(words or f"{wire} ({place})")
    found.auth_config[f"strategy_{name}"] = {f"1. {name}": parameter}
    return found


def _bearer(found: Security, name: str, words: str) -> Security:
    if "Authorization" in found.headers:
        found.notes.append("Only the first of several bearer tokens is used.")
        return found
    found.headers["Authorization"] = f"Bearer {{{name}}}"
    found.auth_config[f"strategy_{name}"] = {f"1. {name}": _secret(words or "Bearer token")}
    return found


def _oauth(found: Security, scheme: dict[str, Any]) -> Security:
    flows = mapping(scheme.get("flows"))
    # Swagger 2 has no flows: the scheme itself is one.
    chosen = flows.get("authorizationCode") or next(iter(flows.values()), scheme)
    flow = mapping(chosen)
    said = {
        "authorization_url": str(flow.get("authorizationUrl") or ""),
        "token_url": str(flow.get("tokenUrl") or ""),
        "scopes": sorted(mapping(flow.get("scopes"))),
    }
    found.auth_config["strategy_oauth"] = {
        "help": "Register with the provider first: "
        f"{said['authorization_url'] or 'authorization address unknown'}, "
        f"{said['token_url'] or 'token address unknown'}"
    }
    return found._replace(oauth=said)


def _secret(description: str) -> dict[str, Any]:
    return {"description": description, "type": "secret"}
