"""What can go wrong with workspaces."""

from monster.kit.errors import Conflict, NotFound


class WorkspaceNotFound(NotFound):
    code = "workspace_not_found"


class SlugTaken(Conflict):
    code = "slug_taken"
