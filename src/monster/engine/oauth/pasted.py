"""Grants that somebody made elsewhere and pastes: Google's `authorized_user` and its like."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from monster.contracts.auth_config import TOKEN_CREDS, BadValue
from monster.kit import logs

_FIELD = f"values.{TOKEN_CREDS}"


class _Creds(BaseModel):
    """What of it is used. `token_uri` is not: where tokens are renewed is the provider's to say."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["authorized_user"] = "authorized_user"
    client_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,500}$")] | None = None
    client_secret: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{0,500}$")] | None = None
    refresh_token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,4096}$")]


@dataclass(frozen=True, slots=True)
class Pasted:
    client_id: str
    client_secret: str | None = field(repr=False)
    refresh_token: str = field(repr=False)


def read(text: str, client_id: str | None) -> Pasted:
    """`client_id` if the text has none. Raises BadValue, which quotes nothing of it."""
    try:
        found = _Creds.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise BadValue(
            f"this is no JSON of the type authorized_user: {where} is missing or wrong",
            field=_FIELD,
        ) from None
    client = found.client_id or client_id
    if not client:
        raise BadValue("it names no client: fill in client_id, too", field=_FIELD)
    for secret in (found.refresh_token, found.client_secret or ""):
        logs.hide(secret)
    return Pasted(client, found.client_secret, found.refresh_token)
