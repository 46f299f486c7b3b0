"""What the parts of the feature hand to each other."""

import uuid
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel


class Held(NamedTuple):
    """An access token; None: it lasts until it is revoked."""

    token: str
    expires_at: datetime | None
    refresh_at: datetime | None


class Flow(BaseModel):
    """What is sealed in the row of an attempt."""

    redirect_uri: str = ""
    verifier: str = ""
    device_code: str = ""
    interval: int = 0  # seconds
    next_at: float = 0  # Unix time before which the provider is not asked again


class OpenFlow(NamedTuple):
    """An attempt that goes on: whose, and for which credential."""

    credential_id: uuid.UUID
    flow: Flow
