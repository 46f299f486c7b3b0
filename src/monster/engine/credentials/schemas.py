"""What the parts of the feature hand to each other."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monster.engine.models.providers import Account
from monster.engine.toolkit.definitions import Definition


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential with its values, for a moment: stays in this process, and is never shown."""

    id: uuid.UUID
    name: str
    definition: Definition
    strategy: str
    values: Mapping[str, str] = field(repr=False)
    status: str
    expires_at: datetime | None
    last_used_at: datetime | None
    oauth_provider_id: uuid.UUID | None

    @property
    def is_oauth(self) -> bool:
        return self.definition.auth.strategy(self.strategy).is_oauth

    @property
    def model_account(self) -> Account:
        """Of a model provider."""
        base_url, key = self.values.get("base_url"), self.values.get("api_key", "")
        return Account(self.definition.system_name, base_url, key)
