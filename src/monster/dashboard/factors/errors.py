"""What can go wrong with second factors."""

from monster.kit.errors import Conflict, Invalid


class CodeMismatch(Invalid):
    """Of an authenticator app that is being set up."""

    code = "code_mismatch"


class PasswordMismatch(Invalid):
    code = "password_mismatch"


class AppKnown(Conflict):
    """An authenticator app is set up already."""

    code = "totp_exists"


class NoApp(Conflict):
    """There is no authenticator app to confirm or to remove."""

    code = "totp_missing"


class NoFactor(Conflict):
    """Recovery codes stand in for a second factor, so there must be one."""

    code = "second_factor_missing"
