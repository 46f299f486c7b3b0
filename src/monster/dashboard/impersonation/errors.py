"""Whom a platform admin cannot act as."""

from monster.kit.errors import Conflict, NotFound


class CannotActAs(Conflict):
    """Another platform admin, oneself, somebody inactive or without a workspace."""

    code = "cannot_act_as"


class PersonNotFound(NotFound):
    code = "user_not_found"


class NotActing(NotFound):
    """There is nothing to end."""

    code = "not_acting"
