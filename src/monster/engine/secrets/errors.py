"""What can go wrong with secrets. No message quotes a value."""

from monster.kit.errors import AppError


class SecretsSealed(AppError):
    """No master key that is set is the one that sealed them, or a row was changed."""

    status = 503
    code = "secrets_sealed"


class KeysUnreachable(SecretsSealed):
    """The master key is elsewhere, and whoever has it does not answer, or refuses us."""

    code = "keys_unreachable"
