"""What can go wrong with providers, and with the registrations of a workspace."""

from monster.kit import logs
from monster.kit.errors import Conflict, Invalid, NotFound
from monster.kit.texts import storable


class OAuthProviderNotFound(NotFound):
    code = "oauth_provider_not_found"


class OAuthProviderNameTaken(Conflict):
    code = "oauth_provider_name_taken"


class OAuthProviderInUse(Conflict):
    """Connections rest on it: they would be gone with it, and nobody would have revoked them."""

    code = "oauth_provider_in_use"


class BadEndpoint(Invalid):
    code = "bad_endpoint"


class NotRegistered(Conflict):
    """There is no registration to connect with."""

    code = "oauth_not_registered"


class ProviderError(Exception):
    """In the provider's words, without what is secret."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(storable(logs.mask(message)))
        self.code = code


class Refused(ProviderError):
    """A definite no, which asking again will not change; `code` is the provider's."""


class Dead(Refused):
    """The grant has ended: a person must agree again."""


class NotYet(Refused):
    """Of a device: the person has not agreed so far. `code` may be `slow_down`."""


class Unreachable(ProviderError):
    """No answer, or one that says nothing: asking again may help."""
