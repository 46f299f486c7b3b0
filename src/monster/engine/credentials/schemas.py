"""What the parts of the feature hand to each other."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from monster.engine.models.providers import Account


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential with its values: stays in this process, and is never shown."""

    id: uuid.UUID
    name: str
    last_used_at: datetime | None
    account: Account
