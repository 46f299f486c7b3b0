"""What the parts of the feature hand to each other."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monster.contracts.auth_config import TOKEN_CREDS
from monster.engine.models.providers import Account
from monster.engine.toolkit.definitions import Definition

# Secrets of a credential that is a grant; its system sees the access token alone.
ACCESS_TOKEN, REFRESH_TOKEN = "access_token", "refresh_token"
_OURS = frozenset({ACCESS_TOKEN, REFRESH_TOKEN, TOKEN_CREDS, "client_secret"})


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
    oauth_system: str | None
    refresh_at: datetime | None

    @property
    def is_oauth(self) -> bool:
        """Somebody agreed at a provider, or is to."""
        return self.definition.auth.strategy(self.strategy).is_oauth

    @property
    def has_token(self) -> bool:
        return self.definition.auth.strategy(self.strategy).has_token

    @property
    def for_system(self) -> Mapping[str, str]:
        """Values, without what is between Monster and a provider alone."""
        ours = _OURS if self.has_token else frozenset[str]()
        return {name: value for name, value in self.values.items() if name not in ours}

    @property
    def model_account(self) -> Account:
        """Of a model provider."""
        base_url, key = self.values.get("base_url"), self.values.get("api_key", "")
        return Account(self.definition.system_name, base_url, key)
