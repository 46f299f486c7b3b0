"""What can go wrong about directories."""

from monster.kit.errors import Conflict, Invalid, NotFound, Unauthenticated


class ScimTokenNotFound(NotFound):
    code = "scim_token_not_found"


class GroupNotFound(NotFound):
    code = "group_not_found"


class TooManyScimTokens(Conflict):
    code = "too_many_scim_tokens"


class WrongScimToken(Unauthenticated):
    """The same for one that never was, was revoked, or is of a workspace that is gone."""


class GroupNameTaken(Conflict):
    code = "group_name_taken"


class UnknownMember(Invalid):
    """Of a group: also who belongs to another workspace."""

    code = "unknown_member"
