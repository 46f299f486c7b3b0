"""JSON endpoints about folders."""

import uuid

from fastapi import APIRouter

from monster.dashboard.folders import service
from monster.dashboard.folders.models import Folder
from monster.dashboard.folders.schemas import FolderChanges, FolderCreate, FolderOut
from monster.dashboard.identity.scope import CurrentScope, Transaction

router = APIRouter(prefix="/folders", tags=["folders"])


@router.get("", response_model=list[FolderOut])
async def list_folders(session: Transaction, scope: CurrentScope) -> list[Folder]:
    """All that the caller sees, each after the one it lies in."""
    return [shelf.folder for shelf in await service.tree(session, scope)]


@router.post("", response_model=FolderOut, status_code=201)
async def create_folder(data: FolderCreate, session: Transaction, scope: CurrentScope) -> Folder:
    return await service.create(session, scope, data)


@router.get("/{folder_id}", response_model=FolderOut)
async def get_folder(folder_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> Folder:
    return await service.get(session, scope, folder_id)


@router.patch("/{folder_id}", response_model=FolderOut)
async def change_folder(
    folder_id: uuid.UUID, changes: FolderChanges, session: Transaction, scope: CurrentScope
) -> Folder:
    """`parent_id` moves it, with all that lies in it; null moves it to the top."""
    return await service.update(session, scope, folder_id, changes)


@router.delete("/{folder_id}", status_code=204)
async def delete_folder(folder_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    """Folders and agents in it go up to where it lay."""
    await service.delete(session, scope, folder_id)
