"""What can go wrong with credentials. No message quotes a value."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class CredentialNotFound(NotFound):
    code = "credential_not_found"


class CredentialNameTaken(Conflict):
    code = "credential_name_taken"


class NoFactory(Invalid):
    """Of `tool_factory_id` and `system_name` exactly one is needed."""

    code = "no_tool_factory"


class NoConnectionNeeded(Invalid):
    code = "no_connection_needed"


class ProviderFailed(AppError):
    """Not a 5xx: it is the provider that failed, and the sentence says how."""

    status = 424
    code = "provider_failed"
