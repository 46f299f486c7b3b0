"""What can go wrong before anything is done for a tenant."""

from monster.kit.errors import Forbidden


class TenantSuspended(Forbidden):
    """By a platform admin, or because it is being deleted."""

    code = "workspace_suspended"
