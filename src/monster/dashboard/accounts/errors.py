"""What can go wrong while somebody gets an account, or back into one."""

from monster.kit.errors import Forbidden, Invalid


class RegistrationClosed(Forbidden):
    code = "registration_closed"


class WeakPassword(Invalid):
    """One that would be guessed first."""

    code = "weak_password"
