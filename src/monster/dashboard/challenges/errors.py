"""What can go wrong between the password and the session."""

from monster.kit.errors import Unauthenticated


class WrongCode(Unauthenticated):
    """Also one that was right, and is used."""

    code = "wrong_code"


class WrongPasskey(Unauthenticated):
    code = "wrong_passkey"
