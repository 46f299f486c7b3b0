"""Whether a person is asked before a tool acts. The engine holds this: no prompt is part of it."""

from monster.engine.models.protocol import SourcePart
from monster.engine.runs.tools import Tool
from monster.engine.toolkit.effects import Effect


def asks(tool: Tool, *, untrusted: bool) -> bool:
    """`untrusted`: outsiders' words were in the conversation when the model asked for it."""
    if tool.effect is Effect.READ:
        return False
    return tool.approval == "always" or (tool.approval == "untrusted" and untrusted)


def taints(tool: Tool, sources: tuple[SourcePart, ...]) -> bool:
    """Whether its result may hold what outsiders wrote; passages of documents always may."""
    return not tool.trusted or bool(sources)
