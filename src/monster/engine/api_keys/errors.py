"""What can go wrong with API keys."""

from monster.kit.errors import Invalid, NotFound


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class AgentNotShared(Invalid):
    """A key reaches shared agents only."""

    code = "agent_not_shared"


class Expired(Invalid):
    code = "already_expired"
