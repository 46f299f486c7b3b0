"""What a platform admin may not do to somebody."""

from monster.kit.errors import Conflict, NotFound


class UserNotFound(NotFound):
    code = "user_not_found"


class Yourself(Conflict):
    """Whoever shuts themselves out lets nobody back in."""

    code = "yourself"


class PlatformAdmin(Conflict):
    """Another one: who has the machine decides about those, on the command line."""

    code = "platform_admin"


class OnlyOwner(Conflict):
    """A workspace would have no owner any more, and nobody said that this is meant."""

    code = "only_owner"
