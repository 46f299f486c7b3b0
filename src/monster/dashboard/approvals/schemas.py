"""What the feature takes and shows."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from monster.contracts.runs import ApprovalOut
from monster.dashboard.transcript.asks import Ask

LONGEST_NOTE = 2000


class AnswerForm(BaseModel):
    """What the form of a card sends. `resume`: something is connected now, about no call at all."""

    model_config = ConfigDict(frozen=True)

    decision: Literal["approve", "deny", "confirm", "resume"]
    call: uuid.UUID | None = None
    arguments_hash: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] = ""


class Waiting(NamedTuple):
    """A run that waits for the reader, with the cards that they answer; `whose` if it is not
    theirs, else `path` leads to the conversation."""

    run: ApprovalOut
    asks: Sequence[Ask]
    whose: str
    path: str
