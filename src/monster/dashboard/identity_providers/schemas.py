"""What goes in and out about identity providers."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, Secret, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from monster.dashboard.identity.schemas import Typed
from monster.kit.schemas import Input, Name, Output

# Never owner: the workspace is not the provider's to give away.
MappedRole: TypeAlias = Literal["viewer", "editor", "admin"]
Issuer: TypeAlias = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^https?://[!-~]+$"
    ),
]
ClientId: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[ -~]+$"),
]


def _with_openid(scopes: str) -> str:
    words = scopes.split()
    if "openid" not in words:
        raise PydanticCustomError("openid_missing", "The word openid must be among them")
    return " ".join(words)


Scopes: TypeAlias = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^[ -~]*$"), AfterValidator(_with_openid)
]
ClaimName: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")
]
Mapped: TypeAlias = Annotated[dict[Name, MappedRole], Field(max_length=200)]

SCOPES = "openid email profile"


class ProviderCreate(Input):
    """`roles` maps values of the claim `role_claim`; who has none of them gets `default_role`."""

    name: Name
    issuer: Issuer
    client_id: ClientId
    client_secret: Secret[Typed] | None = None
    scopes: Scopes = SCOPES
    role_claim: ClaimName | None = None
    roles: Mapped = Field(default_factory=dict)
    default_role: MappedRole = "viewer"
    enabled: StrictBool = True


class ProviderChanges(Input):
    """Only what is sent is changed: the defaults here are never used. A `client_secret` of null
    takes the secret away."""

    name: Name = ""
    issuer: Issuer = ""
    client_id: ClientId = ""
    client_secret: Secret[Typed] | None = None
    scopes: Scopes = SCOPES
    role_claim: ClaimName | None = None
    roles: Mapped = Field(default_factory=dict)
    default_role: MappedRole = "viewer"
    enabled: StrictBool = True


class ProviderOut(Output):
    id: uuid.UUID
    name: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: str
    role_claim: str | None
    roles: Mapping[str, MappedRole]
    default_role: MappedRole
    enabled: bool
    created_at: datetime
    updated_at: datetime


class ProviderTested(Output):
    """`code` and `problem` are null if it works."""

    works: bool
    code: str | None
    problem: str | None


class ProviderForm(Input):
    """As the page has it: of each role, the values that give it, one to a line."""

    name: Name
    issuer: Issuer
    client_id: ClientId
    client_secret: Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")] = ""
    scopes: Scopes
    role_claim: ClaimName = ""
    admins: Annotated[str, StringConstraints(max_length=20_000)] = ""
    editors: Annotated[str, StringConstraints(max_length=20_000)] = ""
    viewers: Annotated[str, StringConstraints(max_length=20_000)] = ""
    default_role: MappedRole

    def told(self) -> dict[str, object]:
        """As the other schemas have it; an empty secret is not told: it stays as it is."""
        columns = {"name", "issuer", "client_id", "scopes", "default_role"}
        values: dict[str, object] = self.model_dump(include=columns)
        if self.client_secret.strip():
            values["client_secret"] = self.client_secret.strip()
        return values | {"role_claim": self.role_claim or None, "roles": self._roles()}

    def _roles(self) -> dict[str, MappedRole]:
        """A value named twice gives the higher role."""
        lines: dict[MappedRole, str] = {
            "viewer": self.viewers, "editor": self.editors, "admin": self.admins,
        }  # fmt: skip
        return {
            line.strip(): role
            for role, text in lines.items()
            for line in text.splitlines()
            if line.strip()
        }
