"""What can go wrong with API keys, besides what the engine says."""

from monster.kit.errors import Invalid


class NoSuchContact(Invalid):
    code = "contact_unknown"
