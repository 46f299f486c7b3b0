"""What can go wrong with tool factories."""

from monster.kit.errors import Conflict, NotFound


class ToolFactoryNotFound(NotFound):
    code = "tool_factory_not_found"


class ToolFactoryNameTaken(Conflict):
    code = "tool_factory_name_taken"


class ToolFactoryInUse(Conflict):
    """Secrets were given for another address."""

    code = "tool_factory_in_use"


class OtherKind(Conflict):
    code = "other_kind"
