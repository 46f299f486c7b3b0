"""What can go wrong with passkeys."""

from monster.kit.errors import Conflict, Invalid, NotFound


class PasskeyNotFound(NotFound):
    code = "passkey_not_found"


class PasskeyKnown(Conflict):
    """It is registered already, with this account or with another."""

    code = "passkey_known"


class PasskeyRefused(Invalid):
    """What the device answered is not what it was asked."""

    code = "passkey_refused"


class TooManyPasskeys(Conflict):
    code = "too_many_passkeys"


class PasskeysUnavailable(Conflict):
    """A passkey belongs to a domain name; this installation is reached by an IP address."""

    code = "passkeys_unavailable"
