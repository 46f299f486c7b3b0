"""What goes in and out about folders."""

import uuid
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from monster.contracts.agents import Sharing
from monster.kit.schemas import Input, Name, Output

# In a form the top has no id.
ChosenFolder: TypeAlias = Annotated[uuid.UUID | None, BeforeValidator(lambda id_: id_ or None)]


class FolderForm(Input):
    name: Name
    parent_id: ChosenFolder = None
    scope: Sharing


class FolderCreate(Input):
    name: Name
    parent_id: uuid.UUID | None = None
    scope: Sharing = "private"


class FolderChanges(Input):
    """Only what is sent is changed: the defaults here are never used."""

    name: Name = ""
    parent_id: uuid.UUID | None = None
    scope: Sharing = "private"


class FolderOut(Output):
    """`parent_id` is null at the top."""

    id: uuid.UUID
    parent_id: uuid.UUID | None
    user_id: uuid.UUID
    name: str
    scope: Sharing
    created_at: datetime
    updated_at: datetime
