"""What the store is told of those who keep secrets in it."""

import uuid
from typing import Literal, NamedTuple


class Owner(NamedTuple):
    """Of one or more secrets, which go when it goes."""

    kind: Literal["credential", "tool_factory", "oauth_provider"]
    id: uuid.UUID
