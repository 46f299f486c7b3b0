"""What is known of an API key once it is found."""

import uuid
from typing import NamedTuple


class Presented(NamedTuple):
    """A key that is valid at this moment. `contact` is who `ext_id` names, if it was given."""

    id: uuid.UUID
    permissions: list[str]
    agent_ids: list[uuid.UUID]
    contact_id: uuid.UUID | None
    requests_per_minute: int | None
    spent: bool  # its budget of this month
    in_time: bool  # it may ask again already
    suspended: bool  # its tenant
    contact: uuid.UUID | None
