"""What can go wrong with credentials. No message quotes a value."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class CredentialNotFound(NotFound):
    code = "credential_not_found"


class CredentialNameTaken(Conflict):
    code = "credential_name_taken"


class BadSecret(Invalid):
    code = "bad_secret"


class BadBaseUrl(Invalid):
    code = "bad_base_url"


class ProviderFailed(AppError):
    """Not a 5xx: it is the provider that failed, and the sentence says how."""

    status = 424
    code = "provider_failed"
