"""What can go wrong with members."""

from monster.kit.errors import Conflict, Forbidden, NotFound


class MemberNotFound(NotFound):
    code = "member_not_found"


class OwnerStays(Conflict):
    """A workspace has exactly one owner: that changes by transfer only."""

    code = "owner_stays"


class NotYourself(Conflict):
    """Of what one does to others; oneself, one leaves."""

    code = "not_yourself"


class NotConfirmed(Forbidden):
    """The password that was asked for again is wrong."""

    code = "wrong_password"


class MemberInactive(Conflict):
    code = "member_inactive"
