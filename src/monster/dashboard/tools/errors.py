"""What can go wrong with the tools of an agent."""

from monster.kit.errors import Conflict, Invalid, NotFound


class ReferenceMissing(NotFound):
    """Something of the engine's that is not there, or not for this person."""

    code = "reference_missing"


class ToolNotFound(NotFound):
    code = "tool_not_found"


class ToolNameTaken(Conflict):
    code = "tool_name_taken"


class TooManyTools(Conflict):
    code = "too_many_tools"


class BadFunctions(Invalid):
    code = "bad_functions"


class BadConfig(Invalid):
    code = "bad_config"


class WrongConnection(Invalid):
    """A connection to another system."""

    code = "wrong_connection"
