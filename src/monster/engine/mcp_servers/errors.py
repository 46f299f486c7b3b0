"""What can go wrong with MCP servers. No message quotes a secret."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class McpServerNotFound(NotFound):
    code = "mcp_server_not_found"


class McpServerNameTaken(Conflict):
    code = "mcp_server_name_taken"


class BadMcpServer(Invalid):
    """What is said about it does not go together."""

    code = "bad_mcp_server"


class ServerHasConnections(Conflict):
    """People gave them to the address that it has, and to no other."""

    code = "mcp_server_has_connections"


class AlreadyRegistered(Conflict):
    code = "mcp_server_registered"


class NothingFound(Conflict):
    """There is nothing to accept, or it is not what was looked at."""

    code = "mcp_nothing_to_accept"


class McpServerFailed(AppError):
    """Not a 5xx: it is the server that failed, and the sentence says how."""

    status = 424
    code = "mcp_server_failed"


class NotConnected(AppError):
    """The server can be asked with a connection only, and the caller has none."""

    status = 424
    code = "mcp_not_connected"
