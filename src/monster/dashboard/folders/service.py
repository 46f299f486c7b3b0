"""Folders: where agents lie, so that people find them. Who may use an agent, its own scope says."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.folders import queries
from monster.dashboard.folders.errors import (
    FolderInUse,
    FolderNameTaken,
    FolderNotFound,
    FolderTooDeep,
)
from monster.dashboard.folders.models import Folder
from monster.dashboard.folders.queries import Shelf
from monster.dashboard.folders.schemas import FolderChanges, FolderCreate, FolderOut
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.kit import audit
from monster.kit.audit import Action, Entry

DEEPEST = 10  # levels


async def tree(session: AsyncSession, scope: Scope) -> Sequence[Shelf]:
    """What the caller sees, each folder after the one it lies in."""
    shelves = await queries.tree(session, scope)
    below: dict[uuid.UUID | None, list[Shelf]] = {}
    for shelf in shelves:
        below.setdefault(shelf.folder.parent_id, []).append(shelf)
    waiting, sorted_out = below.get(None, [])[::-1], list[Shelf]()
    while waiting:
        sorted_out.append(waiting.pop())
        waiting += below.get(sorted_out[-1].folder.id, [])[::-1]
    return sorted_out


async def get(session: AsyncSession, scope: Scope, folder_id: uuid.UUID) -> Folder:
    return _find(await queries.tree(session, scope), folder_id).folder


async def create(session: AsyncSession, scope: Scope, data: FolderCreate) -> Folder:
    scope.require(Can.BUILD)
    await queries.lock_all(session, scope)
    if data.parent_id:
        parent = _find(await queries.tree(session, scope), data.parent_id, "parent_id")
        if parent.depth >= DEEPEST:
            raise _too_deep()
    folder = await queries.insert_if_free(session, scope, data.model_dump())
    if folder is None:
        raise _taken(data.name)
    made = Entry(Action.CREATE, "folder", folder.id, after=_told(folder))
    await audit.record(session, scope.actor, made)
    return folder


async def update(
    session: AsyncSession, scope: Scope, folder_id: uuid.UUID, changes: FolderChanges
) -> Folder:
    scope.require(Can.BUILD)
    await queries.lock_all(session, scope)
    shelves = await queries.tree(session, scope)
    folder = _find(shelves, folder_id).folder
    values = changes.model_dump(exclude_unset=True)
    if values.get("parent_id", folder.parent_id) != folder.parent_id:
        _check_move(shelves, folder_id, changes.parent_id)
    if values.get("scope", folder.scope) != folder.scope:
        _check_scope(scope, folder, shelves)
    before, name = _told(folder), changes.name or folder.name
    if not await queries.save(session, scope, folder, values):
        raise _taken(name)
    entry = Entry(Action.UPDATE, "folder", folder_id, before=before, after=_told(folder))
    await audit.record(session, scope.actor, entry)
    return folder


async def delete(session: AsyncSession, scope: Scope, folder_id: uuid.UUID) -> FolderOut:
    """The folder alone, which is returned as it was. What lies in it, agents too, goes up to
    where it lay."""
    scope.require(Can.BUILD)
    await queries.lock_all(session, scope)
    folder = _find(await queries.tree(session, scope), folder_id).folder
    gone = FolderOut.model_validate(folder)
    await queries.save(session, scope, folder, {"name": str(folder_id)})  # one in it may have it
    for child in await queries.children(session, scope, folder_id):
        if not await queries.save(session, scope, child, {"parent_id": gone.parent_id}):
            raise FolderNameTaken("a folder in it is named like one beside it: rename that first")
    await queries.move_agents(session, scope, folder_id, gone.parent_id)
    await queries.remove(session, scope, folder_id)
    before = gone.model_dump(mode="json", exclude={"updated_at"})
    entry = Entry(Action.DELETE, "folder", folder_id, before=before)
    await audit.record(session, scope.actor, entry)
    return gone


def _find(shelves: Sequence[Shelf], folder_id: uuid.UUID, field: str | None = None) -> Shelf:
    for shelf in shelves:
        if shelf.folder.id == folder_id:
            return shelf
    raise FolderNotFound(f"no folder {folder_id}", field=field)


def _check_move(shelves: Sequence[Shelf], folder_id: uuid.UUID, target: uuid.UUID | None) -> None:
    """A folder does not get into itself, nor below the deepest level with all that is in it."""
    if target is None:
        return
    parents = {shelf.folder.id: shelf.folder.parent_id for shelf in shelves}
    depths = {shelf.folder.id: shelf.depth for shelf in shelves}
    new_depth = _find(shelves, target, "parent_id").depth
    inside = [one for one in parents if folder_id in _way_up(parents, one)]
    if target in inside:
        raise FolderTooDeep("a folder cannot lie in itself", field="parent_id")
    height = max(depths[one] for one in inside) - depths[folder_id] + 1
    if new_depth + height > DEEPEST:
        raise _too_deep()


def _way_up(parents: Mapping[uuid.UUID, uuid.UUID | None], start: uuid.UUID) -> list[uuid.UUID]:
    way, here = list[uuid.UUID](), start
    while here in parents:
        way.append(here)
        parent = parents[here]
        if parent is None:
            break
        here = parent
    return way


def _check_scope(scope: Scope, folder: Folder, shelves: Sequence[Shelf]) -> None:
    """Others would hide from its owner's colleagues what is not theirs, and its owner what
    colleagues have put into it."""
    if folder.user_id != scope.user_id:
        scope.require(Can.OTHERS)
    if folder.scope == "private":
        return
    parents = {shelf.folder.id: shelf.folder.parent_id for shelf in shelves}
    for shelf in shelves:
        foreign = shelf.folder.user_id != folder.user_id
        if foreign and folder.id in _way_up(parents, shelf.folder.id):
            raise FolderInUse("folders of others lie in it: move them first", field="scope")


def _told(folder: Folder) -> dict[str, object]:
    return FolderOut.model_validate(folder).model_dump(mode="json", exclude={"updated_at"})


def _taken(name: str) -> FolderNameTaken:
    return FolderNameTaken(f"there is a folder named {name!r} already", field="name")


def _too_deep() -> FolderTooDeep:
    return FolderTooDeep(f"folders go {DEEPEST} levels deep", field="parent_id")
