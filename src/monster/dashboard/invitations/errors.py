"""What can go wrong between somebody invited and the workspace."""

from monster.kit.errors import Conflict, Forbidden, NotFound


class InvitationNotFound(NotFound):
    code = "invitation_not_found"


class AlreadyInvited(Conflict):
    code = "already_invited"


class AlreadyMember(Conflict):
    code = "already_member"


class NotForYou(Forbidden):
    """Signed in with another address than the one that was invited."""

    code = "invitation_not_yours"
