"""What can go wrong with API keys."""

from monster.kit.errors import Invalid, NotFound


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class AgentNotShared(NotFound):
    """A key reaches shared agents only, and those of its own tenant."""

    code = "agent_not_shared"


class Expired(Invalid):
    code = "already_expired"
