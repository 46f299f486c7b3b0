"""What the contacts feature's parts hand to each other."""

import uuid
from typing import Any, NamedTuple


class Place(NamedTuple):
    """How far an export has got in one part."""

    id: uuid.UUID
    number: int


class Piece(NamedTuple):
    """Some rows of one part, and where the next ones begin; None: that was all."""

    rows: list[dict[str, Any]]
    after: Place | None
