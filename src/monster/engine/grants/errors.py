"""What can go wrong when somebody connects."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class OAuthFlowNotFound(NotFound):
    """Used, too old, or somebody else's."""

    code = "oauth_flow_not_found"


class OAuthFlowOver(Conflict):
    """No code waits to be typed."""

    code = "oauth_flow_over"


class NotOAuth(Conflict):
    """The credential is no OAuth grant."""

    code = "not_oauth"


class BadRedirect(Invalid):
    code = "bad_redirect_uri"


class OAuthFailed(AppError):
    """Not a 5xx: it is the provider, or the person there, that said no."""

    status = 424
    code = "oauth_failed"
