"""What can go wrong with custom tools, besides what the engine says."""

from monster.kit.errors import Invalid, NotFound


class NoSuchTool(NotFound):
    code = "custom_tool_not_found"


class BadArguments(Invalid):
    code = "bad_arguments"
