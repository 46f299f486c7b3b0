"""What can go wrong with custom tools, besides what the engine says."""

from monster.kit.errors import NotFound


class NoSuchTool(NotFound):
    code = "custom_tool_not_found"
