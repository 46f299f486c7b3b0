"""The job that makes the first agent."""

import uuid
from typing import ClassVar

from monster.kit.jobs import JobArgs


class MakeGuide(JobArgs):
    """Job: an index of this project's documentation, and the agent that answers from it."""

    name: ClassVar[str] = "welcome.make_guide"

    user_id: uuid.UUID
