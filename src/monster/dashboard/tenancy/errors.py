"""What can go wrong with workspaces."""

from monster.kit.errors import Conflict, NotFound


class WorkspaceNotFound(NotFound):
    code = "workspace_not_found"


class FactorFirst(Conflict):
    """Whoever asks it of others has one: or the next page would be closed to them, too."""

    code = "second_factor_first"


class SlugTaken(Conflict):
    code = "slug_taken"
