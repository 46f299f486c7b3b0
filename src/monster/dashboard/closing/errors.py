"""What can go wrong when a tenant is suspended or deleted."""

from monster.kit.errors import Invalid, NotFound


class TenantNotFound(NotFound):
    code = "tenant_not_found"


class NameDiffers(Invalid):
    """What was typed is not the name of what would be deleted."""

    code = "name_differs"
