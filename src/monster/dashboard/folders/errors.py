"""What can go wrong with folders."""

from monster.kit.errors import Conflict, Invalid, NotFound


class FolderNotFound(NotFound):
    code = "folder_not_found"


class FolderNameTaken(Conflict):
    code = "folder_name_taken"


class FolderInUse(Conflict):
    """Somebody else's things lie in it."""

    code = "folder_in_use"


class FolderTooDeep(Invalid):
    """More levels than anybody finds their way in, or a folder inside itself."""

    code = "folder_too_deep"
