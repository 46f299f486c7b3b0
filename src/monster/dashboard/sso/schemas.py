"""What goes through the door: a sign-in begun, the provider's answer, who it says has come."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from monster.dashboard.identity.schemas import Email, Lifetime
from monster.dashboard.identity_providers.schemas import MappedRole
from monster.dashboard.oidc.client import Oidc
from monster.dashboard.sso.errors import SignInFailed
from monster.dashboard.tenancy.models import IdentityProvider
from monster.kit.crypto import MasterKey
from monster.kit.db import SessionMaker
from monster.kit.schemas import Name

_HIGHEST_FIRST: tuple[MappedRole, ...] = ("admin", "editor", "viewer")


@dataclass(frozen=True, slots=True)
class Door:
    """What signing in takes of the process."""

    sessions: SessionMaker
    oidc: Oidc
    master: MasterKey
    lifetime: Lifetime
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back from the provider."""

    state: str
    code: str
    issuer: str
    error: str


class Begun(BaseModel):
    """What a one-time token of kind `sso` holds. `browser` is a hash of what the cookie holds."""

    provider_id: uuid.UUID
    nonce: str
    verifier: str
    browser: str
    onward: str


class Visitor(BaseModel):
    """Whom the provider means. Strict about `email_verified`: missing is no."""

    sub: Annotated[
        str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$", strict=True)
    ]
    email: Email | None = None
    email_verified: Annotated[bool, Field(strict=True)] | Literal["true", "false"] = False

    @property
    def verified(self) -> bool:
        return self.email_verified in {True, "true"}


class _Named(BaseModel):
    name: Name


def read_visitor(claims: Mapping[str, Any]) -> Visitor:
    """Raises SignInFailed."""
    try:
        return Visitor.model_validate(dict(claims))
    except ValidationError as error:
        place = error.errors()[0]["loc"][0]
        raise SignInFailed("bad_claims", f"the claim {place} cannot be used") from error


def name_of(claims: Mapping[str, Any], email: str) -> str:
    """As they call themselves, else what stands before the @."""
    parts = [
        part for key in ("given_name", "family_name") if isinstance(part := claims.get(key), str)
    ]
    for name in (claims.get("name"), " ".join(parts), claims.get("preferred_username")):
        try:
            return _Named.model_validate({"name": name}).name
        except ValidationError:
            continue
    return email.partition("@")[0][:200]


def mapped_role(provider: IdentityProvider, claims: Mapping[str, Any]) -> MappedRole | None:
    """The highest that the claim gives. None if nothing is mapped: roles are given here then."""
    if not provider.role_claim or not provider.roles:
        return None
    values = _values(claims, provider.role_claim)
    named = {provider.roles.get(value) for value in values}
    for role in _HIGHEST_FIRST:
        if role in named:
            return role
    return default_role(provider)


def default_role(provider: IdentityProvider) -> MappedRole:
    return "viewer" if provider.default_role == "owner" else provider.default_role


def _values(claims: Mapping[str, Any], path: str) -> set[str]:
    """Of the claim of that name, else of one inside others, as in `realm_access.roles`."""
    found: object = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = (
                cast(Mapping[str, object], found).get(part) if isinstance(found, Mapping) else None
            )
    listed = cast(list[object], found) if isinstance(found, list) else [found]
    return {one for one in listed if isinstance(one, str)}
