"""What can go wrong between a person and the door."""

from monster.kit.errors import Conflict, Forbidden, Invalid, Unauthenticated


class WrongPassword(Unauthenticated):
    """Also for an address nobody has, a locked or an inactive account: the answer tells nothing."""

    code = "wrong_password"


class NoWorkspace(Forbidden):
    code = "no_workspace"


class EmailTaken(Conflict):
    code = "email_taken"


class Suspended(Forbidden):
    """The workspace, by a platform admin."""

    code = "workspace_suspended"


class SecondFactorRequired(Forbidden):
    """The workspace demands one of its members."""

    code = "second_factor_required"


class NotYourAccount(Forbidden):
    """Signed in, but not as the one who may change how the account is entered."""

    code = "not_your_account"


class TokenWorthless(Invalid):
    """Of a link in a mail, or of a step of signing in."""

    code = "token_worthless"
