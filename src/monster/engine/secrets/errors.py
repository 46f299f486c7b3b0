"""What can go wrong with secrets. No message quotes a value."""

from monster.kit.errors import AppError


class SecretsSealed(AppError):
    """The master key that is set is not the one that sealed them, or a row was changed."""

    status = 503
    code = "secrets_sealed"
