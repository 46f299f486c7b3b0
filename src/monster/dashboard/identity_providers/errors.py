"""What can go wrong with identity providers."""

from monster.kit.errors import Conflict, Invalid, NotFound, Unavailable


class ProviderNotFound(NotFound):
    code = "identity_provider_not_found"


class ProviderNameTaken(Conflict):
    code = "identity_provider_name_taken"


class BadIssuer(Invalid):
    code = "bad_issuer"


class SecretNeeded(Invalid):
    """A secret is given to the issuer it was entered for, and to no other."""

    code = "client_secret_needed"


class SecretSealed(Unavailable):
    code = "client_secret_sealed"
