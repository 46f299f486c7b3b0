"""What the parts of the secret store hand to each other, and what others tell it."""

import uuid
from typing import Literal, NamedTuple


class Owner(NamedTuple):
    """Of one or more secrets, which go when it goes."""

    kind: Literal["credential", "tool_factory", "oauth_provider"]
    id: uuid.UUID


class Wrapped(NamedTuple):
    """A tenant's key as it is stored: `fingerprint` names the master key that opens `text`."""

    fingerprint: str
    text: bytes
