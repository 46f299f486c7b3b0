"""What can go wrong with conversations."""

from monster.kit.errors import NotFound


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
